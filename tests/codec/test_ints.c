#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/mem.h"
#include "codec/ints.h"
#include "event_sample.h"

#define N_MAX    65536u
#define GOLDEN_N 8192u

/* ---- runs of values as columns have them ---- */

typedef int64_t next_value_fn(struct rng *r, size_t i, int64_t before);

static int64_t exponential(struct rng *r, double mean)
{
	return (int64_t)(-mean * log(1 - rng_unit(r)));
}

static int64_t next_constant(struct rng *r, size_t i, int64_t before)
{
	return i ? before : (int64_t)rng_next(r);
}

static int64_t next_count(struct rng *r, size_t i, int64_t before)
{
	(void)r;
	return i ? before + 1 : -3;
}

static int64_t next_countdown(struct rng *r, size_t i, int64_t before)
{
	(void)r;
	return i ? before - 7 : 5;
}

static int64_t next_ms_time(struct rng *r, size_t i, int64_t before)
{
	return i ? before + exponential(r, 50) * 1000 : INT64_C(1795000000000000);
}

static int64_t next_us_time(struct rng *r, size_t i, int64_t before)
{
	return i ? before + exponential(r, 50000) : INT64_C(1795000000000001);
}

/* Times of which some are late. */
static int64_t next_late_time(struct rng *r, size_t i, int64_t before)
{
	if (i && pick(r, 40) == 0)
		return before - (int64_t)pick(r, 60000) * 1000;
	return next_ms_time(r, i, before);
}

static int64_t next_batch_time(struct rng *r, size_t i, int64_t before)
{
	return i % 100 ? before : next_us_time(r, i, before);
}

static int64_t next_18_bits(struct rng *r, size_t i, int64_t before)
{
	(void)i;
	(void)before;
	return (int64_t)pick(r, 1 << 18);
}

static int64_t next_any(struct rng *r, size_t i, int64_t before)
{
	(void)i;
	(void)before;
	return (int64_t)rng_next(r);
}

static int64_t next_extreme(struct rng *r, size_t i, int64_t before)
{
	static const int64_t extremes[] = {INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN + 1, INT64_MAX - 1};

	(void)i;
	(void)before;
	return extremes[pick(r, sizeof(extremes) / sizeof(extremes[0]))];
}

/* Multiples of an even and an odd factor, some negative. */
static int64_t next_multiple(struct rng *r, size_t i, int64_t before)
{
	(void)i;
	(void)before;
	return ((int64_t)pick(r, 2001) - 1000) * 24 + 5;
}

static int64_t next_large_multiple(struct rng *r, size_t i, int64_t before)
{
	(void)i;
	(void)before;
	return (int64_t)(rng_next(r) << 40);
}

/* Codes by the Pareto law, the way a dictionary numbers them. */
static int64_t next_code(struct rng *r, size_t i, int64_t before)
{
	double rank = pow(1 - rng_unit(r), -1 / 1.1);

	(void)i;
	(void)before;
	return rank < 5000 ? (int64_t)rank - 1 : (int64_t)pick(r, 5000);
}

static int64_t next_status(struct rng *r, size_t i, int64_t before)
{
	static const int64_t status[] = {200, 200, 200, 200, 200, 200, 200, 201, 404, 500};

	(void)i;
	(void)before;
	return status[pick(r, 10)];
}

/* Few, but very far from the rest. */
static int64_t next_with_outliers(struct rng *r, size_t i, int64_t before)
{
	(void)i;
	(void)before;
	return pick(r, 50) ? (int64_t)pick(r, 7) : (int64_t)(rng_next(r) >> 2);
}

/* Levels that last longer than a group of 128. */
static int64_t next_level(struct rng *r, size_t i, int64_t before)
{
	if (i % 512 == 0)
		return (int64_t)pick(r, UINT64_C(1) << 40);
	return (before & ~INT64_C(15)) + (int64_t)pick(r, 16);
}

