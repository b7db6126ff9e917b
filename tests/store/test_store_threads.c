/*
 * Many threads at one store: some append, some read snapshots, while others encode, file and merge. For the thread
 * sanitizer as much as for the checks: every record is there once, each thread's in the order it sent them, and every
 * snapshot is whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/thread.h"
#include "store/store_priv.h"
#include "store_model.h"

#define WRITERS 4
#define READERS 2
#define APPENDS 60 /* of each writer */
#define ROWS    150

struct writer {
	struct model *model;
	unsigned number;
	struct mutex mutex;
	struct cond done;
	bool is_busy[MODEL_LEDGERS];  /* has an append under way there */
	uint32_t sent[MODEL_LEDGERS]; /* records */
	struct thread thread;
};

struct flight {
	struct ledger_append a; /* first */
	struct record_batch batch;
	struct writer *writer;
	unsigned ledger;
};

static void on_done(struct ledger_append *a)
{
	struct flight *f = (struct flight *)a;
	struct writer *w = f->writer;
	unsigned ledger = f->ledger;

	assert_int_equal(a->rc, 0);
	record_batch_release(&f->batch);
	free(f);
	mutex_lock(&w->mutex);
	w->is_busy[ledger] = false;
	cond_signal(&w->done);
	mutex_unlock(&w->mutex);
}

/* Waits for the append to that ledger, and takes its place. */
static void wait_for(struct writer *w, unsigned ledger)
{
	mutex_lock(&w->mutex);
	while (w->is_busy[ledger])
		cond_wait(&w->done, &w->mutex);
	w->is_busy[ledger] = true;
	mutex_unlock(&w->mutex);
}

static void send_batch(struct writer *w, struct record_parser *parser, unsigned ledger, size_t rows)
{
	struct flight *f = xalloc(sizeof(*f));
	struct err err = ERR_INIT;

	f->writer = w;
	f->ledger = ledger;
	for (size_t i = 0; i < rows; i++) {
		char json[120];
		int len = snprintf(json, sizeof(json), "{\"action\":\"w%u\",\"attributes\":{\"n\":%u}}", w->number,
				   w->sent[ledger]++);

		assert_int_equal(record_parse(parser, span_of(json, (size_t)len), 1700000000000000, &f->batch, &err),
				 0);
	}
	f->a.batch = &f->batch;
	f->a.done = on_done;
	wait_for(w, ledger);
	ledger_append(w->model->ledger[ledger], &f->a);
}

/* One thread never has two appends to one ledger under way, so that their order is known. */
static void *run_writer(void *arg)
{
	struct writer *w = arg;
	struct record_parser *parser = record_parser_new();
	struct rng r;

	rng_init(&r, w->number);
	for (unsigned i = 0; i < APPENDS; i++)
		send_batch(w, parser, i % MODEL_LEDGERS, rng_below(&r, ROWS) + 1);
	for (unsigned i = 0; i < MODEL_LEDGERS; i++)
		wait_for(w, i);
	record_parser_free(parser);
	return NULL;
}

static _Atomic bool has_ended;

/* The last record shown carries the id of its index. */
static void check_last(struct snapshot *s)
{
	struct buf record = BUF_INIT;
	struct err err = ERR_INIT;
	struct record_ref ref;
	uint64_t index;

	if (s->size == 0)
		return;
	if (snapshot_record(s, s->size - 1, &record, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(record_check(buf_span(&record), &ref, &err), 0);
	assert_true(ledger_index_of_id(s->ledger, span_of(record.p + ref.id_off, RECORD_ID_LEN), &index));
	assert_int_equal(index, s->size - 1);
	assert_int_equal(snapshot_record(s, s->size, &record, &err), E_NOT_FOUND);
	buf_release(&record);
}

static void *run_reader(void *arg)
{
	struct model *m = arg;
	uint64_t seen[MODEL_LEDGERS] = {0};

	for (unsigned i = 0; !has_ended; i = (i + 1) % MODEL_LEDGERS) {
		struct err err = ERR_INIT;
		struct snapshot *s;
		struct sha256 root;
		uint64_t size;

		assert_int_equal(ledger_snapshot(m->ledger[i], &s, &err), 0);
		assert_true(s->size >= seen[i]);
		seen[i] = s->size;
		check_last(s);
		assert_int_equal(ledger_root(m->ledger[i], &size, &root, &err), 0);
		assert_true(size >= s->size);
		snapshot_free(s);
	}
	return NULL;
}

static void *run_sealer(void *arg)
{
	struct model *m = arg;
	struct err err = ERR_INIT;

	while (!has_ended) {
		for (unsigned i = 0; i < MODEL_LEDGERS; i++)
			assert_int_equal(ledger_seal(m->ledger[i], &err), 0);
		assert_int_equal(store_seal(m->store, &err), 0);
	}
	return NULL;
}

/* Writer and number of a record; the last number seen of each writer must be one less. */
static void check_order(struct span record, int64_t last[WRITERS])
{
	const char *action = memmem(record.p, record.len, "\"w", 2);
	const char *number = memmem(record.p, record.len, "\"n\":", 4);
	unsigned writer;

	assert_true(action && number);
	writer = (unsigned)(action[2] - '0');
	assert_true(writer < WRITERS);
	assert_int_equal(strtoll(number + 4, NULL, 10), ++last[writer]);
}

static void check_ledger(struct model *m, struct writer *writers, unsigned ledger)
{
	int64_t last[WRITERS];
	struct snapshot *s;
	struct err err = ERR_INIT;

	memset(last, 0xff, sizeof(last));
	assert_int_equal(ledger_snapshot(m->ledger[ledger], &s, &err), 0);
	for (uint64_t i = 0; i < s->size; i++) {
		struct buf record = BUF_INIT;

		assert_int_equal(snapshot_record(s, i, &record, &err), 0);
		check_order(buf_span(&record), last);
		buf_release(&record);
	}
	for (unsigned w = 0; w < WRITERS; w++)
		assert_int_equal(last[w] + 1, writers[w].sent[ledger]);
	snapshot_free(s);
}

static void test_store__many_threads_at_once(void **state)
{
	struct simdisk *disk = simdisk_new(1);
	struct writer writers[WRITERS] = {0};
	struct thread readers[READERS];
	struct thread sealer;
	struct err err = ERR_INIT;
	uint64_t records;
	struct model m;

	model_init(&m, disk);
	m.with_threads = true;
	m.head_raw_bytes_max = 1u << 17;
	m.journal_bytes_max = 1u << 19;
	model_open(&m);
	has_ended = false;
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i].model = &m;
		writers[i].number = i;
		mutex_init(&writers[i].mutex);
		cond_init(&writers[i].done);
		thread_start(&writers[i].thread, "writer", run_writer, &writers[i]);
	}
	for (unsigned i = 0; i < READERS; i++)
		thread_start(&readers[i], "reader", run_reader, &m);
	thread_start(&sealer, "test-sealer", run_sealer, &m);
	for (unsigned i = 0; i < WRITERS; i++)
		thread_join(&writers[i].thread);
	has_ended = true;
	for (unsigned i = 0; i < READERS; i++)
		thread_join(&readers[i]);
	thread_join(&sealer);
	for (unsigned i = 0; i < MODEL_LEDGERS; i++)
		check_ledger(&m, writers, i);
	if (store_verify(m.store, NULL, NULL, NULL, &records, &err) < 0)
		fail_msg("%s", err.message);
	for (unsigned i = 0; i < WRITERS; i++) {
		mutex_release(&writers[i].mutex);
		cond_release(&writers[i].done);
	}
	model_release(&m);
	simdisk_free(disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store__many_threads_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
