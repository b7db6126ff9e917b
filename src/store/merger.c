/*
 * Which files to merge, and merging them.
 *
 * Sizes fall into classes by powers of MERGE_FAN_IN (8): class k holds 8^k to 8^(k+1) - 1 rows. As soon as MERGE_FAN_IN
 * neighbours are all of class k or smaller, they become one, for the smallest such k first. With files of 131,072 rows
 * (class 5) that is eight into a million; small ones climb a class per merge, so a record is rewritten at most once a
 * class. Neighbours of a smaller class go along: else a few tiny files between large ones would keep all of them.
 *
 * No file becomes larger than SEGMENT_ROWS_MAX, nor holds records received further apart than the ledger's span, since
 * retention removes whole files: a run that would is cut to as many files as fit, and left alone when fewer than two
 * do.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "store/store_priv.h"

#define CLASSES 8u /* 8^7 rows is more than SEGMENT_ROWS_MAX */

static unsigned class_of(uint64_t rows)
{
	unsigned k = 0;

	while (rows >= MERGE_FAN_IN) {
		rows /= MERGE_FAN_IN;
		k++;
	}
	return k;
}

static bool is_within(const struct merge_file *first, const struct merge_file *last, int64_t span_us)
{
	return span_us == 0 || last->received_max - first->received_min <= span_us;
}

/* How many files from `at` on fit into one. */
static size_t count_fitting(const struct merge_file *files, size_t at, size_t end, int64_t span_us)
{
	uint64_t sum = 0;
	size_t n = 0;

	while (at + n < end && sum + files[at + n].rows <= SEGMENT_ROWS_MAX &&
	       is_within(&files[at], &files[at + n], span_us)) {
		sum += files[at + n].rows;
		n++;
	}
	return n;
}

/* The first run of MERGE_FAN_IN files of class `k` or smaller, of which at least two fit into one. */
static bool pick_of_class(const struct merge_file *files, size_t count, unsigned k, int64_t span_us, size_t *ret_at,
			  size_t *ret_count)
{
	size_t run = 0;

	for (size_t i = 0; i < count; i++) {
		size_t at;
		size_t n;

		run = files[i].rows > 0 && class_of(files[i].rows) <= k ? run + 1 : 0;
		if (run < MERGE_FAN_IN)
			continue;
		at = i + 1 - MERGE_FAN_IN;
		n = count_fitting(files, at, i + 1, span_us);
		if (n >= 2) {
			*ret_at = at;
			*ret_count = n;
			return true;
		}
	}
	return false;
}

bool merger__pick(const struct merge_file *files, size_t count, int64_t span_us, size_t *ret_at, size_t *ret_count)
{
	for (unsigned k = 0; k < CLASSES; k++) {
		if (pick_of_class(files, count, k, span_us, ret_at, ret_count))
			return true;
	}
	return false;
}

/* Opens file part i; the mutex is given up meanwhile. */
static int open_file_locked(struct ledger *l, size_t i, struct err *err)
{
	struct part p = l->parts[i];
	int rc;

	if (p.segment)
		return 0;
	mutex_unlock(&l->mutex);
	rc = ledger__open_file(l, p.first, p.next, &p.segment, err);
	mutex_lock(&l->mutex);
	if (rc == 0 && !l->parts[i].segment)
		ledger__set_segment_locked(l, &l->parts[i], p.segment);
	else if (rc == 0)
		segment_unref(p.segment);
	else if ((rc == E_CORRUPT || rc == E_NOT_FOUND) && !l->parts[i].is_damaged) {
		l->parts[i].is_damaged = true;
		atomic_fetch_add(&l->store->damaged, 1);
	}
	return rc;
}

static int read_times(struct segment *s, struct part *ret, struct err *err)
{
	int rc = segment_received_min(s, &ret->received_min, err);

	ret->received_max = segment_received_max(s);
	ret->has_times = rc == 0;
	return rc;
}

int ledger__know_times_locked(struct ledger *l, size_t i, struct err *err)
{
	struct part p;
	int rc;

	if (l->parts[i].has_times)
		return 0;
	rc = open_file_locked(l, i, err);
	if (rc < 0)
		return rc;
	p = l->parts[i];
	(void)segment_ref(p.segment);
	mutex_unlock(&l->mutex);
	rc = read_times(p.segment, &p, err);
	segment_unref(p.segment);
	mutex_lock(&l->mutex);
	if (rc == 0) {
		l->parts[i].received_min = p.received_min;
		l->parts[i].received_max = p.received_max;
		l->parts[i].has_times = true;
	} else if (rc == E_CORRUPT && !l->parts[i].is_damaged) {
		l->parts[i].is_damaged = true;
		atomic_fetch_add(&l->store->damaged, 1);
	}
	return rc;
}

static bool pick_run_locked(const struct ledger *l, size_t *ret_at, size_t *ret_count)
{
	struct merge_file *files = xarray(l->file_count + 1, sizeof(*files));
	bool is_due;

	for (size_t i = 0; i < l->file_count; i++) {
		const struct part *p = &l->parts[i];

		files[i] = (struct merge_file){p->next - p->first, p->received_min, p->received_max};
		if (p->is_damaged || (l->merge_span_us > 0 && !p->has_times))
			files[i].rows = 0;
	}
	is_due = merger__pick(files, l->file_count, l->merge_span_us, ret_at, ret_count);
	free(files);
	return is_due;
}