static next_value_fn *const kinds[] = {
	next_constant,   next_count,   next_countdown,     next_ms_time, next_us_time,  next_late_time,
	next_batch_time, next_18_bits, next_any,           next_extreme, next_multiple, next_large_multiple,
	next_code,       next_status,  next_with_outliers, next_level,
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static void fill(struct rng *r, next_value_fn *next, int64_t *values, size_t n)
{
	int64_t before = 0;

	for (size_t i = 0; i < n; i++)
		before = values[i] = next(r, i, before);
}

/* ---- round trips ---- */

static void check_stretches(struct rng *r, const struct ints *run, const int64_t *values, size_t n, int64_t *room)
{
	for (unsigned round = 0; round < 8; round++) {
		size_t from = pick(r, n);
		size_t len = pick(r, n - from + 1);

		ints_read(run, from, len, room);
		if (len)
			assert_memory_equal(room, values + from, len * sizeof(*room));
	}
}

static void check_small(struct rng *r, const struct ints *run, const int64_t *values, size_t n)
{
	size_t from = pick(r, n), len = pick(r, n - from + 1);
	uint32_t *wide = xarray(len + 1, sizeof(*wide));
	uint16_t *narrow = xarray(len + 1, sizeof(*narrow));

	wide[len] = narrow[len] = 77;
	ints_read_u32(run, from, len, wide);
	ints_read_u16(run, from, len, narrow);
	for (size_t i = 0; i < len; i++) {
		int64_t v = values[from + i];

		assert_int_equal(wide[i], v < 0 || v > UINT32_MAX ? UINT32_MAX : (uint32_t)v);
		assert_int_equal(narrow[i], v < 0 || v > UINT16_MAX ? UINT16_MAX : (uint16_t)v);
	}
	assert_int_equal(wide[len], 77);
	assert_int_equal(narrow[len], 77);
	free(wide);
	free(narrow);
}

/* Encodes, opens with other bytes behind, and reads in every way. */
static void check_round_trip(struct rng *r, const int64_t *values, size_t n)
{
	struct buf b = BUF_INIT;
	int64_t *room = xarray(n, sizeof(*room));
	struct reader from;
	struct ints run;
	size_t len;

	ints_encode(values, n, &b);
	assert_true(buf_ok(&b));
	len = b.len;
	assert_true(len <= n * 8 + 32);
	buf_put_str(&b, "next");
	from = reader_of(buf_span(&b));
	assert_int_equal(ints_open(&run, &from, n, NULL), 0);
	assert_int_equal(reader_left(&from), 4);
	ints_read(&run, 0, n, room);
	assert_memory_equal(room, values, n * sizeof(*room));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(ints_get(&run, i), values[i]);
	check_stretches(r, &run, values, n, room);
	for (int k = 0; k < 4; k++)
		check_small(r, &run, values, n);
	assert_true(ints_memory(&run) <= n * 9);
	ints_decode(&run);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(ints_get(&run, i), values[i]);
	check_stretches(r, &run, values, n, room);
	free(room);
	room = ints_take(&run);
	assert_memory_equal(room, values, n * sizeof(*room));
	assert_int_equal(ints_memory(&run), 0);
	free(room);
	buf_release(&b);
}

static void test_ints__gives_back_every_kind_of_run(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 5, 63, 64, 65, 127, 128, 129, 130, 255, 256, 257, 1000, 8191, 8192};
	int64_t *values = xarray(8192, sizeof(*values));
	struct rng r = seeded_rng();

	(void)state;
	for (size_t k = 0; k < KIND_COUNT; k++) {
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			fill(&r, kinds[k], values, sizes[s]);
			check_round_trip(&r, values, sizes[s]);
		}
	}
	free(values);
}

static void test_ints__gives_back_the_longest_runs(void **state)
{
	int64_t *values = xarray(N_MAX, sizeof(*values));
	struct rng r = seeded_rng();

	(void)state;
	for (size_t k = 0; k < KIND_COUNT; k++) {
		fill(&r, kinds[k], values, N_MAX);
		check_round_trip(&r, values, N_MAX);
	}
	free(values);
}

/* Every width from 0 to 64, at sizes whose bits end inside and at the end of a byte and a word. */
static void test_ints__gives_back_every_width(void **state)
{
	int64_t values[140];
	struct rng r = seeded_rng();

	(void)state;
	for (unsigned width = 1; width <= 64; width++) {
		for (size_t n = 2; n < 140; n += 1 + pick(&r, 9)) {
			for (size_t i = 0; i < n; i++)
				values[i] = (int64_t)(rng_next(&r) >> (64 - width));
			check_round_trip(&r, values, n);
		}
	}
}

