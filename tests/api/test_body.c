#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "api/body.h"
#include "api/limits.h"
#include "base/mem.h"
#include "base/rand.h"

static struct budget budget = {.max_bytes = BODY_MEMORY_MAX};

static struct buf gzip_of(struct span plain)
{
	struct buf to = BUF_INIT;
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)plain.p;
	z.avail_in = (uInt)plain.len;
	z.next_out = buf_room(&to, plain.len / 100 + 1000 + plain.len);
	z.avail_out = (uInt)(to.cap - to.len);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_commit(&to, z.total_out);
	deflateEnd(&z);
	return to;
}

static struct buf zstd_of(struct span plain)
{
	struct buf to = BUF_INIT;
	size_t bound = ZSTD_compressBound(plain.len);
	uint8_t *p = buf_room(&to, bound);

	buf_commit(&to, ZSTD_compress(p, bound, plain.p, plain.len, 1));
	return to;
}

/* Feeds in pieces of `step` bytes. */
static int feed(struct body *b, enum body_encoding encoding, struct span bytes, size_t step, struct err *err)
{
	int rc = body_begin(b, encoding, &budget, err);

	for (size_t at = 0; rc == 0 && at < bytes.len; at += step) {
		size_t n = bytes.len - at < step ? bytes.len - at : step;

		rc = body_feed(b, span_of(bytes.p + at, n), err);
	}
	return rc == 0 ? body_end(b, err) : rc;
}

static struct buf sample(size_t len)
{
	struct buf b = BUF_INIT;
	struct rng rng;
	uint8_t *p = buf_room(&b, len);

	rng_init(&rng, 5);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(rng_below(&rng, 4) ? 'a' + rng_below(&rng, 3) : rng_next(&rng));
	buf_commit(&b, len);
	return b;
}

static void test_body__decodes_in_pieces_of_any_size(void **state)
{
	static const size_t steps[] = {1, 7, 4096, 1u << 20};
	struct buf plain = sample(300000);
	struct buf packed[] = {sample(300000), gzip_of(buf_span(&plain)), zstd_of(buf_span(&plain))};
	struct body b = {0};

	for (int encoding = BODY_PLAIN; encoding <= BODY_ZSTD; encoding++) {
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			assert_int_equal(
				feed(&b, (enum body_encoding)encoding, buf_span(&packed[encoding]), steps[i], NULL), 0);
			assert_true(span_eq(buf_span(&b.bytes), buf_span(&plain)));
			assert_int_equal(budget_used(&budget), plain.len);
			body_reset(&b);
			assert_int_equal(budget_used(&budget), 0);
		}
	}
	body_release(&b);
	buf_release(&plain);
	for (int i = 0; i < 3; i++)
		buf_release(&packed[i]);
}

static void test_body__takes_members_and_frames_in_a_row(void **state)
{
	struct buf one[] = {gzip_of(SPAN_LIT("one ")), zstd_of(SPAN_LIT("one "))};
	struct buf two[] = {gzip_of(SPAN_LIT("two")), zstd_of(SPAN_LIT("two"))};
	struct body b = {0};

	for (int i = 0; i < 2; i++) {
		buf_put_span(&one[i], buf_span(&two[i]));
		assert_int_equal(feed(&b, i ? BODY_ZSTD : BODY_GZIP, buf_span(&one[i]), 3, NULL), 0);
		assert_true(span_eq_str(buf_span(&b.bytes), "one two"));
		body_reset(&b);
		buf_release(&one[i]);
		buf_release(&two[i]);
	}
	body_release(&b);
}

static void test_body__finds_torn_and_false_compression(void **state)
{
	struct buf packed[] = {gzip_of(SPAN_LIT("some text that is long enough")),
			       zstd_of(SPAN_LIT("some text that is long enough"))};
	struct body b = {0};
	struct err err = ERR_INIT;

	for (int i = 0; i < 2; i++) {
		enum body_encoding encoding = i ? BODY_ZSTD : BODY_GZIP;

		for (size_t len = 1; len < packed[i].len; len++) {
			assert_int_equal(feed(&b, encoding, span_of(packed[i].p, len), 1000, &err), E_SYNTAX);
			assert_int_equal(err.offset, len);
		}
		assert_int_equal(feed(&b, encoding, SPAN_LIT("plain text"), 4, &err), E_SYNTAX);
		assert_non_null(strstr(err.message, i ? "zstd" : "gzip"));
		body_reset(&b);
		buf_release(&packed[i]);
	}
	body_release(&b);
}

