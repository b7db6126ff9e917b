/*
 * A damaged segment is found out: whatever bit changes and wherever it is cut, opening or verifying says so, and no
 * read gives wrong bytes for good ones. A run tries some of the bits, with STELE_EXHAUSTIVE=1 all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "segment_sample.h"

/* An intact segment and what its records are. */
struct victim {
	struct sample sample;
	struct merkle_frontier before;
	struct buf bytes;
	uint64_t *key; /* of words in it */
	size_t key_count;
};

static void victim_start(struct victim *v, struct rng *r, size_t rows, unsigned random_percent)
{
	struct merkle_frontier frontier;
	struct naive x = {0};
	struct buf keys = BUF_INIT;

	memset(v, 0, sizeof(*v));
	sample_start(&v->sample, 250); /* a group of 256 ends in it */
	sample_events(&v->sample, r, rows, random_percent);
	sample_number(&v->sample, r, 10);
	v->before = frontier = frontier_before(250);
	sample_image(&v->sample, 0, rows, &frontier, &v->bytes);
	for (uint32_t i = 0; i < rows; i++)
		naive_record(&x, v->sample.record[i], i);
	for (size_t i = 0; i < x.count; i++)
		if (!naive_is_fixed(naive_path(&x, &x.value[i])))
			naive_keys(naive_path(&x, &x.value[i]), naive_text(&x, &x.value[i]), x.value[i].is_string,
				   &keys);
	v->key = (uint64_t *)(void *)keys.p;
	v->key_count = keys.len / sizeof(*v->key);
	naive_release(&x);
}

static void victim_release(struct victim *v)
{
	sample_release(&v->sample);
	buf_release(&v->bytes);
	free(v->key);
}

/* What an error must say: what is wrong, with what, and where. */
static void check_error(int rc, const struct err *err, size_t len)
{
	assert_true(rc == E_CORRUPT || rc == E_UNSUPPORTED);
	assert_int_equal(err->code, rc);
	assert_string_equal(err->field, "memory");
	assert_true(err->message[0] != 0);
	if (rc == E_CORRUPT)
		assert_true((err->offset >= 0 && (size_t)err->offset <= len) || err->position >= 0);
}

/* Every row is right or an error, and every lookup is, or names the block. */
static void check_reads(const struct victim *v, struct segment *s)
{
	struct buf record = BUF_INIT;
	uint64_t blocks[SEGMENT_BLOCKS_MAX / 64];
	struct err err = ERR_INIT;
	struct block *b = NULL;
	int rc = block_open(s, 0, &b, &err);

	if (rc < 0)
		check_error(rc, &err, v->bytes.len);
	for (uint32_t r = 0; b && r < v->sample.count; r++) {
		buf_reset(&record);
		rc = block_record(b, r, &record, NULL);
		assert_true(rc == E_CORRUPT || (rc == 0 && span_eq(buf_span(&record), v->sample.record[r])));
		assert_true(rc == 0 || record.len == 0);
	}
	block_close(b);
	for (size_t k = 0; k < v->key_count; k += 7) {
		rc = segment_lookup(s, v->key[k], blocks, NULL);
		assert_true(rc == E_CORRUPT || (rc == 0 && blocks[0] == 1));
	}
	buf_release(&record);
}

/* Takes a copy of the bytes of just that length, so that a sanitizer sees what reads past it. */
static int open_damaged(const uint8_t *p, size_t len, struct segment **ret, struct err *err)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, p, len);
	return segment_open(object_of_memory(copy, len), sample_key, ret, err);
}

static void check_damaged(const struct victim *v, const uint8_t *p, size_t len, size_t bit)
{
	struct err err = ERR_INIT;
	struct segment *s = NULL;
	int rc = open_damaged(p, len, &s, &err);

	if (rc == 0) {
		check_reads(v, s);
		rc = segment_verify(s, &v->before, NULL, &err);
	}
	if (rc == 0)
		fail_msg("bit %zu of byte %zu of %zu may be what it likes", bit % 8, bit / 8, len);
	check_error(rc, &err, v->bytes.len);
	segment_unref(s);
}

