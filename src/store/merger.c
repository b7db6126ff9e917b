/*
 * Which files to merge, and merging them.
 *
 * Sizes fall into classes by powers of MERGE_FAN_IN (8): class k holds 8^k to 8^(k+1) - 1 rows. As soon as MERGE_FAN_IN
 * neighbours are all of class k or smaller, they become one, for the smallest such k first. With files of 131,072 rows
 * (class 5) that is eight into a million; small ones climb a class per merge, so a record is rewritten at most once a
 * class. Neighbours of a smaller class go along: else a few tiny files between large ones would keep all of them.
 *
 * No file becomes larger than SEGMENT_ROWS_MAX: a run that would is cut to as many files as fit, and left alone when
 * fewer than two do.
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

/* How many files from `at` on fit into one. */
static size_t count_fitting(const uint64_t *rows, size_t at, size_t end)
{
	uint64_t sum = 0;
	size_t n = 0;

	while (at + n < end && sum + rows[at + n] <= SEGMENT_ROWS_MAX) {
		sum += rows[at + n];
		n++;
	}
	return n;
}

/* The first run of MERGE_FAN_IN files of class `k` or smaller, of which at least two fit into one. */
static bool pick_of_class(const uint64_t *rows, size_t count, unsigned k, size_t *ret_at, size_t *ret_count)
{
	size_t run = 0;

	for (size_t i = 0; i < count; i++) {
		size_t at;
		size_t n;

		run = rows[i] > 0 && class_of(rows[i]) <= k ? run + 1 : 0;
		if (run < MERGE_FAN_IN)
			continue;
		at = i + 1 - MERGE_FAN_IN;
		n = count_fitting(rows, at, i + 1);
		if (n >= 2) {
			*ret_at = at;
			*ret_count = n;
			return true;
		}
	}
	return false;
}

bool merger__pick(const uint64_t *rows, size_t count, size_t *ret_at, size_t *ret_count)
{
	for (unsigned k = 0; k < CLASSES; k++) {
		if (pick_of_class(rows, count, k, ret_at, ret_count))
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

static bool pick_run_locked(const struct ledger *l, size_t *ret_at, size_t *ret_count)
{
	uint64_t *rows = xarray(l->file_count + 1, sizeof(*rows));
	bool is_due;

	for (size_t i = 0; i < l->file_count; i++)
		rows[i] = l->parts[i].is_damaged ? 0 : l->parts[i].next - l->parts[i].first;
	is_due = merger__pick(rows, l->file_count, ret_at, ret_count);
	free(rows);
	return is_due;
}

/* Claims a run of files, opened and referenced: how many, 0 when nothing is due. */
static int claim_run_locked(struct ledger *l, struct part **ret, size_t *ret_at, struct err *err)
{
	size_t count;
	int rc = 0;

	if (l->is_merging || !pick_run_locked(l, ret_at, &count))
		return 0;
	l->is_merging = true; /* from here on the files before the images stay where they are */
	for (size_t i = *ret_at; i < *ret_at + count && rc == 0; i++)
		rc = open_file_locked(l, i, err);
	if (rc < 0) {
		l->is_merging = false;
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
	*ret = (struct part){.first = run[0].first, .next = run[count - 1].next, .bytes = bytes.len};
	if (rc == 0)
		rc = ledger__put_file(l, buf_span(&bytes), ret->first, ret->next, &ret->segment, err);
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
		if (rc < 0)
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
	l->is_merging = false;
	cond_broadcast(&l->changed);
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
