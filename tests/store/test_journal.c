/*
 * The journal: what was acknowledged is there after every crash and every failed call, once and in order; what was not
 * may be there or not, whole frames only; damage is told from a torn tail. All of it plain and encrypted.
 *
 * size: one model of frames and what became of them serves all tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/reader.h"
#include "base/thread.h"
#include "simdisk.h"
#include "store/journal_priv.h"

#define FILE_BYTES 8192u
#define SENT_MAX   4096u

static uint64_t seed_of_run(void)
{
	const char *text = getenv("STELE_SEED");
	uint64_t seed;

	if (text)
		return strtoull(text, NULL, 10);
	rand_bytes(&seed, sizeof(seed));
	return seed >> 16;
}

/* ---- a model: frames as sent, and what became of them ---- */

enum fate { FATE_UNKNOWN, FATE_DONE, FATE_FAILED };

struct sent {
	struct journal_write w;
	uint32_t content; /* what the payload is made from */
	enum fate fate;
	struct model *model;
};

struct model {
	struct mutex mutex;
	struct cond done;
	size_t waiting;
	uint32_t content_next;
	uint32_t expected[SENT_MAX]; /* contents that are there, in order, by the rules of the model */
	size_t expected_count;
	uint32_t open[SENT_MAX]; /* contents that may follow, in order: sent, and failed or not answered */
	size_t open_count;
	uint64_t record_next; /* of the next frame, for ledger 1 */
	bool small_only;
};

/* One frame in eight may be too large for what is left of a file, or for any file. */
static bool is_large(uint32_t content)
{
	return content % 8 == 0;
}

static void make_payload(uint32_t content, struct buf *to)
{
	struct rng r;
	size_t len;

	rng_init(&r, content);
	len = rng_below(&r, is_large(content) ? 12000 : 300);
	for (size_t i = 0; i < len; i++)
		buf_put_u8(to, (uint8_t)rng_next(&r));
	buf_put_u32(to, content);
}

static void on_done(struct journal_write *w, int rc)
{
	struct sent *s = (struct sent *)w;

	mutex_lock(&s->model->mutex);
	s->fate = rc == 0 ? FATE_DONE : FATE_FAILED;
	s->model->waiting--;
	cond_signal(&s->model->done);
	mutex_unlock(&s->model->mutex);
}

static struct sent *send_frame(struct model *m, struct journal *j)
{
	struct sent *s = xalloc(sizeof(*s));

	s->model = m;
	if (m->small_only && is_large(m->content_next))
		m->content_next++;
	s->content = m->content_next++;
	s->w.done = on_done;
	s->w.frame =
		(struct journal_frame){.kind = JOURNAL_RECORDS, .ledger = 1, .count = 1, .received_us = s->content};
	s->w.frame.first = m->record_next++;
	s->w.frame.has_idempotency = s->content % 3 == 0;
	memset(s->w.frame.idempotency, (int)s->content, JOURNAL_IDEMPOTENCY_LEN);
	s->w.frame.fingerprint = s->content * 7u;
	if (!s->w.frame.has_idempotency) {
		memset(s->w.frame.idempotency, 0, JOURNAL_IDEMPOTENCY_LEN);
		s->w.frame.fingerprint = 0;
	}
	make_payload(s->content, &s->w.payload);
	mutex_lock(&m->mutex);
	m->waiting++;
	mutex_unlock(&m->mutex);
	journal_submit(j, &s->w);
	return s;
}

/* Sends some frames at once, waits, and notes what must and what may be there. */
static void send_round(struct model *m, struct journal *j, size_t count)
{
	struct sent *sent[16];
	bool has_failed = false;

	assert_true(count <= 16);
	for (size_t i = 0; i < count; i++)
		sent[i] = send_frame(m, j);
	mutex_lock(&m->mutex);
	while (m->waiting > 0)
		cond_wait(&m->done, &m->mutex);
	mutex_unlock(&m->mutex);
	for (size_t i = 0; i < count; i++) {
		if (sent[i]->fate == FATE_DONE) {
			assert_false(has_failed); /* nothing is accepted behind a failure */
			assert_true(m->expected_count < SENT_MAX);
			m->expected[m->expected_count++] = sent[i]->content;
			m->open_count = 0;
		} else {
			has_failed = true;
			m->open[m->open_count++] = sent[i]->content;
		}
		buf_release(&sent[i]->w.payload);
		free(sent[i]);
	}
}