static void flip_bits(const struct victim *v, size_t step, size_t from)
{
	struct buf copy = BUF_INIT;

	buf_put_span(&copy, buf_span(&v->bytes));
	for (size_t bit = from; bit < copy.len * 8; bit += step) {
		copy.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		check_damaged(v, copy.p, copy.len, bit);
		copy.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	buf_release(&copy);
}

/* Which bits are tried: one in `step`, another one each run. */
static size_t stride(size_t step)
{
	return getenv("STELE_EXHAUSTIVE") ? 1 : step;
}

/* The victims themselves are read without complaint: what follows would prove nothing otherwise. */
static void check_intact(const struct victim *v)
{
	struct err err = ERR_INIT;
	struct segment *s;

	assert_int_equal(open_damaged(v->bytes.p, v->bytes.len, &s, &err), 0);
	check_reads(v, s);
	if (segment_verify(s, &v->before, NULL, &err) < 0)
		fail_msg("%s", err.message);
	segment_unref(s);
}

static void test_segment__every_flipped_bit_is_found(void **state)
{
	struct rng r = seeded_rng();
	struct victim v;

	(void)state;
	victim_start(&v, &r, 12, 0);
	check_intact(&v);
	flip_bits(&v, stride(13), pick(&r, stride(13)));
	victim_release(&v);
	victim_start(&v, &r, 100, 10);
	check_intact(&v);
	flip_bits(&v, stride(211), pick(&r, stride(211)));
	victim_release(&v);
}

/* Records stored raw do not use all parts of their block. */
static void test_segment__every_flipped_bit_of_raw_records_is_found(void **state)
{
	struct rng r = seeded_rng();
	struct victim v;
	struct merkle_frontier frontier;

	(void)state;
	victim_start(&v, &r, 8, 0);
	sample_release(&v.sample);
	sample_start(&v.sample, 250);
	sample_events(&v.sample, &r, 8, 0);
	sample_number(&v.sample, &r, 1);
	buf_reset(&v.bytes);
	frontier = v.before;
	sample_image(&v.sample, 0, 8, &frontier, &v.bytes);
	v.key_count = 0;
	check_intact(&v);
	flip_bits(&v, stride(11), pick(&r, stride(11)));
	victim_release(&v);
}

static void test_segment__every_truncation_is_found(void **state)
{
	struct rng r = seeded_rng();
	struct victim v;

	(void)state;
	victim_start(&v, &r, 12, 0);
	for (size_t len = 0; len < v.bytes.len; len++)
		check_damaged(&v, v.bytes.p, len, 0);
	victim_release(&v);
}

/* Bytes behind the footer, and a segment whose end is another's. */
static void test_segment__a_foreign_end_is_found(void **state)
{
	struct rng r = seeded_rng();
	struct buf both = BUF_INIT;
	struct victim v, other;

	(void)state;
	victim_start(&v, &r, 12, 0);
	victim_start(&other, &r, 12, 0);
	buf_put_span(&both, buf_span(&v.bytes));
	buf_put_u8(&both, 0);
	check_damaged(&v, both.p, both.len, 0);
	for (size_t cut = 1; cut < v.bytes.len && cut < other.bytes.len; cut += 13) {
		buf_reset(&both);
		buf_put(&both, v.bytes.p, v.bytes.len - cut);
		buf_put(&both, other.bytes.p + other.bytes.len - cut, cut);
		if (!span_eq(buf_span(&both), buf_span(&v.bytes)))
			check_damaged(&v, both.p, both.len, 0);
	}
	buf_release(&both);
	victim_release(&v);
	victim_release(&other);
}

static void test_segment__other_versions_and_flags_are_not_supported(void **state)
{
	struct rng r = seeded_rng();
	const size_t at[] = {0, 2, 3}; /* of the version and the flags in the footer */
	struct victim v;

	(void)state;
	victim_start(&v, &r, 3, 0);
	for (size_t k = 0; k < sizeof(at) / sizeof(at[0]); k++) {
		uint8_t *footer = v.bytes.p + v.bytes.len - SEGMENT_FOOTER_BYTES;
		struct err err = ERR_INIT;
		struct segment *s = NULL;

		footer[at[k]] ^= 0x40;
		v.bytes.p[SEGMENT_MAGIC_LEN + at[k]] ^= 0x40;
		put_u32le(footer + 68, crc32c(0, footer, 68));
		assert_int_equal(open_damaged(v.bytes.p, v.bytes.len, &s, &err), E_UNSUPPORTED);
		assert_string_equal(err.field, "memory");
		footer[at[k]] ^= 0x40;
		v.bytes.p[SEGMENT_MAGIC_LEN + at[k]] ^= 0x40;
	}
	victim_release(&v);
}

/* Good bytes, but not the tree's: verify compares records, groups and frontier. */
static void test_segment__verify_needs_the_right_tree(void **state)
{
	struct rng r = seeded_rng();
	struct merkle_frontier other;
	struct err err = ERR_INIT;
	struct segment *s;
	struct victim v;

	(void)state;
	victim_start(&v, &r, 12, 0);
	assert_int_equal(open_damaged(v.bytes.p, v.bytes.len, &s, NULL), 0);
	other = v.before;
	other.node[1].b[0] ^= 1; /* 250 has bit 1 */
	assert_int_equal(segment_verify(s, &other, NULL, &err), E_CORRUPT);
	segment_unref(s);
	victim_release(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment__every_flipped_bit_is_found),
		cmocka_unit_test(test_segment__every_flipped_bit_of_raw_records_is_found),
		cmocka_unit_test(test_segment__every_truncation_is_found),
		cmocka_unit_test(test_segment__a_foreign_end_is_found),
		cmocka_unit_test(test_segment__other_versions_and_flags_are_not_supported),
		cmocka_unit_test(test_segment__verify_needs_the_right_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
