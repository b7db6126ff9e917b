/* The search over a real store: in the head, across the seal, in segments, after merges, and while it is written to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "base/mem.h"
#include "base/thread.h"
#include "naive.h"
#include "simdisk.h"
#include "world.h"

#define BATCH_MAX 300u

/* A ledger and all that was accepted by it. */
struct log {
	struct simdisk *disk;
	struct store *store;
	struct ledger *ledger;
	struct record_parser *parser;
	struct rng rng;
	struct buf bytes;
	size_t *off; /* [count + 1] */
	uint32_t count;

	struct mutex mutex;
	struct cond done;
	bool is_done;
};

static int give_key(void *user, uint32_t ledger, struct key *ret_key, struct err *err)
{
	(void)user;
	(void)err;
	memset(ret_key->b, (int)ledger, sizeof(ret_key->b));
	return 0;
}

static void open_store(struct log *l)
{
	struct store_config config = {.io = simdisk_io(l->disk), .folder = "/data", .key = give_key, .block_rows = 256};
	struct err err = ERR_INIT;

	if (store_open(&config, &l->store, &err) < 0 || store_ledger(l->store, 1, &l->ledger, &err) < 0)
		fail_msg("%s", err.message);
}

static void log_init(struct log *l, const char *test)
{
	memset(l, 0, sizeof(*l));
	l->rng = seeded_rng(test);
	l->disk = simdisk_new(rng_next(&l->rng));
	l->parser = record_parser_new();
	l->off = xarray(1, sizeof(*l->off));
	mutex_init(&l->mutex);
	cond_init(&l->done);
	open_store(l);
}

static void log_release(struct log *l)
{
	store_close(l->store);
	simdisk_free(l->disk);
	record_parser_free(l->parser);
	buf_release(&l->bytes);
	free(l->off);
	cond_release(&l->done);
	mutex_release(&l->mutex);
}

static void on_done(struct ledger_append *a)
{
	struct log *l = a->user;

	mutex_lock(&l->mutex);
	l->is_done = true;
	cond_signal(&l->done);
	mutex_unlock(&l->mutex);
}

static void keep(struct log *l, const struct record_batch *batch)
{
	l->off = xrealloc(l->off, (l->count + batch->count + 1) * sizeof(*l->off));
	for (size_t i = 0; i < batch->count; i++) {
		buf_put(&l->bytes, batch->bytes.p + batch->refs[i].off, batch->refs[i].len);
		l->off[++l->count] = l->bytes.len;
	}
	assert_true(buf_ok(&l->bytes));
}

static void append(struct log *l, uint32_t rows)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct ledger_append a = {.batch = &batch, .done = on_done, .user = l};
	struct buf json = BUF_INIT;

	for (uint32_t i = 0; i < rows; i++) {
		buf_reset(&json);
		world_event(&l->rng, l->count + i, &json);
		assert_int_equal(record_parse(l->parser, buf_span(&json), WORLD_TIME_US, &batch, NULL), 0);
	}
	buf_release(&json);
	l->is_done = false;
	ledger_append(l->ledger, &a);
	mutex_lock(&l->mutex);
	while (!l->is_done)
		cond_wait(&l->done, &l->mutex);
	mutex_unlock(&l->mutex);
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.first, l->count);
	keep(l, &batch);
	record_batch_release(&batch);
}

/* ---- against the twin ---- */

static struct naive_answer twin; /* large */

static void check_query(struct snapshot *s, const struct naive *n, const struct query *q)
{
	struct search_request r = {q, INT64_MIN, INT64_MAX, false, 50, UINT64_MAX, UINT64_MAX, SEARCH_TOTAL_EXACT};
	struct search_answer a = SEARCH_ANSWER_INIT;
	struct err err = ERR_INIT;

	naive_search(n, &r, &twin);
	if (search_run(s, &r, &a, &err) < 0)
		fail_msg("%s", err.message);
	assert_true(a.total_exact);
	assert_int_equal(a.total, twin.total);
	assert_int_equal(a.count, twin.count);
	assert_int_equal(a.more, twin.more);
	for (uint32_t k = 0; k < a.count; k++)
		assert_int_equal(a.index[k], twin.index[k]);
	search_answer_release(&a);
}