/* Times matter only where the span is bounded, and only when there are enough files at all. */
static int know_all_times_locked(struct ledger *l, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < l->file_count && l->merge_span_us > 0 && rc == 0; i++) {
		if (l->parts[i].is_damaged)
			continue;
		rc = ledger__know_times_locked(l, i, err);
		if (rc < 0 && l->parts[i].is_damaged)
			rc = 0; /* is left out */
	}
	return rc;
}

static void unclaim_files_locked(struct ledger *l)
{
	l->is_merging = false;
	cond_broadcast(&l->changed);
}

/* Claims a run of files, opened and referenced: how many, 0 when nothing is due. */
static int claim_run_locked(struct ledger *l, struct part **ret, size_t *ret_at, struct err *err)
{
	size_t count;
	int rc = 0;

	if (l->is_merging || l->pruning > 0 || l->file_count < MERGE_FAN_IN)
		return 0;
	l->is_merging = true; /* from here on the files before the images stay where they are */
	rc = know_all_times_locked(l, err);
	if (rc < 0 || !pick_run_locked(l, ret_at, &count)) {
		unclaim_files_locked(l);
		return rc < 0 ? rc : 0;
	}
	for (size_t i = *ret_at; i < *ret_at + count && rc == 0; i++)
		rc = open_file_locked(l, i, err);
	if (rc < 0) {
		unclaim_files_locked(l);
		return rc;
	}
	*ret = xarray(count, sizeof(**ret));
	for (size_t i = 0; i < count; i++) {
		(*ret)[i] = l->parts[*ret_at + i];
		(void)segment_ref((*ret)[i].segment);
	}
	return (int)count;
}

/* A damaged file stays as it is, for whoever repairs it, and is not tried again. */
static void mark_damaged_locked(struct ledger *l, const struct part *run, int count, size_t at, const struct err *err)
{
	for (int i = 0; i < count; i++) {
		char name[PART_NAME_MAX];

		part__name(l->number, run[i].first, run[i].next, name);
		if (strcmp(name, err->field) == 0) {
			l->parts[at + (size_t)i].is_damaged = true;
			atomic_fetch_add(&l->store->damaged, 1);
			return;
		}
	}
	for (int i = 0; i < count; i++) /* nobody says which */
		l->parts[at + (size_t)i].is_damaged = true;
	atomic_fetch_add(&l->store->damaged, 1);
}

static int write_merged(struct ledger *l, const struct part *run, size_t count, struct part *ret, struct err *err)
{
	struct segment **segments = xarray(count, sizeof(struct segment *));
	struct buf bytes = BUF_INIT;
	int rc;

	for (size_t i = 0; i < count; i++)
		segments[i] = run[i].segment;
	rc = segment_merge(segments, count, l->id_key, &bytes, err);
	*ret = (struct part){.first = run[0].first,
			     .next = run[count - 1].next,
			     .has_times = run[0].has_times && run[count - 1].has_times,
			     .received_min = run[0].received_min,
			     .received_max = run[count - 1].received_max};
	if (rc == 0)
		rc = ledger__put_file(l, buf_span(&bytes), false, ret, err);
	buf_release(&bytes);
	free(segments);
	return rc;
}

/* What the merged file covers. A name that cannot be deleted goes when the folder is listed next. */
static void delete_run(struct ledger *l, const struct part *run, int count)
{
	for (int i = 0; i < count; i++) {
		char name[PART_NAME_MAX];
		struct err err = ERR_INIT;
		int rc;

		part__name(l->number, run[i].first, run[i].next, name);
		rc = object_delete(l->store->objects, name, &err);
		if (rc < 0 && rc != E_NOT_FOUND) /* retention may have come first */
			store__note_background(l->store, rc, &err);
	}
}

int ledger__merge_one(struct ledger *l, struct err *err)
{
	struct err why = ERR_INIT;
	struct part *run = NULL;
	struct part merged;
	size_t at = 0;
	int count;
	int rc = ledger__need_key(l, err);

	if (rc < 0)
		return rc;
	mutex_lock(&l->mutex);
	count = claim_run_locked(l, &run, &at, err);
	mutex_unlock(&l->mutex);
	if (count <= 0)
		return count;
	rc = write_merged(l, run, (size_t)count, &merged, &why);
	mutex_lock(&l->mutex);
	if (rc == 0) {
		ledger__remove_parts_locked(l, at, (size_t)count);
		ledger__add_part_locked(l, at, &merged);
		l->file_count -= (size_t)count - 1;
		atomic_fetch_add(&l->store->merges, 1);
	} else if (rc == E_CORRUPT) {
		mark_damaged_locked(l, run, count, at, &why);
	}
	unclaim_files_locked(l);
	mutex_unlock(&l->mutex);
	if (rc == 0)
		delete_run(l, run, count);
	else if (err)
		*err = why;
	for (int i = 0; i < count; i++)
		segment_unref(run[i].segment);
	free(run);
	return rc < 0 ? rc : 1;
}