static void test_body__stops_at_the_limits(void **state)
{
	uint8_t *piece = try_array(1, BODY_BYTES_MAX / 8);
	struct body b = {0};
	struct err err = ERR_INIT;

	assert_non_null(piece);
	assert_int_equal(body_begin(&b, BODY_PLAIN, &budget, NULL), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(body_feed(&b, span_of(piece, BODY_BYTES_MAX / 8), NULL), 0);
	assert_int_equal(body_feed(&b, span_of(piece, 1), &err), E_TOO_LARGE);
	assert_non_null(strstr(err.message, "32 MiB"));
	body_release(&b);
	assert_int_equal(budget_used(&budget), 0);
	free(piece);
}

/* A bomb: zeros that inflate to exactly the limit, and to one byte more. */
static void test_body__stops_decompression_bombs(void **state)
{
	uint8_t *zeros = try_array(1, (size_t)BODY_INFLATED_MAX + 1);
	struct body b = {0};
	struct err err = ERR_INIT;

	assert_non_null(zeros);
	for (int i = 0; i < 4; i++) {
		struct span plain = span_of(zeros, (size_t)BODY_INFLATED_MAX + (size_t)(i & 1));
		struct buf bomb = i < 2 ? zstd_of(plain) : gzip_of(plain);

		assert_int_equal(feed(&b, i < 2 ? BODY_ZSTD : BODY_GZIP, buf_span(&bomb), 1u << 16, &err),
				 i & 1 ? E_TOO_LARGE : 0);
		body_reset(&b);
		buf_release(&bomb);
	}
	body_release(&b);
	free(zeros);
}

static void test_body__keeps_to_the_budget_of_all(void **state)
{
	struct budget small = {.max_bytes = 100};
	struct body a = {0}, b = {0};
	uint8_t piece[60] = {0};
	struct err err = ERR_INIT;

	assert_int_equal(body_begin(&a, BODY_PLAIN, &small, NULL), 0);
	assert_int_equal(body_begin(&b, BODY_PLAIN, &small, NULL), 0);
	assert_int_equal(body_feed(&a, span_of(piece, 60), NULL), 0);
	assert_int_equal(body_feed(&b, span_of(piece, 60), &err), E_UNAVAILABLE);
	assert_int_equal(body_feed(&b, span_of(piece, 40), NULL), 0);
	body_release(&a);
	assert_int_equal(budget_used(&small), 40);
	body_release(&b);
	assert_int_equal(budget_used(&small), 0);
}

static void test_body__knows_its_encodings(void **state)
{
	enum body_encoding e;
	struct err err = ERR_INIT;

	assert_int_equal(body_encoding_of(NULL, &e, NULL), 0);
	assert_int_equal(e, BODY_PLAIN);
	assert_int_equal(body_encoding_of("GZIP", &e, NULL), 0);
	assert_int_equal(e, BODY_GZIP);
	assert_int_equal(body_encoding_of("zstd", &e, NULL), 0);
	assert_int_equal(e, BODY_ZSTD);
	assert_int_equal(body_encoding_of("br", &e, &err), E_MEDIA_TYPE);
	assert_int_equal(body_encoding_of("gzip, zstd", &e, NULL), E_MEDIA_TYPE);
}

/* A frame of `len` zeros that asks its decoder for a window of 2^log bytes. */
static struct buf zstd_with_window(size_t len, int log)
{
	struct buf plain = BUF_INIT;
	struct buf to = BUF_INIT;
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_inBuffer in = {0};
	ZSTD_outBuffer out = {0};

	memset(buf_room(&plain, len), 0, len);
	in = (ZSTD_inBuffer){plain.p, len, 0};
	out = (ZSTD_outBuffer){buf_room(&to, ZSTD_compressBound(len)), ZSTD_compressBound(len), 0};
	ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, log);
	assert_false(ZSTD_isError(ZSTD_compressStream2(c, &out, &in, ZSTD_e_continue))); /* no size in the header */
	assert_int_equal(ZSTD_compressStream2(c, &out, &in, ZSTD_e_end), 0);
	buf_commit(&to, out.pos);
	ZSTD_freeCCtx(c);
	buf_release(&plain);
	return to;
}

static void test_body__lets_go_of_a_large_window(void **state)
{
	const size_t keep = 8u << 20;
	struct buf small = zstd_with_window(1000, 20);
	struct buf large = zstd_with_window(1u << 20, BODY_ZSTD_LOG_MAX);
	struct body b = {0};

	(void)state;
	assert_int_equal(feed(&b, BODY_ZSTD, buf_span(&large), large.len, NULL), 0);
	body_reset(&b);
	assert_true(body_held_bytes(&b) > 1u << BODY_ZSTD_LOG_MAX);
	body_trim(&b, keep);
	assert_true(body_held_bytes(&b) <= keep);
	assert_int_equal(feed(&b, BODY_ZSTD, buf_span(&small), small.len, NULL), 0);
	assert_int_equal(b.bytes.len, 1000);
	body_reset(&b);
	body_trim(&b, keep);
	assert_non_null(b.zstd); /* what is usual is kept */
	body_release(&b);
	assert_int_equal(budget_used(&budget), 0);
	buf_release(&small);
	buf_release(&large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body__decodes_in_pieces_of_any_size),
		cmocka_unit_test(test_body__takes_members_and_frames_in_a_row),
		cmocka_unit_test(test_body__finds_torn_and_false_compression),
		cmocka_unit_test(test_body__stops_at_the_limits),
		cmocka_unit_test(test_body__stops_decompression_bombs),
		cmocka_unit_test(test_body__keeps_to_the_budget_of_all),
		cmocka_unit_test(test_body__knows_its_encodings),
		cmocka_unit_test(test_body__lets_go_of_a_large_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
