/* The parts of a ledger: segments in files and in memory; how their names and their order say what is where. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/store_priv.h"

void part__name(uint32_t ledger, uint64_t first, uint64_t next, char to[PART_NAME_MAX])
{
	snprintf(to, PART_NAME_MAX, "%" PRIu32 "/%" PRIu64 "-%" PRIu64 ".seg", ledger, first, next);
}

void part__hashes_name(uint32_t ledger, uint64_t first, uint64_t next, char to[PART_NAME_MAX])
{
	snprintf(to, PART_NAME_MAX, "%" PRIu32 "/%" PRIu64 "-%" PRIu64 ".hashes", ledger, first, next);
}

/* A decimal number as part__name writes it. */
static bool parse_number(const char **p, uint64_t *ret)
{
	const char *at = *p;
	uint64_t n = 0;

	while (*at >= '0' && *at <= '9' && n <= (UINT64_MAX - 9) / 10)
		n = n * 10 + (uint64_t)(*at++ - '0');
	if (at == *p || (**p == '0' && at - *p > 1))
		return false;
	*p = at;
	*ret = n;
	return true;
}

static bool parse_range(const char *name, const char *suffix, uint64_t *ret_first, uint64_t *ret_next)
{
	uint64_t first;
	uint64_t next;

	if (!parse_number(&name, &first) || *name++ != '-' || !parse_number(&name, &next) ||
	    strcmp(name, suffix) != 0 || first >= next)
		return false;
	*ret_first = first;
	*ret_next = next;
	return true;
}

bool part__parse_name(const char *name, uint64_t *ret_first, uint64_t *ret_next)
{
	return parse_range(name, ".seg", ret_first, ret_next);
}

static bool is_open_file(const struct part *p)
{
	return p->segment && !p->image;
}

void ledger__add_part_locked(struct ledger *l, size_t at, const struct part *p)
{
	must(at <= l->part_count);
	if (l->part_count == l->part_cap) {
		l->part_cap = l->part_cap ? 2 * l->part_cap : 1;
		l->parts = xrealloc(l->parts, l->part_cap * sizeof(*l->parts));
	}
	memmove(&l->parts[at + 1], &l->parts[at], (l->part_count - at) * sizeof(*l->parts));
	l->parts[at] = *p;
	l->part_count++;
	if (is_open_file(p))
		atomic_fetch_add(&l->store->open_files, 1);
}

void ledger__remove_parts_locked(struct ledger *l, size_t at, size_t count)
{
	must(at + count <= l->part_count);
	for (size_t i = at; i < at + count; i++) {
		if (is_open_file(&l->parts[i]))
			atomic_fetch_sub(&l->store->open_files, 1);
		segment_unref(l->parts[i].segment);
	}
	l->part_count -= count;
	memmove(&l->parts[at], &l->parts[at + count], (l->part_count - at) * sizeof(*l->parts));
}

void ledger__set_segment_locked(struct ledger *l, struct part *p, struct segment *s)
{
	must(!p->segment && s);
	p->segment = s;
	atomic_fetch_add(&l->store->open_files, 1);
}

void ledger__close_files_locked(struct ledger *l)
{
	for (size_t i = 0; i < l->file_count; i++) {
		if (is_open_file(&l->parts[i]))
			atomic_fetch_sub(&l->store->open_files, 1);
		l->parts[i].segment = segment_unref(l->parts[i].segment);
	}
}

/* ---- opening ---- */

static int check_segment(const struct segment *s, uint32_t ledger, uint64_t first, uint64_t next, struct err *err)
{
	if (segment_ledger(s) == ledger && segment_first(s) == first && segment_next(s) == next)
		return 0;
	return err_corrupt(err, 0, "the segment says that it has records %" PRIu64 " to %" PRIu64 " of ledger %" PRIu32,
			   segment_first(s), segment_next(s), segment_ledger(s));
}

/* The key of an epoch; segment_key_fn. */
static int get_key(void *user, uint32_t ledger, uint32_t epoch, struct key *ret_key, struct err *err)
{
	const struct ledger *l = user;
	const struct store_config *config = &l->store->config;

	if (ledger != l->number)
		return err_corrupt(err, 0, "the segment says that it is of ledger %" PRIu32, ledger);
	if (epoch > 0 && config->epoch_key)
		return config->epoch_key(config->user, ledger, epoch, ret_key, err);
	if (epoch > 0)
		return err_set(err, E_NOT_FOUND, "ledger %" PRIu32 " has no key of epoch %" PRIu32, ledger, epoch);
	*ret_key = l->file_key;
	return 0;
}

