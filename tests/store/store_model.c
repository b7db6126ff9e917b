/* See store_model.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/prune.h"
#include "store/store_priv.h"
#include "store_model.h"

uint64_t model_seed(void)
{
	const char *text = getenv("STELE_SEED");
	uint64_t seed;

	rand_bytes(&seed, sizeof(seed));
	seed = text ? strtoull(text, NULL, 10) : seed >> 16;
	print_message("STELE_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/* ---- records ---- */

static void add_record(struct model_records *r, struct span record)
{
	if (r->count == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 64;
		r->len = xrealloc(r->len, r->cap * sizeof(*r->len));
	}
	r->len[r->count++] = (uint32_t)record.len;
	buf_put_span(&r->bytes, record);
	assert_true(buf_ok(&r->bytes));
}

static void add_batch(struct model_records *r, const struct record_batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		add_record(r, span_of(b->bytes.p + b->refs[i].off, b->refs[i].len));
}

static void release_records(struct model_records *r)
{
	buf_release(&r->bytes);
	free(r->len);
	*r = (struct model_records){0};
}

static void drop_open(struct model_expected *e)
{
	for (size_t i = 0; i < e->open_count; i++)
		release_records(&e->open[i]);
	free(e->open);
	e->open = NULL;
	e->open_count = 0;
}

static void add_open(struct model_expected *e, const struct record_batch *b)
{
	e->open = xrealloc(e->open, (e->open_count + 1) * sizeof(*e->open));
	e->open[e->open_count] = (struct model_records){0};
	add_batch(&e->open[e->open_count++], b);
}

/* ---- life ---- */

static int give_key(void *user, uint32_t ledger, struct key *ret_key, struct err *err)
{
	memset(ret_key->b, (int)(ledger + 7), sizeof(ret_key->b));
	return 0;
}

void model_init(struct model *m, struct simdisk *disk)
{
	memset(m, 0, sizeof(*m));
	m->disk = disk;
	m->io = disk ? simdisk_io(disk) : &io_posix;
	m->folder = "/data";
	m->parser = record_parser_new();
	m->block_rows = MERKLE_GROUP;
	m->journal_file_bytes = 1u << 16;
}

void model_release(struct model *m)
{
	model_close(m);
	for (size_t i = 0; i < MODEL_LEDGERS; i++) {
		release_records(&m->expected[i].sure);
		drop_open(&m->expected[i]);
	}
	record_parser_free(m->parser);
}

int model_try_open(struct model *m, struct err *err)
{
	struct store_config config = {
		.io = m->io,
		.folder = m->folder,
		.key = give_key,
		.no_threads = !m->with_threads,
		.block_rows = m->block_rows,
		.journal_file_bytes = m->journal_file_bytes,
		.journal_bytes_max = m->journal_bytes_max,
		.head_raw_bytes_max = m->head_raw_bytes_max,
	};

	return store_open(&config, &m->store, err);
}

struct ledger *model_ledger(struct model *m, size_t i)
{
	struct err err = ERR_INIT;

	if (!m->ledger[i] && store_ledger(m->store, (uint32_t)i + 1, &m->ledger[i], &err) < 0)
		fail_msg("%s", err.message);
	return m->ledger[i];
}

/* Takes what of the open batches has turned out to be accepted for sure. */
static void settle_open(struct model *m, size_t i)
{
	struct model_expected *e = &m->expected[i];
	uint64_t size = ledger_size(model_ledger(m, i));

	assert_true(size >= e->sure.count);
	for (size_t k = 0; k < e->open_count && e->sure.count < size; k++) {
		const uint8_t *p = e->open[k].bytes.p;

		for (size_t n = 0; n < e->open[k].count; n++) {
			add_record(&e->sure, span_of(p, e->open[k].len[n]));
			p += e->open[k].len[n];
		}
	}
	assert_int_equal(size, e->sure.count); /* whole batches */
	drop_open(e);
}

void model_open(struct model *m)
{
	struct err err = ERR_INIT;

	if (model_try_open(m, &err) < 0)
		fail_msg("%s (%s)", err.message, err.field);
	for (size_t i = 0; i < MODEL_LEDGERS; i++)
		settle_open(m, i);
	model_compare(m);
}

void model_close(struct model *m)
{
	m->store = store_close(m->store);
	memset(m->ledger, 0, sizeof(m->ledger));
}

/* ---- appending ---- */