struct replayed {
	uint32_t content[2 * SENT_MAX];
	size_t count;
};

static int on_frame(void *user, const struct journal_frame *f, struct span payload, struct err *err)
{
	struct replayed *r = user;
	struct buf expected = BUF_INIT;
	uint32_t content = (uint32_t)f->received_us;

	make_payload(content, &expected);
	assert_true(span_eq(buf_span(&expected), payload));
	buf_release(&expected);
	assert_int_equal(f->has_idempotency, content % 3 == 0);
	assert_int_equal(f->fingerprint, f->has_idempotency ? content * 7u : 0);
	r->content[r->count++] = content;
	return 0;
}

/* All that is expected is there, in order; then perhaps some of the open ones, in order and without a hole. */
static void check_replayed(struct model *m, const struct replayed *r)
{
	assert_true(r->count >= m->expected_count);
	assert_memory_equal(r->content, m->expected, m->expected_count * sizeof(uint32_t));
	assert_true(r->count - m->expected_count <= m->open_count);
	assert_memory_equal(r->content + m->expected_count, m->open, (r->count - m->expected_count) * sizeof(uint32_t));
	memcpy(m->expected, r->content, r->count * sizeof(uint32_t));
	m->expected_count = r->count;
	m->open_count = 0;
}

static const struct key some_key = {{7, 7, 7}};
static const struct key *node_key; /* NULL: journals are plain */

static int open_journal(struct simdisk *sd, struct replayed *r, struct journal **ret, struct err *err)
{
	struct journal_config config = {
		.io = simdisk_io(sd), .folder = "/journal", .file_bytes = FILE_BYTES, .key = node_key};

	r->count = 0;
	return journal_open(&config, on_frame, r, ret, err);
}

static void init_model(struct model *m)
{
	memset(m, 0, sizeof(*m));
	mutex_init(&m->mutex);
	cond_init(&m->done);
	m->content_next = 1;
}

static void release_model(struct model *m)
{
	mutex_release(&m->mutex);
	cond_release(&m->done);
}

static struct model model;
static struct replayed replayed;

static struct journal *reopen(struct simdisk *sd)
{
	struct err err = ERR_INIT;
	struct journal *j = NULL;

	if (open_journal(sd, &replayed, &j, &err) < 0)
		fail_msg("%s", err.message);
	check_replayed(&model, &replayed);
	return j;
}

/* ---- payloads ---- */

static void make_batch(struct rng *r, struct record_batch *b, size_t count)
{
	b->refs = xarray(count + 1, sizeof(*b->refs));
	b->refs_cap = count + 1;
	b->count = count;
	for (size_t i = 0; i < count; i++) {
		struct record_ref *ref = &b->refs[i];
		size_t before = rng_below(r, 40);
		size_t between = rng_below(r, 10);
		size_t after = rng_below(r, 30) == 0 ? rng_below(r, 60000) : rng_below(r, 400);

		ref->off = (uint32_t)b->bytes.len;
		ref->id_off = (uint16_t)before;
		ref->received_off = (uint16_t)(before + RECORD_ID_LEN + between);
		ref->len = (uint16_t)(ref->received_off + TIMESTAMP_LEN + after);
		for (size_t k = 0; k < ref->len; k++)
			buf_put_u8(&b->bytes, (uint8_t)('a' + rng_below(r, 5)));
	}
}