int ledger__open_file(struct ledger *l, uint64_t first, uint64_t next, struct segment **ret, struct err *err)
{
	char name[PART_NAME_MAX];
	struct object *object;
	struct segment *s;
	int rc;

	part__name(l->number, first, next, name);
	rc = object_open(l->store->objects, name, &object, err);
	if (rc >= 0)
		rc = segment_open_sealed(object, l->id_key, (struct segment_keys){get_key, l}, &s, err);
	if (rc >= 0 && (rc = check_segment(s, l->number, first, next, err)) < 0)
		segment_unref(s);
	if (rc < 0) {
		err_set_field(err, name, strlen(name));
	} else {
		segment_use_cache(s, l->store->block_cache);
		*ret = s;
	}
	return rc;
}

static struct part *find_part_locked(struct ledger *l, uint64_t first, uint64_t next)
{
	for (size_t i = 0; i < l->part_count; i++) {
		if (l->parts[i].first == first && l->parts[i].next == next)
			return &l->parts[i];
	}
	return NULL;
}

/* Opens one part without the mutex. Meanwhile a merge may have put another in its place, or somebody may have opened it
 * as well. */
static int open_part_locked(struct ledger *l, uint64_t first, uint64_t next, struct err *err)
{
	struct err why = ERR_INIT;
	struct segment *s = NULL;
	struct part *p;
	int rc;

	mutex_unlock(&l->mutex);
	rc = ledger__open_file(l, first, next, &s, &why);
	mutex_lock(&l->mutex);
	p = find_part_locked(l, first, next);
	if (!p || p->segment || p->is_damaged) {
		segment_unref(s);
		return 0;
	}
	if (rc == 0)
		ledger__set_segment_locked(l, p, s);
	if (rc == E_CORRUPT || rc == E_NOT_FOUND || rc == E_UNSUPPORTED) {
		p->is_damaged = true;
		atomic_fetch_add(&l->store->damaged, 1);
		return 0;
	}
	if (rc < 0 && err)
		*err = why;
	return rc;
}

int ledger__open_parts_locked(struct ledger *l, struct err *err)
{
	size_t i = 0;
	int rc = 0;

	l->opening++; /* nobody closes them meanwhile */
	while (i < l->part_count && rc == 0) {
		const struct part *p = &l->parts[i];

		if (p->segment || p->is_damaged) {
			i++;
		} else {
			rc = open_part_locked(l, p->first, p->next, err);
			i = 0; /* the parts may be others now */
		}
	}
	l->opening--;
	return rc;
}

/* ---- writing ---- */

static int encrypt(struct ledger *l, struct span bytes, bool is_new, const struct part *p, struct buf *to,
		   struct err *err)
{
	const struct store_config *config = &l->store->config;
	uint32_t epoch = 0;
	struct key key;
	int rc = 0;

	if (config->epoch)
		rc = config->epoch(config->user, l->number, p->first, p->next, is_new, &epoch, err);
	if (rc == 0)
		rc = get_key(l, l->number, epoch, &key, err);
	if (rc < 0)
		return rc;
	rc = segment_seal(bytes, &key, epoch, to, err);
	mem_wipe(&key, sizeof(key));
	return rc;
}

int ledger__put_object(struct ledger *l, const char *name, struct span bytes, struct err *err)
{
	struct object_store *objects = l->store->objects;
	int rc = object_put(objects, name, &bytes, 1, err);

	if (rc == E_EXISTS) {
		rc = object_delete(objects, name, err);
		if (rc == 0)
			rc = object_put(objects, name, &bytes, 1, err);
	}
	return rc;
}

int ledger__put_file(struct ledger *l, struct span bytes, bool is_new, struct part *p, struct err *err)
{
	struct buf sealed = BUF_INIT;
	char name[PART_NAME_MAX];
	int rc = encrypt(l, bytes, is_new, p, &sealed, err);

	part__name(l->number, p->first, p->next, name);
	if (rc == 0)
		rc = ledger__put_object(l, name, buf_span(&sealed), err);
	p->bytes = sealed.len;
	buf_release(&sealed);
	return rc < 0 ? rc : ledger__open_file(l, p->first, p->next, &p->segment, err);
}

/* ---- the folder ---- */

static int take_name(void *user, const char *name)
{
	struct ledger *l = user;
	struct hash_part h;
	struct part p = {0};

	if (part__parse_name(name, &p.first, &p.next)) {
		ledger__add_part_locked(l, l->part_count, &p);
	} else if (parse_range(name, ".hashes", &h.first, &h.next)) {
		l->hashes = xrealloc(l->hashes, (l->hash_count + 1) * sizeof(*l->hashes));
		l->hashes[l->hash_count++] = h;
	}
	return 0;
}

