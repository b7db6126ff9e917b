/*
 * The encrypted form of a segment: it reads as the plain one, no word of it is in the bytes, and whoever changes a bit
 * or has another key is found out. A run tries some of the bits, with STELE_EXHAUSTIVE=1 all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "segment_sample.h"

#define EPOCH 5u

static const struct key epoch_key = {{5, 5, 5}};

/* What is asked for keys: which one is given. */
struct keys {
	struct key key;
	int rc;
	uint32_t asked_epoch;
};

static int get_key(void *user, uint32_t ledger, uint32_t epoch, struct key *ret_key, struct err *err)
{
	struct keys *k = user;

	assert_int_equal(ledger, 7);
	k->asked_epoch = epoch;
	*ret_key = k->key;
	return k->rc < 0 ? err_set(err, k->rc, "no such key") : 0;
}

static int open_bytes(struct span bytes, struct keys *k, struct segment **ret, struct err *err)
{
	struct segment_keys keys = {get_key, k};
	uint8_t *copy = xalloc(bytes.len + 1);

	if (bytes.len)
		memcpy(copy, bytes.p, bytes.len);
	*err = (struct err)ERR_INIT;
	return segment_open_sealed(object_of_memory(copy, bytes.len), sample_key, keys, ret, err);
}

struct world {
	struct sample sample;
	struct merkle_frontier before;
	struct buf plain;
	struct buf sealed;
};

static void start(struct world *w, struct rng *r, size_t rows)
{
	struct merkle_frontier frontier;

	*w = (struct world){0};
	sample_start(&w->sample, 250);
	sample_events(&w->sample, r, rows, 5);
	sample_number(&w->sample, r, 20);
	w->before = frontier = frontier_before(250);
	sample_image(&w->sample, 0, rows, &frontier, &w->plain);
	assert_int_equal(segment_seal(buf_span(&w->plain), &epoch_key, EPOCH, &w->sealed, NULL), 0);
}

static void stop(struct world *w)
{
	sample_release(&w->sample);
	buf_release(&w->plain);
	buf_release(&w->sealed);
}

static void test_segment_seal__reads_as_the_plain_one(void **state)
{
	struct rng r = seeded_rng();
	struct keys keys = {.key = epoch_key};
	const size_t rows[] = {1, 30, 1200};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct segment *s = NULL;
		struct block *b;
		struct err err;
		struct world w;

		start(&w, &r, rows[k]);
		assert_int_equal(open_bytes(buf_span(&w.sealed), &keys, &s, &err), 0);
		assert_int_equal(keys.asked_epoch, EPOCH);
		assert_int_equal(segment_bytes(s), w.sealed.len);
		b = sample_open_block(s, 0);
		check_block_columns(&w.sample, b);
		block_close(b);
		b = sample_open_block(s, 0);
		check_block_records(&w.sample, b);
		block_close(b);
		check_block_lookups(&w.sample, s, 0);
		if (segment_verify(s, &w.before, NULL, &err) < 0)
			fail_msg("%s", err.message);
		segment_unref(s);
		stop(&w);
	}
}

/* Nothing that somebody sent, in no form: neither texts nor what compression makes of them. */
static void test_segment_seal__nothing_of_the_plain_bytes_is_left(void **state)
{
	struct rng r = seeded_rng();
	struct world w;
	size_t end;

	(void)state;
	start(&w, &r, 300);
	end = w.plain.len - SEGMENT_FOOTER_BYTES;
	for (size_t at = SEGMENT_HEADER_BYTES; at + 12 <= end; at += 5)
		assert_null(memmem(w.sealed.p, w.sealed.len, w.plain.p + at, 12));
	assert_int_equal(w.sealed.len, w.plain.len + SEGMENT_SEAL_BYTES +
					       (end - SEGMENT_HEADER_BYTES + BOX_PLAIN - 1) / BOX_PLAIN * 16);
	stop(&w);
}

static void test_segment_seal__no_two_are_alike(void **state)
{
	struct rng r = seeded_rng();
	struct buf again = BUF_INIT;
	struct world w;

	(void)state;
	start(&w, &r, 10);
	assert_int_equal(segment_seal(buf_span(&w.plain), &epoch_key, EPOCH, &again, NULL), 0);
	assert_memory_not_equal(again.p + 48, w.sealed.p + 48, 16);
	buf_release(&again);
	stop(&w);
}

static void test_segment_seal__needs_its_key(void **state)
{
	struct rng r = seeded_rng();
	struct keys keys = {.key = {{5, 5, 6}}};
	struct segment *s = NULL;
	struct err err = ERR_INIT;
	struct world w;
	uint8_t *copy;

	(void)state;
	start(&w, &r, 10);
	assert_int_equal(open_bytes(buf_span(&w.sealed), &keys, &s, &err), E_CORRUPT);
	assert_non_null(strstr(err.message, "sealed with another key"));
	assert_string_equal(err.field, "memory");
	keys = (struct keys){.key = epoch_key, .rc = E_NOT_FOUND};
	assert_int_equal(open_bytes(buf_span(&w.sealed), &keys, &s, &err), E_NOT_FOUND);
	copy = xalloc(w.sealed.len);
	memcpy(copy, w.sealed.p, w.sealed.len);
	err = (struct err)ERR_INIT;
	assert_int_equal(segment_open(object_of_memory(copy, w.sealed.len), sample_key, &s, &err), E_CRYPTO);
	stop(&w);
}