static void test_journal__payload_round_trips(void **state)
{
	uint64_t seed = seed_of_run();
	struct rng r;

	print_message("STELE_SEED=%llu\n", (unsigned long long)seed);
	rng_init(&r, seed);
	for (int i = 0; i < 200; i++) {
		struct record_batch in = RECORD_BATCH_INIT;
		struct record_batch out = RECORD_BATCH_INIT;
		struct buf payload = BUF_INIT;

		make_batch(&r, &in, rng_below(&r, 60) + 1);
		assert_int_equal(journal_encode(buf_span(&in.bytes), in.refs, in.count, &payload), 0);
		assert_int_equal(journal_decode(buf_span(&payload), in.count, &out), 0);
		assert_true(span_eq(buf_span(&in.bytes), buf_span(&out.bytes)));
		assert_int_equal(out.count, in.count);
		assert_memory_equal(in.refs, out.refs, in.count * sizeof(*in.refs));
		assert_int_equal(journal_decode(buf_span(&payload), in.count + 1, &out), E_CORRUPT);
		assert_int_equal(journal_decode(buf_span(&payload), 0, &out), E_CORRUPT);
		assert_int_equal(out.count, in.count);
		buf_release(&in.bytes);
		buf_release(&out.bytes);
		buf_release(&payload);
		free(in.refs);
		free(out.refs);
	}
}

static void test_journal__payload_refuses_what_is_cut_short(void **state)
{
	struct record_batch in = RECORD_BATCH_INIT;
	struct buf payload = BUF_INIT;
	struct rng r;

	rng_init(&r, 4);
	make_batch(&r, &in, 20);
	assert_int_equal(journal_encode(buf_span(&in.bytes), in.refs, in.count, &payload), 0);
	for (size_t len = 0; len < payload.len; len++) {
		struct record_batch out = RECORD_BATCH_INIT;

		assert_int_equal(journal_decode(span_of(payload.p, len), in.count, &out), E_CORRUPT);
		assert_int_equal(out.count, 0);
		assert_int_equal(out.bytes.len, 0);
		buf_release(&out.bytes);
		free(out.refs);
	}
	buf_release(&in.bytes);
	buf_release(&payload);
	free(in.refs);
}

/* ---- layout ---- */