/* By first record; of two that start at the same one, the wider first. */
static int compare_parts(const void *a, const void *b)
{
	const struct part *x = a;
	const struct part *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->next < y->next) - (x->next > y->next);
}

static int compare_hashes(const void *a, const void *b)
{
	const struct hash_part *x = a;
	const struct hash_part *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->next < y->next) - (x->next > y->next);
}

static int fail_order(struct ledger *l, const char *name, uint64_t first, uint64_t next, struct err *err)
{
	err_set_field(err, name, strlen(name));
	if (first > next)
		return err_corrupt(err, 0,
				   "ledger %" PRIu32 ": records %" PRIu64 " to %" PRIu64 " are missing before %s",
				   l->number, next, first - 1, name);
	return err_corrupt(err, 0, "ledger %" PRIu32 ": %s overlaps the file before it, which ends at %" PRIu64,
			   l->number, name, next);
}

static int stat_part(struct ledger *l, struct part *p, struct err *err)
{
	char name[PART_NAME_MAX];

	part__name(l->number, p->first, p->next, name);
	return object_stat(l->store->objects, name, &p->bytes, err);
}

/* The hashes of what is gone end at the mark. What wider ones cover is the leftover of a failed try. */
static int settle_hashes(struct ledger *l, struct err *err)
{
	size_t kept = 0;
	int rc = 0;

	if (l->hash_count > 1)
		qsort(l->hashes, l->hash_count, sizeof(*l->hashes), compare_hashes);
	for (size_t i = 0; i < l->hash_count && rc == 0; i++) {
		struct hash_part *h = &l->hashes[i];
		char name[PART_NAME_MAX];

		part__hashes_name(l->number, h->first, h->next, name);
		if (h->next <= l->pruned) {
			rc = object_delete(l->store->objects, name, err);
		} else if (h->first != l->pruned) {
			rc = fail_order(l, name, h->first, l->pruned, err);
		} else {
			l->pruned = h->next;
			l->hashes[kept++] = *h;
		}
	}
	l->hash_count = kept;
	return rc;
}

/* A file that begins before the mark and ends behind it is of a merge that failed in its last step: the files it was
 * made of are there, else it is needed and nothing may be deleted. */
static int check_straddling(struct ledger *l, const struct part *widest, uint64_t next, struct err *err)
{
	char name[PART_NAME_MAX];

	if (widest->next <= next)
		return 0;
	part__name(l->number, widest->first, widest->next, name);
	err_set_field(err, name, strlen(name));
	return err_corrupt(err, 0, "ledger %" PRIu32 ": %s begins before record %" PRIu64 ", where retention ended",
			   l->number, name, l->pruned);
}

/* What a wider file covers is the leftover of a merge. */
static int settle_parts(struct ledger *l, struct err *err)
{
	struct part widest = {0};
	uint64_t next = l->pruned;
	size_t kept = 0;
	int rc = 0;

	if (l->part_count > 1)
		qsort(l->parts, l->part_count, sizeof(*l->parts), compare_parts);
	for (size_t i = 0; i < l->part_count && rc == 0; i++) {
		const struct part *p = &l->parts[i];
		char name[PART_NAME_MAX];

		part__name(l->number, p->first, p->next, name);
		if (p->first < l->pruned) {
			widest = p->next > widest.next ? *p : widest;
		} else if (p->next <= next) {
			rc = object_delete(l->store->objects, name, err);
		} else if (p->first != next) {
			rc = fail_order(l, name, p->first, next, err);
		} else {
			next = p->next;
			l->parts[kept] = *p;
			rc = stat_part(l, &l->parts[kept++], err);
		}
	}
	l->part_count = kept;
	l->file_count = kept;
	l->next = l->durable = l->size = next;
	atomic_store(&l->sealed, next);
	if (rc == 0)
		rc = check_straddling(l, &widest, next, err);
	return rc == 0 && widest.next > 0 ? ledger__sweep(l, l->pruned, err) : rc;
}

int ledger__load_parts(struct ledger *l, struct err *err)
{
	char group[PART_NAME_MAX];
	int rc;

	snprintf(group, sizeof(group), "%" PRIu32, l->number);
	rc = object_list(l->store->objects, group, take_name, l, err);
	if (rc == 0)
		rc = settle_hashes(l, err);
	return rc == 0 ? settle_parts(l, err) : rc;
}