static void check_id(struct log *l, struct snapshot *s, const struct naive *n)
{
	uint8_t text[3 + ID_TEXT_LEN] = "id:";
	struct query *q = NULL;

	ledger_ids(l->ledger, rng_below(&l->rng, l->count), 1, text + 3);
	assert_int_equal(query_parse(span_of(text, sizeof(text)), WORLD_TIME_US, &q, NULL), 0);
	check_query(s, n, q);
	assert_int_equal(twin.total, 1);
	query_free(q);
}

/* Everything that was accepted is there, and only that. */
static void check_all(struct log *l, unsigned queries)
{
	struct span *record = xarray(l->count, sizeof(*record));
	struct world w = {.rng = &l->rng, .count = l->count, .record = record};
	struct snapshot *s = NULL;
	struct buf text = BUF_INIT;
	struct naive n;

	for (uint32_t i = 0; i < l->count; i++)
		record[i] = span_of(l->bytes.p + l->off[i], l->off[i + 1] - l->off[i]);
	naive_init(&n, 0, record, l->count);
	assert_int_equal(ledger_snapshot(l->ledger, &s, NULL), 0);
	for (unsigned k = 0; k < queries; k++) {
		struct query *q = NULL;

		buf_reset(&text);
		world_query_values(&w, &text);
		assert_int_equal(query_parse(buf_span(&text), WORLD_TIME_US, &q, NULL), 0);
		check_query(s, &n, q);
		query_free(q);
		check_id(l, s, &n);
	}
	snapshot_free(s);
	naive_release(&n);
	buf_release(&text);
	free(record);
}

static void test_search_store__agrees_wherever_records_are(void **state)
{
	struct log l;
	struct err err = ERR_INIT;

	(void)state;
	log_init(&l, __func__);
	for (unsigned k = 0; k < 4; k++) {
		append(&l, 1 + (uint32_t)rng_below(&l.rng, BATCH_MAX));
		check_all(&l, 10);
	}
	if (store_seal(l.store, &err) < 0)
		fail_msg("%s", err.message);
	check_all(&l, 10);
	append(&l, BATCH_MAX);
	if (store_seal(l.store, &err) < 0 || store_merge(l.store, &err) < 0)
		fail_msg("%s", err.message);
	append(&l, BATCH_MAX / 2);
	check_all(&l, 10);
	store_close(l.store);
	open_store(&l);
	check_all(&l, 10);
	log_release(&l);
}

/* ---- while writing ---- */

struct watcher {
	struct log *log;
	struct query *all, *some;
	_Atomic bool stop;
	uint64_t searches;
};

static void look(struct watcher *r, const struct query *q, bool is_all)
{
	struct search_request request = {q,  INT64_MIN,  INT64_MAX,  false,
					 20, UINT64_MAX, UINT64_MAX, SEARCH_TOTAL_EXACT};
	struct search_answer a = SEARCH_ANSWER_INIT;
	struct snapshot *s = NULL;
	size_t at = 0;

	must(ledger_snapshot(r->log->ledger, &s, NULL) == 0);
	must(search_run(s, &request, &a, NULL) == 0);
	must(!is_all || (a.total == s->size && a.count == (s->size < 20 ? s->size : 20)));
	for (uint32_t k = 0; k < a.count; k++) {
		must(a.index[k] < (k ? a.index[k - 1] : s->size));
		must(query_matches(query_root(q), span_of(a.events.p + at, a.len[k])));
		at += a.len[k];
	}
	search_answer_release(&a);
	snapshot_free(s);
	r->searches++;
}

static void *run_watcher(void *arg)
{
	struct watcher *r = arg;

	while (!r->stop) {
		look(r, r->all, true);
		look(r, r->some, false);
	}
	return NULL;
}

static void test_search_store__sees_whole_batches_while_writing(void **state)
{
	struct watcher r = {0};
	struct thread thread;
	struct log l;

	(void)state;
	log_init(&l, __func__);
	r.log = &l;
	assert_int_equal(query_parse(SPAN_LIT("*"), 0, &r.all, NULL), 0);
	assert_int_equal(query_parse(SPAN_LIT("actor.id:u-2 OR entity.parents:ws-1"), 0, &r.some, NULL), 0);
	thread_start(&thread, "watcher", run_watcher, &r);
	for (unsigned k = 0; k < 30; k++)
		append(&l, 1 + (uint32_t)rng_below(&l.rng, BATCH_MAX));
	r.stop = true;
	thread_join(&thread);
	assert_true(r.searches > 0);
	check_all(&l, 3);
	query_free(r.all);
	query_free(r.some);
	log_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search_store__agrees_wherever_records_are),
		cmocka_unit_test(test_search_store__sees_whole_batches_while_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