static void test_journal__layout_is_as_documented(void **state)
{
	struct journal_header h = {.number = 3, .sequence = 0x1122334455667788};
	struct journal_place p = {.commit = 6, .header_len = JOURNAL_FRAME_KEYED_LEN, .payload_len = 5};
	uint8_t file[JOURNAL_HEADER_LEN];
	uint8_t frame[JOURNAL_FRAME_KEYED_LEN];
	uint32_t seed;

	memset(h.node_id, 0xab, sizeof(h.node_id));
	journal__header_put(&h, file);
	assert_memory_equal(file, "STELEJNL\1\0\0\0\0\0\0\0\xab", 17);
	assert_memory_equal(file + 32, "\3\0\0\0\0\0\0\0\x88\x77\x66\x55\x44\x33\x22\x11", 16);
	assert_int_equal(*(uint32_t *)(void *)(file + 60), crc32c(0, file, 60));
	p.frame = (struct journal_frame){.kind = JOURNAL_RECORDS, .sequence = 7, .ledger = 2, .first = 9, .count = 4};
	p.frame.received_us = -2;
	p.frame.has_idempotency = true;
	p.frame.fingerprint = 0x0102030405060708;
	memset(p.frame.idempotency, 0xcd, sizeof(p.frame.idempotency));
	p.payload_crc = 0xdeadbeef;
	seed = journal__seed(&h);
	assert_int_equal(journal__frame_put(seed, &p, frame), 80);
	assert_memory_equal(frame, "\x55\0\0\0", 4);
	assert_memory_equal(frame + 8, "\7\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\1\1\0\0\2\0\0\0\11\0\0\0\0\0\0\0\4\0\0\0", 36);
	assert_memory_equal(frame + 44, "\xef\xbe\xad\xde\xfe\xff\xff\xff\xff\xff\xff\xff\xcd\xcd", 14);
	assert_memory_equal(frame + 72, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
}

/* ---- writing and reading ---- */

static void test_journal__gives_back_what_was_acknowledged(void **state)
{
	struct simdisk *sd = simdisk_new(1);

	init_model(&model);
	for (int i = 0; i < 12; i++) {
		struct journal *j = reopen(sd);

		for (int k = 0; k < i; k++)
			send_round(&model, j, 5);
		journal_close(j);
		assert_int_equal(simdisk_open_count(sd), 0);
	}
	journal_close(reopen(sd));
	assert_int_equal(replayed.count, 330);
	simdisk_free(sd);
	release_model(&model);
}

static void test_journal__frames_that_wait_share_a_sync(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct journal *j;

	init_model(&model);
	j = reopen(sd);
	simdisk_set_sync_delay(sd, 2000);
	for (int i = 0; i < 10; i++)
		send_round(&model, j, 16);
	assert_true(journal_commits(j) <= 50);
	journal_close(j);
	simdisk_free(sd);
	release_model(&model);
}

static void maybe_rotate(struct rng *r, struct journal *j)
{
	struct err err = ERR_INIT;

	if (rng_below(r, 12) == 0 && journal_rotate(j, &err) < 0)
		assert_int_not_equal(err.code, 0);
}

static void run_rounds(struct rng *r, struct journal *j, size_t rounds)
{
	for (size_t i = 0; i < rounds; i++) {
		send_round(&model, j, rng_below(r, 8) + 1);
		maybe_rotate(r, j);
	}
}

static void crash_once(struct rng *r, struct simdisk *sd)
{
	struct journal *j = NULL;
	struct err err = ERR_INIT;
	struct simdisk_fault fault = {.nth = rng_below(r, 60) + 1, .kinds = SIMDISK_CHANGES, .persists = true};
	int rc;

	fault.done = rng_below(r, 2);
	simdisk_fail(sd, fault);
	rc = open_journal(sd, &replayed, &j, &err);
	if (rc == 0) {
		check_replayed(&model, &replayed);
		run_rounds(r, j, rng_below(r, 6));
		journal_close(j);
	} else {
		assert_int_not_equal(rc, E_CORRUPT);
	}
	if (rng_below(r, 3) > 0)
		simdisk_crash(sd, r);
	else
		simdisk_heal(sd); /* the process died, the machine did not */
	journal_close(reopen(sd));
}

static void test_journal__survives_power_loss_at_any_call(void **state)
{
	uint64_t seed = seed_of_run();

	print_message("STELE_SEED=%llu\n", (unsigned long long)seed);
	for (uint64_t i = 0; i < 250; i++) {
		struct simdisk *sd = simdisk_new(seed + i);
		struct rng r;

		rng_init(&r, seed + i);
		init_model(&model);
		simdisk_set_short(sd, 5);
		for (int k = 0; k < 4; k++)
			crash_once(&r, sd);
		assert_int_equal(simdisk_open_count(sd), 0);
		simdisk_free(sd);
		release_model(&model);
	}
}

/* Each call fails in turn, once; the journal is resumed; then the power goes. */
static bool fail_call(uint64_t nth, bool is_done, uint64_t seed)
{
	struct simdisk *sd = simdisk_new(seed);
	struct journal *j;
	struct err err = ERR_INIT;
	bool has_failed;
	struct rng r;

	rng_init(&r, seed);
	init_model(&model);
	j = reopen(sd);
	simdisk_fail(sd, (struct simdisk_fault){.nth = nth, .done = is_done});
	for (int i = 0; i < 6; i++) {
		run_rounds(&r, j, 2);
		if (journal_state(j, &err) < 0 && journal_resume(j, &err) == 0)
			model.record_next = model.expected_count;
	}
	has_failed = simdisk_failed(sd);
	simdisk_heal(sd);
	if (journal_state(j, &err) < 0)
		assert_int_equal(journal_resume(j, &err), 0);
	model.open_count = 0; /* what was resumed from is void */
	send_round(&model, j, 1);
	assert_int_equal(model.open_count, 0);
	journal_close(j);
	simdisk_crash(sd, &r);
	journal_close(reopen(sd));
	simdisk_free(sd);
	release_model(&model);
	return has_failed;
}

static void test_journal__goes_on_after_any_failed_call(void **state)
{
	uint64_t seed = seed_of_run();

	print_message("STELE_SEED=%llu\n", (unsigned long long)seed);
	for (int is_done = 0; is_done < 2; is_done++) {
		uint64_t nth = 1;

		while (fail_call(nth, is_done, seed + nth))
			nth++;
		assert_true(nth > 15);
	}
}

static void test_journal__a_full_disk_ends_the_writing_until_there_is_room(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct err err = ERR_INIT;
	struct journal *j;

	init_model(&model);
	j = reopen(sd);
	simdisk_set_capacity(sd, 3 * FILE_BYTES);
	while (journal_state(j, &err) == 0)
		send_round(&model, j, 4);
	assert_int_equal(journal_state(j, &err), E_NO_SPACE);
	simdisk_set_capacity(sd, 0); /* a small file might still have found room */
	assert_int_equal(journal_resume(j, &err), E_NO_SPACE);
	simdisk_set_capacity(sd, UINT64_MAX);
	assert_int_equal(journal_resume(j, &err), 0);
	model.open_count = 0;
	send_round(&model, j, 3);
	assert_int_equal(model.open_count, 0);
	journal_close(j);
	journal_close(reopen(sd));
	simdisk_free(sd);
	release_model(&model);
}

/* ---- damage ---- */

struct one_file {
	char path[64];
	uint64_t size;
	size_t count;
};

static void note_file(void *user, const char *path, uint64_t size)
{
	struct one_file *f = user;

	snprintf(f->path, sizeof(f->path), "%s", path);
	f->size = size;
	f->count++;
}

/* A disk with one journal file of three commits, closed. */
static struct simdisk *make_three_commits(struct one_file *f)
{
	struct simdisk *sd = simdisk_new(1);
	struct journal *j;

	init_model(&model);
	model.small_only = true;
	j = reopen(sd);
	for (int i = 0; i < 3; i++)
		send_round(&model, j, 1);
	journal_close(j);
	f->count = 0;
	simdisk_each(sd, note_file, f);
	assert_int_equal(f->count, 1);
	return sd;
}

static void test_journal__damage_before_a_later_commit_is_corruption(void **state)
{
	struct one_file f;
	struct simdisk *sd = make_three_commits(&f);
	struct err err = ERR_INIT;
	struct journal *j;

	simdisk_flip_bit(sd, f.path, JOURNAL_HEADER_LEN + JOURNAL_FRAME_LEN + 3, 2); /* payload of the first */
	assert_int_equal(open_journal(sd, &replayed, &j, &err), E_CORRUPT);
	assert_string_equal(err.field, f.path);
	assert_int_equal(err.offset, JOURNAL_HEADER_LEN);
	assert_true(simdisk_exists(sd, f.path));
	simdisk_free(sd);
	release_model(&model);
}

static void test_journal__a_torn_last_commit_is_dropped(void **state)
{
	struct one_file f;
	struct simdisk *sd = make_three_commits(&f);

	simdisk_cut(sd, f.path, f.size - 9);
	model.expected_count--;
	journal_close(reopen(sd));
	journal_close(reopen(sd));
	simdisk_free(sd);
	release_model(&model);
}

/* No bit can change unseen: what replays is right, and at most the last commit is missing. */
static void test_journal__every_flipped_bit_is_seen(void **state)
{
	struct one_file f;
	struct simdisk *sd = make_three_commits(&f);

	for (uint64_t bit = 0; bit < 8 * f.size; bit++) {
		struct simdisk *copy = simdisk_copy(sd);
		struct err err = ERR_INIT;
		struct journal *j = NULL;
		int rc;

		simdisk_flip_bit(copy, f.path, bit / 8, bit % 8);
		rc = open_journal(copy, &replayed, &j, &err);
		if (rc == 0) {
			assert_true(replayed.count >= 2);
			assert_memory_equal(replayed.content, model.expected, replayed.count * sizeof(uint32_t));
		} else {
			assert_true(rc == E_CORRUPT || rc == E_UNSUPPORTED);
		}
		journal_close(j);
		simdisk_free(copy);
	}
	simdisk_free(sd);
	release_model(&model);
}

static void test_journal__a_missing_file_is_corruption(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct err err = ERR_INIT;
	struct journal *j;

	init_model(&model);
	j = reopen(sd);
	for (int i = 0; i < 3; i++) {
		send_round(&model, j, 4);
		assert_int_equal(journal_rotate(j, &err), 0);
	}
	journal_close(j);
	simdisk_remove(sd, "/journal/2.jnl");
	assert_int_equal(open_journal(sd, &replayed, &j, &err), E_CORRUPT);
	simdisk_free(sd);
	release_model(&model);
}

/* ---- what may go ---- */

static uint64_t sealed_so_far(void *user, uint32_t ledger)
{
	assert_int_equal(ledger, 1);
	return *(uint64_t *)user;
}

static int carried_before;

static int note_carry(void *user, uint64_t before, struct err *err)
{
	carried_before = (int)before;
	return 0;
}

static void test_journal__trims_only_what_is_sealed(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct err err = ERR_INIT;
	uint32_t ledgers[4];
	uint64_t sealed = 0;
	struct journal *j;

	init_model(&model);
	model.small_only = true;
	j = reopen(sd);
	for (int i = 0; i < 4; i++) {
		send_round(&model, j, 3);
		assert_int_equal(journal_rotate(j, &err), 0);
		assert_int_equal(journal_rotate(j, &err), 0); /* nothing in it: stays */
	}
	sealed = 5;
	assert_int_equal(journal_trim(j, sealed_so_far, note_carry, &sealed, &err), 0);
	assert_false(simdisk_exists(sd, "/journal/1.jnl"));
	assert_true(simdisk_exists(sd, "/journal/2.jnl"));
	assert_int_equal(carried_before, 4);
	assert_int_equal(journal_oldest(j, sealed_so_far, &sealed, ledgers, 4), 1);
	sealed = 12;
	assert_int_equal(journal_oldest(j, sealed_so_far, &sealed, ledgers, 4), 0);
	assert_int_equal(journal_trim(j, sealed_so_far, note_carry, &sealed, &err), 0);
	assert_false(simdisk_exists(sd, "/journal/4.jnl"));
	assert_true(simdisk_exists(sd, "/journal/5.jnl"));
	assert_true(journal_bytes(j) < FILE_BYTES / 8); /* an idle journal takes little */
	journal_close(j);
	model.expected_count = 0;
	j = reopen(sd);
	send_round(&model, j, 1);
	journal_close(j);
	journal_close(reopen(sd));
	simdisk_free(sd);
	release_model(&model);
}

/* Power goes while a file is deleted: of those deleted before, none may come back. */
static void test_journal__deleted_files_come_back_in_order_or_not(void **state)
{
	struct err err = ERR_INIT;

	for (uint64_t seed = 1; seed < 40; seed++) {
		struct simdisk *sd = simdisk_new(seed);
		uint64_t sealed = 4;
		struct journal *j;
		struct rng r;

		rng_init(&r, seed);
		init_model(&model);
		journal_close(reopen(sd)); /* leaves a file without frames */
		j = reopen(sd);
		send_round(&model, j, 4);
		assert_int_equal(journal_rotate(j, &err), 0);
		simdisk_fail(sd, (struct simdisk_fault){.nth = 1, .kinds = SIMDISK_SYNC_FOLDER, .persists = true});
		assert_int_equal(journal_trim(j, sealed_so_far, note_carry, &sealed, &err), E_IO);
		journal_close(j);
		simdisk_crash(sd, &r);
		assert_int_equal(open_journal(sd, &replayed, &j, &err), 0);
		assert_true(replayed.count == 0 || replayed.count == 4);
		journal_close(j);
		simdisk_free(sd);
		release_model(&model);
	}
}

static void test_journal__walks_what_was_written(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct err err = ERR_INIT;
	struct journal *j;

	init_model(&model);
	j = reopen(sd);
	for (int i = 0; i < 20; i++)
		send_round(&model, j, 4);
	replayed.count = 0;
	assert_int_equal(journal_walk(j, on_frame, &replayed, &err), 0);
	check_replayed(&model, &replayed);
	simdisk_flip_bit(sd, "/journal/1.jnl", 100, 0);
	assert_int_equal(journal_walk(j, on_frame, &replayed, &err), E_CORRUPT);
	journal_close(j);
	simdisk_free(sd);
	release_model(&model);
}

/* ---- encryption ---- */

static void test_journal__what_was_plain_stays_readable(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct journal *j;

	init_model(&model);
	node_key = NULL;
	j = reopen(sd);
	send_round(&model, j, 4);
	journal_close(j);
	node_key = &some_key;
	j = reopen(sd);
	send_round(&model, j, 4);
	journal_close(j);
	journal_close(reopen(sd));
	simdisk_free(sd);
	release_model(&model);
}

/* All files of the disk, one after the other. */
static void add_file(void *user, const char *path, uint64_t size)
{
	struct buf *to = ((void **)user)[0];

	buf_put_str(to, path);
	buf_put_span(to, simdisk_bytes(((void **)user)[1], path));
	assert_true(buf_ok(to));
}

static void image_of(struct simdisk *sd, struct buf *to)
{
	void *user[] = {to, sd};

	buf_reset(to);
	simdisk_each(sd, add_file, user);
}

static void test_journal__another_key_is_said_and_touches_nothing(void **state)
{
	static const struct key other = {{7, 7, 8}};
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct one_file f;
	struct simdisk *sd = make_three_commits(&f);
	struct err err = ERR_INIT;
	struct journal *j;

	image_of(sd, &before);
	node_key = &other;
	assert_int_equal(open_journal(sd, &replayed, &j, &err), E_CORRUPT);
	assert_int_equal(err.offset, JOURNAL_HEADER_LEN);
	assert_string_equal(err.field, f.path);
	assert_non_null(strstr(err.message, "sealed with another key"));
	node_key = NULL;
	assert_int_equal(open_journal(sd, &replayed, &j, &err), E_CRYPTO);
	image_of(sd, &after);
	assert_true(span_eq(buf_span(&before), buf_span(&after)));
	node_key = &some_key;
	journal_close(reopen(sd));
	buf_release(&before);
	buf_release(&after);
	simdisk_free(sd);
	release_model(&model);
}

/* The first frame of a file, and the places of its CRCs, put right as one would who can write the file. */
static void forge(struct simdisk *sd, const char *path, uint64_t at, uint8_t change)
{
	struct buf bytes = BUF_INIT;
	struct journal_header h;
	struct journal_place p;
	uint32_t seed;
	uint8_t *frame;

	buf_put_span(&bytes, simdisk_bytes(sd, path));
	assert_int_equal(journal__header_get(bytes.p, &h), 0);
	seed = journal__seed(&h);
	frame = bytes.p + JOURNAL_HEADER_LEN;
	assert_true(journal__frame_get(seed, span_of(frame, bytes.len - JOURNAL_HEADER_LEN), &p));
	frame[at] ^= change;
	put_u32le(frame + 44, crc32c(seed, frame + p.header_len, p.payload_len));
	put_u32le(frame + 4, crc32c(crc32c(seed, frame, 4), frame + 8, p.header_len - 8));
	simdisk_put(sd, path, buf_span(&bytes));
	buf_release(&bytes);
}

/* Checksums do not help who has no key, neither for the payload nor for what the header says of it. */
static void test_journal__a_forged_frame_is_found(void **state)
{
	static const uint8_t places[] = {25 /* not encrypted any more */, 28, 32, 40, 48, 60, 70};
	struct one_file f;
	struct simdisk *sd = make_three_commits(&f);

	for (size_t i = 0; i < sizeof(places); i++) {
		struct simdisk *copy = simdisk_copy(sd);
		struct err err = ERR_INIT;
		struct journal *j;

		forge(copy, f.path, places[i], places[i] == 25 ? JOURNAL_FLAG_ENCRYPTED : 1);
		assert_int_equal(open_journal(copy, &replayed, &j, &err), E_CORRUPT);
		assert_non_null(strstr(err.message, "does not open"));
		simdisk_free(copy);
	}
	simdisk_free(sd);
	release_model(&model);
}

static void test_journal__no_payload_is_on_the_disk(void **state)
{
	struct one_file f;
	struct simdisk *sd = make_three_commits(&f);
	struct span file = simdisk_bytes(sd, f.path);

	for (size_t i = 0; i < model.expected_count; i++) {
		struct buf payload = BUF_INIT;

		make_payload(model.expected[i], &payload);
		for (size_t at = 0; at + 12 <= payload.len; at += 12)
			assert_null(memmem(file.p, file.len, payload.p + at, 12));
		buf_release(&payload);
	}
	simdisk_free(sd);
	release_model(&model);
}

/* The same frames in a copy of the folder go into a file of another key: no nonce is used twice. */
static void test_journal__two_copies_never_seal_alike(void **state)
{
	struct one_file f;
	struct simdisk *a = make_three_commits(&f);
	struct simdisk *b = simdisk_copy(a);
	struct simdisk *disks[] = {a, b};
	struct span last[2];

	for (int i = 0; i < 2; i++) {
		uint32_t content = model.content_next;
		uint64_t record = model.record_next;
		struct journal *j = reopen(disks[i]);

		send_round(&model, j, 1);
		journal_close(j);
		model.content_next = content;
		model.record_next = record;
		model.expected_count--;
		simdisk_each(disks[i], note_file, &f);
		last[i] = simdisk_bytes(disks[i], f.path);
	}
	assert_int_equal(last[0].len, last[1].len);
	assert_memory_equal(last[0].p, last[1].p, 48); /* the same number, the same sequence */
	assert_memory_not_equal(last[0].p + 48, last[1].p + 48, JOURNAL_SALT_LEN);
	assert_memory_not_equal(last[0].p + JOURNAL_HEADER_LEN + JOURNAL_FRAME_LEN,
				last[1].p + JOURNAL_HEADER_LEN + JOURNAL_FRAME_LEN, 4);
	simdisk_free(a);
	simdisk_free(b);
	release_model(&model);
}

static int use_key(void **state)
{
	node_key = &some_key;
	return 0;
}

int main(void)
{
	const struct CMUnitTest sealed[] = {
		cmocka_unit_test(test_journal__what_was_plain_stays_readable),
		cmocka_unit_test(test_journal__another_key_is_said_and_touches_nothing),
		cmocka_unit_test(test_journal__a_forged_frame_is_found),
		cmocka_unit_test(test_journal__no_payload_is_on_the_disk),
		cmocka_unit_test(test_journal__two_copies_never_seal_alike),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal__payload_round_trips),
		cmocka_unit_test(test_journal__payload_refuses_what_is_cut_short),
		cmocka_unit_test(test_journal__layout_is_as_documented),
		cmocka_unit_test(test_journal__gives_back_what_was_acknowledged),
		cmocka_unit_test(test_journal__frames_that_wait_share_a_sync),
		cmocka_unit_test(test_journal__survives_power_loss_at_any_call),
		cmocka_unit_test(test_journal__goes_on_after_any_failed_call),
		cmocka_unit_test(test_journal__a_full_disk_ends_the_writing_until_there_is_room),
		cmocka_unit_test(test_journal__damage_before_a_later_commit_is_corruption),
		cmocka_unit_test(test_journal__a_torn_last_commit_is_dropped),
		cmocka_unit_test(test_journal__every_flipped_bit_is_seen),
		cmocka_unit_test(test_journal__a_missing_file_is_corruption),
		cmocka_unit_test(test_journal__trims_only_what_is_sealed),
		cmocka_unit_test(test_journal__deleted_files_come_back_in_order_or_not),
		cmocka_unit_test(test_journal__walks_what_was_written),
	};

	/* everything plain, then everything encrypted */
	return cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests(tests, use_key, NULL) +
	       cmocka_run_group_tests(sealed, use_key, NULL);
}