/* All of it is read: every record, every column, every page. */
static int read_all(const struct world *w, struct span bytes, struct err *err)
{
	struct keys keys = {.key = epoch_key};
	struct segment *s = NULL;
	int rc = open_bytes(bytes, &keys, &s, err);

	if (rc == 0)
		rc = segment_verify(s, &w->before, NULL, err);
	segment_unref(s);
	return rc;
}

static void test_segment_seal__every_flipped_bit_is_found(void **state)
{
	struct rng r = seeded_rng();
	size_t step = getenv("STELE_EXHAUSTIVE") ? 1 : 23;
	struct err err;
	struct world w;

	(void)state;
	start(&w, &r, 12);
	assert_int_equal(read_all(&w, buf_span(&w.sealed), &err), 0);
	for (size_t bit = rng_below(&r, step); bit < w.sealed.len * 8; bit += step) {
		int rc;

		w.sealed.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rc = read_all(&w, buf_span(&w.sealed), &err);
		if (rc != E_CORRUPT && rc != E_UNSUPPORTED)
			fail_msg("bit %zu of byte %zu of %zu may be what it likes", bit % 8, bit / 8, w.sealed.len);
		assert_string_equal(err.field, "memory");
		w.sealed.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	stop(&w);
}

/* Whoever can write the file can make checksums: of the header and the footer, which are not encrypted. */
static void test_segment_seal__a_forged_header_or_footer_is_found(void **state)
{
	struct rng r = seeded_rng();
	struct err err;
	struct world w;

	(void)state;
	start(&w, &r, 12);
	for (size_t at = SEGMENT_HEADER_BYTES; at < 44; at++) {
		w.sealed.p[at] ^= 1;
		put_u32le(w.sealed.p + 44, crc32c(0, w.sealed.p, 44));
		assert_int_not_equal(read_all(&w, buf_span(&w.sealed), &err), 0);
		w.sealed.p[at] ^= 1;
		put_u32le(w.sealed.p + 44, crc32c(0, w.sealed.p, 44));
	}
	for (size_t at = 8; at < 68; at++) {
		uint8_t *footer = w.sealed.p + w.sealed.len - SEGMENT_FOOTER_BYTES;

		footer[at] ^= 1;
		put_u32le(footer + 68, crc32c(0, footer, 68));
		assert_int_not_equal(read_all(&w, buf_span(&w.sealed), &err), 0);
		footer[at] ^= 1;
		put_u32le(footer + 68, crc32c(0, footer, 68));
	}
	assert_int_equal(read_all(&w, buf_span(&w.sealed), &err), 0);
	stop(&w);
}

static void test_segment_seal__every_truncation_is_found(void **state)
{
	struct rng r = seeded_rng();
	struct err err;
	struct world w;

	(void)state;
	start(&w, &r, 12);
	for (size_t len = 0; len < w.sealed.len; len += 1 + rng_below(&r, 5))
		assert_int_equal(read_all(&w, span_of(w.sealed.p, len), &err), E_CORRUPT);
	stop(&w);
}

/* One value of a large segment costs some boxes, not the file. */
static void test_segment_seal__parts_are_read_alone(void **state)
{
	struct rng r = seeded_rng();
	struct keys keys = {.key = epoch_key};
	const int64_t *times;
	struct segment *s;
	struct err err;
	struct world w;
	struct block *b;
	uint64_t box;

	(void)state;
	start(&w, &r, 4000);
	assert_int_equal(open_bytes(buf_span(&w.sealed), &keys, &s, &err), 0);
	b = sample_open_block(s, 0);
	box = (b->info.off + b->info.bytes / 2 - SEGMENT_HEADER_BYTES) / BOX_PLAIN;
	block_close(b);
	segment_unref(s);
	w.sealed.p[48 + box * BOX_BYTES] ^= 1;
	assert_int_equal(open_bytes(buf_span(&w.sealed), &keys, &s, &err), 0); /* what is damaged is not looked at */
	b = sample_open_block(s, 0);
	assert_int_equal(block_times(b, &times, NULL), 0);
	assert_int_equal(times[0], w.sample.time[0]);
	block_close(b);
	assert_int_equal(segment_verify(s, &w.before, NULL, &err), E_CORRUPT);
	assert_int_equal(err.offset, 48 + box * BOX_BYTES);
	segment_unref(s);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment_seal__reads_as_the_plain_one),
		cmocka_unit_test(test_segment_seal__nothing_of_the_plain_bytes_is_left),
		cmocka_unit_test(test_segment_seal__no_two_are_alike),
		cmocka_unit_test(test_segment_seal__needs_its_key),
		cmocka_unit_test(test_segment_seal__every_flipped_bit_is_found),
		cmocka_unit_test(test_segment_seal__a_forged_header_or_footer_is_found),
		cmocka_unit_test(test_segment_seal__every_truncation_is_found),
		cmocka_unit_test(test_segment_seal__parts_are_read_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