/* Where distances from the smallest do not fit an int64: all runs of three extremes. */
static void test_ints__gives_back_the_ends_of_the_range(void **state)
{
	static const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, INT64_MIN / 2, -1, 0, 1, INT64_MAX / 2, INT64_MAX};
	struct rng r = seeded_rng();

	(void)state;
	for (unsigned k = 0; k < 8 * 8 * 8; k++) {
		int64_t values[200] = {ends[k & 7], ends[k >> 3 & 7], ends[k >> 6 & 7]};

		for (size_t i = 3; i < 200; i++)
			values[i] = values[pick(&r, i)];
		check_round_trip(&r, values, 3);
		check_round_trip(&r, values, 200);
	}
}

static void test_ints__gives_back_mixed_runs(void **state)
{
	int64_t *values = xarray(2048, sizeof(*values));
	struct rng r = seeded_rng();

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		size_t n = 1 + pick(&r, 2048);

		for (size_t i = 0; i < n;) {
			size_t len = 1 + pick(&r, n - i);

			fill(&r, kinds[pick(&r, KIND_COUNT)], values + i, len);
			i += len;
		}
		check_round_trip(&r, values, n);
	}
	free(values);
}

/* ---- sizes and forms ---- */

struct golden {
	next_value_fn *next;
	size_t n;
	uint8_t mark;
	size_t bytes_min;
	size_t bytes_max;
};

/* The marks are pinned, and so is every size that does not depend on zstd. */
static void test_ints__takes_the_smallest_form(void **state)
{
	static const struct golden golden[] = {
		{next_constant, GOLDEN_N, 0x00, 2, 11},
		{next_18_bits, GOLDEN_N, 0x01, 18435, 18435},
		{next_any, GOLDEN_N, 0x01, 65540, 65548},
		{next_level, GOLDEN_N, 0x02, 4552, 4552},
		{next_count, GOLDEN_N, 0x05, 4, 4},
		{next_countdown, GOLDEN_N, 0x0d, 5, 5},
		{next_multiple, GOLDEN_N, 0x09, 11270, 11270},
		{next_code, GOLDEN_N, 0x03, 2850, 2930},
		{next_status, GOLDEN_N, 0x03, 2280, 2330},
		{next_ms_time, GOLDEN_N, 0x0f, 7320, 7380},
		{next_us_time, GOLDEN_N, 0x07, 17560, 17620},
		{next_late_time, GOLDEN_N, 0x1f, 8600, 8700},
		{next_batch_time, GOLDEN_N, 0x07, 270, 310},
		{next_18_bits, 2, 0x09, 8, 9},
	};
	int64_t *values = xarray(GOLDEN_N, sizeof(*values));
	struct rng r;

	(void)state;
	rng_init(&r, 7);
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		struct buf b = BUF_INIT;

		fill(&r, golden[i].next, values, golden[i].n);
		ints_encode(values, golden[i].n, &b);
		assert_int_equal(b.p[0], golden[i].mark);
		assert_in_range(b.len, golden[i].bytes_min, golden[i].bytes_max);
		buf_release(&b);
	}
	free(values);
}

static void check_bytes(const int64_t *values, size_t n, const char *bytes, size_t len)
{
	struct buf b = BUF_INIT;

	ints_encode(values, n, &b);
	assert_int_equal(b.len, len);
	assert_memory_equal(b.p, bytes, len);
	buf_release(&b);
}

static void test_ints__writes_the_bytes_of_the_format(void **state)
{
	static const int64_t one[] = {-2};
	static const int64_t packed[] = {7, 9, 8, 12};
	static const int64_t scaled[] = {3000, 1000, 8000, 1000};
	static const int64_t deltas[] = {10, 11, 12, 13, 14, 15, 16, 17, 18};

	(void)state;
	check_bytes(one, 1, "\x00\x03", 2);
	/* base 7, width 3: 0 2 1 5 from the lowest bit */
	check_bytes(packed, 4, "\x01\x0e\x03\x50\x0a", 5);
	/* base 1000, scale 1000, width 3: 2 0 7 0 */
	check_bytes(scaled, 4, "\x09\xd0\x0f\xe8\x07\x03\xc2\x01", 8);
	/* base 10, step 1, width 0 */
	check_bytes(deltas, 9, "\x05\x14\x02\x00", 4);
}