void model_batch(struct model *m, struct rng *r, size_t count, struct record_batch *to)
{
	for (size_t i = 0; i < count; i++) {
		char json[400];
		struct err err = ERR_INIT;
		int len = snprintf(
			json, sizeof(json),
			"{\"action\":\"a%llu\",\"actor\":{\"id\":\"u-%llu\",\"name\":\"%.*s\"},\"attributes\":{"
			"\"n\":%llu},\"description\":\"event %llu\"}",
			(unsigned long long)rng_below(r, 5), (unsigned long long)rng_below(r, 40),
			(int)rng_below(r, 20), "abcdefghijklmnopqrst", (unsigned long long)rng_below(r, 1000),
			(unsigned long long)m->events);

		m->events++;
		assert_int_equal(record_parse(m->parser, span_of(json, (size_t)len),
					      1700000000000000 + (int64_t)m->events, to, &err),
				 0);
	}
}

struct model_wait {
	struct mutex mutex;
	struct cond done;
	size_t left;
};

static void on_done(struct ledger_append *a)
{
	struct model_wait *w = ((struct model_append *)a)->wait;

	mutex_lock(&w->mutex);
	w->left--;
	cond_signal(&w->done);
	mutex_unlock(&w->mutex);
}

static void start_append(struct model *m, struct rng *r, struct model_append *p, struct model_wait *w, size_t ledger,
			 size_t rows)
{
	*p = (struct model_append){.batch = RECORD_BATCH_INIT, .wait = w};
	model_batch(m, r, rows, &p->batch);
	p->a.batch = &p->batch;
	p->a.done = on_done;
	ledger_append(model_ledger(m, ledger), &p->a);
}

static void note_append(struct model *m, const struct model_append *p, size_t ledger)
{
	struct model_expected *e = &m->expected[ledger];

	if (p->a.rc == 0) {
		assert_int_equal(p->a.first, e->sure.count);
		assert_int_equal(p->a.count, p->batch.count);
		drop_open(e);
		add_batch(&e->sure, &p->batch);
	} else {
		assert_int_not_equal(p->a.err.message[0], 0);
		add_open(e, &p->batch);
	}
}

static size_t append_to_all(struct model *m, struct rng *r, size_t count, const size_t *ledger, const size_t *rows)
{
	struct model_append *appends = xarray(count, sizeof(*appends));
	struct model_wait w = {.left = count};
	size_t good = 0;

	mutex_init(&w.mutex);
	cond_init(&w.done);
	for (size_t i = 0; i < count; i++)
		start_append(m, r, &appends[i], &w, ledger[i], rows[i]);
	mutex_lock(&w.mutex);
	while (w.left > 0)
		cond_wait(&w.done, &w.mutex);
	mutex_unlock(&w.mutex);
	for (size_t i = 0; i < count; i++) {
		note_append(m, &appends[i], ledger[i]);
		good += appends[i].a.rc == 0;
		record_batch_release(&appends[i].batch);
	}
	cond_release(&w.done);
	mutex_release(&w.mutex);
	free(appends);
	return good;
}

size_t model_append(struct model *m, struct rng *r, size_t count, size_t rows_max)
{
	size_t ledger[32];
	size_t rows[32];

	assert_true(count <= 32);
	for (size_t i = 0; i < count; i++) {
		ledger[i] = rng_below(r, MODEL_LEDGERS);
		rows[i] = rng_below(r, rng_below(r, 3) == 0 ? rows_max : 10) + 1;
	}
	return append_to_all(m, r, count, ledger, rows);
}

int model_append_to(struct model *m, struct rng *r, unsigned ledger, size_t rows)
{
	size_t number = ledger;

	return append_to_all(m, r, 1, &number, &rows) == 1 ? 0 : E_IO;
}

int model_prune(struct model *m, size_t i, uint64_t before)
{
	struct err err = ERR_INIT;
	uint64_t first = 0;
	int rc;

	if (before > m->pruning[i])
		m->pruning[i] = before;
	rc = ledger_prune(model_ledger(m, i), before, &first, &err);
	assert_true(first >= m->pruned[i] && first <= m->pruning[i]);
	m->pruned[i] = first;
	if (rc == 0)
		m->pruning[i] = first;
	else
		assert_int_not_equal(err.message[0], 0);
	return rc;
}

bool model_resume(struct model *m)
{
	struct err err = ERR_INIT;

	if (journal_state(m->store->journal, &err) == 0)
		return true;
	m->store->resume_next_ns = 0;
	if (store_writable(m->store, &err) < 0)
		return false;
	for (size_t i = 0; i < MODEL_LEDGERS; i++)
		drop_open(&m->expected[i]);
	return true;
}

/* ---- comparing ---- */

void model_naive_root(const struct sha256 *leaves, size_t count, struct sha256 *ret)
{
	struct digest *d = digest_new();
	struct sha256 left;
	struct sha256 right;
	size_t half = 1;

	if (count == 0) {
		digest_sha256(d, span_of(NULL, 0), ret);
	} else if (count == 1) {
		*ret = leaves[0];
	} else {
		while (2 * half < count)
			half *= 2;
		model_naive_root(leaves, half, &left);
		model_naive_root(leaves + half, count - half, &right);
		digest_node(d, &left, &right, ret);
	}
	digest_free(d);
}