/* ---- damage ---- */

/* Opens a copy that ends where its memory does, and reads all that opens. Returns what ints_open did. */
static int open_and_read(const uint8_t *p, size_t len, size_t n)
{
	uint8_t *copy = xalloc(len);
	struct reader from = reader_of(span_of(copy, len));
	struct ints run;
	int64_t *room = xarray(n, sizeof(*room));
	int rc;

	memcpy(copy, p, len);
	rc = ints_open(&run, &from, n, NULL);
	if (rc == 0) {
		ints_read(&run, 0, n, room);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(ints_get(&run, i), room[i]);
		ints_release(&run);
	}
	free(room);
	free(copy);
	return rc;
}

static void check_damaged(struct buf *b, size_t n)
{
	for (size_t len = 0; len < b->len; len++)
		assert_int_equal(open_and_read(b->p, len, n), E_CORRUPT);
	for (size_t bit = 0; bit < b->len * 8; bit++) {
		int rc;

		b->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rc = open_and_read(b->p, b->len, n);
		assert_true(rc == 0 || rc == E_CORRUPT);
		b->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void test_ints__survives_cuts_and_flips(void **state)
{
	static const size_t sizes[] = {1, 2, 20, 130, 300};
	int64_t values[300];
	struct rng r = seeded_rng();

	(void)state;
	for (size_t k = 0; k < KIND_COUNT; k++) {
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			struct buf b = BUF_INIT;

			fill(&r, kinds[k], values, sizes[s]);
			ints_encode(values, sizes[s], &b);
			check_damaged(&b, sizes[s]);
			buf_release(&b);
		}
	}
}

static void test_ints__survives_noise(void **state)
{
	uint8_t noise[64];
	struct rng r = seeded_rng();

	(void)state;
	for (unsigned round = 0; round < 50000; round++) {
		size_t len = pick(&r, sizeof(noise));
		int rc;

		for (size_t i = 0; i < len; i++)
			noise[i] = (uint8_t)rng_next(&r);
		if (len)
			noise[0] &= 0x1f;
		rc = open_and_read(noise, len, 1 + pick(&r, 300));
		assert_true(rc == 0 || rc == E_CORRUPT);
	}
}

/* Each rule of docs/format/column.md by its number, with a run that is right but for it. */
static void test_ints__refuses_what_the_format_forbids(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		size_t n;
	} cases[] = {
		{"\x20\x00", 2, 1},                                          /* 1: a bit that means nothing */
		{"\x04\x00\x00", 3, 4},                                      /* 2: a constant with differences */
		{"\x15\x00\x00\x00", 4, 4},                                  /* 2: zigzag without tokens */
		{"\x13\x00\x88\x00\x00", 5, 4},                              /* 2: zigzag without differences */
		{"\x01\x00\x01\x00", 4, 1},                                  /* 2: one value that is no constant */
		{"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00", 12, 2}, /* 3: a base beyond 64 bits */
		{"\x01\x00\x41"
		 "aaaaaaaaaaaaaaaaa",
		 20, 2}, /* 4: a width of 65 */
		{"\x02\x00\x41"
		 "aaaaaaaaa"
		 "\x00\x00",
		 14, 4}, /* 5: a group's minimum of 65 bits */
		{"\x02\x00\x00\x01\x00\x00\x00"
		 "aaaaaaaaaaaaaaaaaaaa",
		 27, 130}, /* 6: group ends that fall */
		{"\x02\x00\x00\x41\x00"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 45, 4},                            /* 6: a group of 65 bits */
		{"\x03\x00\x90\x00\x00", 5, 4},     /* 7: tokens of 9 direct bits */
		{"\x03\x00\x45\x00\x00", 5, 4},     /* 7: more mantissa than direct bits */
		{"\x03\x00\x80\x04zstd\x00", 9, 4}, /* 8: tokens that do not inflate */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(open_and_read((const uint8_t *)cases[i].bytes, cases[i].len, cases[i].n), E_CORRUPT);
}

/* A frame of tokens that means something else than its low bits allow: rules 9 and 10. */
static void test_ints__refuses_tokens_without_their_bits(void **state)
{
	int64_t values[256];
	struct buf b = BUF_INIT;
	struct rng r = seeded_rng();
	size_t extra;

	(void)state;
	fill(&r, next_code, values, 256);
	ints_encode(values, 256, &b);
	assert_int_equal(b.p[0], 0x03);
	/* mark, base, kind, frame length, frame, extra length, extra */
	assert_true(b.p[3] < 0x80 || b.p[4] < 0x80);
	extra = b.p[3] < 0x80 ? 4u + b.p[3] : 5u + (b.p[3] & 0x7fu) + b.p[4] * 128u;
	assert_int_equal(b.p[extra], b.len - extra - 1);
	b.p[extra]--;
	assert_int_equal(open_and_read(b.p, b.len - 1, 256), E_CORRUPT);
	b.p[extra] += 2;
	buf_put_u8(&b, 0);
	assert_int_equal(open_and_read(b.p, b.len, 256), E_CORRUPT);
	buf_release(&b);
}

/* A zstd frame of `count` times the same byte. */
static void put_frame(struct buf *to, uint8_t count, uint8_t byte)
{
	buf_put(to, "\x28\xb5\x2f\xfd\x20", 5);
	buf_put_u8(to, count);
	buf_put_u16(to, (uint16_t)(count << 3 | 3));
	buf_put_u8(to, 0);
	buf_put_u8(to, byte);
}

/* Four tokens of the kind 4, 2 with so many bytes of low bits. */
static int open_tokens(uint8_t count, uint8_t token, uint8_t low_len)
{
	struct buf b = BUF_INIT;
	int rc;

	buf_put(&b, "\x03\x00\x42\x0a", 4);
	put_frame(&b, count, token);
	buf_put_varint(&b, low_len);
	for (unsigned i = 0; i < low_len; i++)
		buf_put_u8(&b, 0);
	rc = open_and_read(b.p, b.len, 4);
	buf_release(&b);
	return rc;
}

/* Token 5 is a number, 20 has 3 low bits, 231 has 55; 235 would have 56, 239 57, and 255 be beyond 64 bits. */
static void test_ints__refuses_tokens_that_mean_nothing(void **state)
{
	(void)state;
	assert_int_equal(open_tokens(4, 5, 0), 0);
	assert_int_equal(open_tokens(4, 20, 2), 0);
	assert_int_equal(open_tokens(3, 5, 0), E_CORRUPT);
	assert_int_equal(open_tokens(5, 5, 0), E_CORRUPT);
	assert_int_equal(open_tokens(4, 231, 28), 0);
	assert_int_equal(open_tokens(4, 235, 28), 0);
	assert_int_equal(open_tokens(4, 239, 29), E_CORRUPT);
	assert_int_equal(open_tokens(4, 255, 128), E_CORRUPT);
}

static void test_ints__leaves_the_output_on_failure(void **state)
{
	struct ints run = {.n = 77};
	struct reader from = reader_of(SPAN_LIT("\x21"));
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(ints_open(&run, &from, 3, &err), E_CORRUPT);
	assert_int_equal(run.n, 77);
	assert_int_equal(err.code, E_CORRUPT);
	assert_non_null(strstr(err.message, "0x21"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ints__gives_back_every_kind_of_run),
		cmocka_unit_test(test_ints__gives_back_the_longest_runs),
		cmocka_unit_test(test_ints__gives_back_every_width),
		cmocka_unit_test(test_ints__gives_back_the_ends_of_the_range),
		cmocka_unit_test(test_ints__gives_back_mixed_runs),
		cmocka_unit_test(test_ints__takes_the_smallest_form),
		cmocka_unit_test(test_ints__writes_the_bytes_of_the_format),
		cmocka_unit_test(test_ints__survives_cuts_and_flips),
		cmocka_unit_test(test_ints__survives_noise),
		cmocka_unit_test(test_ints__refuses_what_the_format_forbids),
		cmocka_unit_test(test_ints__refuses_tokens_without_their_bits),
		cmocka_unit_test(test_ints__refuses_tokens_that_mean_nothing),
		cmocka_unit_test(test_ints__leaves_the_output_on_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