struct reading {
	const struct model_records *sure;
	size_t index;
	const uint8_t *at; /* the expected record `index` */
	struct sha256 *leaves;
	struct digest *digest;
};

static void check_record(struct reading *r, struct span record)
{
	assert_true(r->index < r->sure->count);
	if (!span_eq(record, span_of(r->at, r->sure->len[r->index])))
		fail_msg("record %zu is\n%.*s\nand should be\n%.*s", r->index, (int)record.len, (const char *)record.p,
			 (int)r->sure->len[r->index], (const char *)r->at);
	digest_leaf(r->digest, record, &r->leaves[r->index]);
	r->at += r->sure->len[r->index++];
}

static void read_segment(struct reading *r, struct segment *s)
{
	struct err err = ERR_INIT;

	assert_int_equal(segment_first(s), r->index);
	for (uint32_t k = 0; k < segment_block_count(s); k++) {
		struct block *b;

		if (block_open(s, k, &b, &err) < 0)
			fail_msg("%s", err.message);
		for (uint32_t row = 0; row < segment_block_info(s, k)->rows; row++) {
			struct buf record = BUF_INIT;

			if (block_record(b, row, &record, &err) < 0)
				fail_msg("%s", err.message);
			check_record(r, buf_span(&record));
			buf_release(&record);
		}
		block_close(b);
	}
	assert_int_equal(segment_next(s), r->index);
}

static void check_ids(struct ledger *l, uint64_t size)
{
	uint8_t id[ID_TEXT_LEN];
	uint64_t index;

	ledger_ids(l, size, 1, id);
	assert_false(ledger_index_of_id(l, span_of(id, sizeof(id)), &index));
	if (size > 0) {
		ledger_ids(l, size - 1, 1, id);
		assert_true(ledger_index_of_id(l, span_of(id, sizeof(id)), &index));
		assert_int_equal(index, size - 1);
	}
}

static void check_root(struct ledger *l, const struct sha256 *leaves, uint64_t count)
{
	struct err err = ERR_INIT;
	struct sha256 want;
	struct sha256 have;
	uint64_t size;

	assert_int_equal(ledger_root(l, &size, &have, &err), 0);
	assert_int_equal(size, count);
	model_naive_root(leaves, count, &want);
	assert_memory_equal(&have, &want, sizeof(want));
}

/* What is gone still counts for the tree. */
static void skip_pruned(struct reading *r, uint64_t first)
{
	while (r->index < first) {
		digest_leaf(r->digest, span_of(r->at, r->sure->len[r->index]), &r->leaves[r->index]);
		r->at += r->sure->len[r->index++];
	}
}

static void compare_ledger(struct model *m, size_t i)
{
	const struct model_records *sure = &m->expected[i].sure;
	struct reading r = {.sure = sure, .at = sure->bytes.p, .digest = digest_new()};
	struct err err = ERR_INIT;
	struct snapshot *s;

	r.leaves = xarray(sure->count + 1, sizeof(*r.leaves));
	if (ledger_snapshot(model_ledger(m, i), &s, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(s->size, sure->count);
	assert_int_equal(s->damaged_count, 0);
	assert_true(s->first >= m->pruned[i] && s->first <= m->pruning[i]);
	m->pruned[i] = s->first;
	skip_pruned(&r, s->first);
	for (size_t k = 0; k < s->segment_count; k++)
		read_segment(&r, s->segments[k]);
	for (size_t k = 0; k < s->tail_count; k++) {
		assert_int_equal(s->tails[k].first, r.index);
		for (uint32_t n = 0; n < s->tails[k].count; n++)
			check_record(&r, snapshot_tail_record(&s->tails[k], n));
	}
	assert_int_equal(r.index, sure->count);
	check_root(model_ledger(m, i), r.leaves, sure->count);
	check_ids(model_ledger(m, i), sure->count);
	snapshot_free(s);
	digest_free(r.digest);
	free(r.leaves);
}

void model_compare(struct model *m)
{
	for (size_t i = 0; i < MODEL_LEDGERS; i++)
		compare_ledger(m, i);
}

void model_verify(struct model *m)
{
	struct err err = ERR_INIT;
	uint64_t records;
	uint64_t expected = 0;

	if (store_verify(m->store, NULL, NULL, NULL, &records, &err) < 0)
		fail_msg("%s (%s)", err.message, err.field);
	for (size_t i = 0; i < MODEL_LEDGERS; i++)
		expected += m->expected[i].sure.count - m->pruned[i];
	assert_int_equal(records, expected);
}
