/* Boxes against the plain bytes, and against whoever changes, moves or cuts them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "crypto/boxes.h"
#include "sample.h"

#define OFF 7u /* of box 0 in what is read */

static const struct key key = {{1, 2, 3}};

struct bytes {
	const uint8_t *p;
	size_t len;
	size_t reads;
};

static int read_bytes(void *user, uint64_t off, size_t len, uint8_t *to, struct err *err)
{
	struct bytes *b = user;

	b->reads++;
	assert_true(len > 0 && off <= b->len && len <= b->len - off);
	memcpy(to, b->p + off, len);
	return 0;
}

/* A run and its boxes, behind OFF bytes of something else. */
struct run {
	uint8_t *plain;
	size_t len;
	uint8_t *sealed;
	struct bytes bytes;
	struct boxes_source source;
};

static void make_run(struct run *r, struct rng *rng, size_t len)
{
	struct boxes *b = boxes_new(&key);

	*r = (struct run){.plain = xalloc(len + 1), .len = len};
	for (size_t i = 0; i < len; i++)
		r->plain[i] = (uint8_t)rng_next(rng);
	r->bytes = (struct bytes){NULL, OFF + (size_t)boxes_sealed_len(len), 0};
	r->sealed = xalloc(r->bytes.len);
	assert_int_equal(boxes_seal(b, 0, span_of(r->plain, len), true, r->sealed + OFF), 0);
	r->bytes.p = r->sealed;
	r->source = (struct boxes_source){read_bytes, &r->bytes, OFF, len};
	boxes_free(b);
}

static void release_run(struct run *r)
{
	free(r->plain);
	free(r->sealed);
}

static const size_t lengths[] = {0, 1, 2, BOX_PLAIN - 1, BOX_PLAIN, BOX_PLAIN + 1, 2 * BOX_PLAIN, 40 * BOX_PLAIN + 5};

static void test_boxes__lengths_go_both_ways(void **state)
{
	uint64_t plain;

	(void)state;
	assert_int_equal(boxes_sealed_len(0), AEAD_TAG_LEN);
	assert_int_equal(boxes_sealed_len(BOX_PLAIN), BOX_BYTES);
	assert_int_equal(boxes_sealed_len(BOX_PLAIN + 1), BOX_BYTES + AEAD_TAG_LEN + 1);
	for (uint64_t len = 0; len < 3 * BOX_BYTES; len++) {
		assert_true(boxes_plain_len(boxes_sealed_len(len), &plain));
		assert_int_equal(plain, len);
	}
	for (uint64_t len = 0; len < AEAD_TAG_LEN; len++)
		assert_false(boxes_plain_len(len, &plain));
	for (uint64_t len = 0; len <= AEAD_TAG_LEN; len++) /* a box of nothing behind a whole one */
		assert_int_equal(boxes_plain_len(BOX_BYTES + len, &plain), len == 0);
	assert_false(boxes_plain_len(UINT64_MAX - BOX_BYTES, &plain) && plain > UINT64_MAX - BOX_BYTES);
}

static void test_boxes__any_part_reads_as_the_plain_bytes(void **state)
{
	struct rng rng = seeded_rng();

	(void)state;
	for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
		struct boxes *b = boxes_new(&key);
		struct run r;

		make_run(&r, &rng, lengths[k]);
		for (int i = 0; i < 300; i++) {
			size_t off = i ? (size_t)rng_below(&rng, r.len + 1) : 0;
			size_t len = i ? (size_t)rng_below(&rng, r.len - off + 1) : r.len;
			uint8_t *got = xalloc(len + 1);

			if (i % 3 == 0 && len > 100)
				len = (size_t)rng_below(&rng, 100);
			r.bytes.reads = 0;
			assert_int_equal(boxes_read(b, &r.source, off, len, got, NULL), 0);
			assert_memory_equal(got, r.plain + off, len);
			assert_true(r.bytes.reads <= len / (15 * BOX_PLAIN) + 1);
			free(got);
		}
		release_run(&r);
		boxes_free(b);
	}
}

/* A run that is sealed piece by piece is the same. */
static void test_boxes__pieces_make_the_same_run(void **state)
{
	struct boxes *b = boxes_new(&key);
	uint64_t number = 0;
	uint8_t *again;
	struct rng rng = seeded_rng();
	struct run r;

	(void)state;
	make_run(&r, &rng, 11 * BOX_PLAIN + 3);
	again = xalloc(r.bytes.len);
	while (number < 11) {
		uint64_t n = rng_below(&rng, 11 - number) + 1;

		assert_int_equal(boxes_seal(b, number, span_of(r.plain + number * BOX_PLAIN, n * BOX_PLAIN), false,
					    again + OFF + number * BOX_BYTES),
				 0);
		number += n;
	}
	assert_int_equal(boxes_seal(b, 11, span_of(r.plain + 11 * BOX_PLAIN, 3), true, again + OFF + 11 * BOX_BYTES),
			 0);
	assert_memory_equal(again + OFF, r.sealed + OFF, r.bytes.len - OFF);
	free(again);
	release_run(&r);
	boxes_free(b);
}

/* Reading all of it fails, at the box that is not right. */
static void assert_fails(struct run *r, const struct key *with, uint64_t at)
{
	uint64_t plain_len;
	struct boxes *b = boxes_new(with);
	struct err err = ERR_INIT;
	uint8_t *got;

	assert_true(boxes_plain_len(r->bytes.len - OFF, &plain_len));
	r->source.plain_len = plain_len;
	got = xalloc(plain_len + 1);
	assert_int_equal(boxes_read(b, &r->source, 0, plain_len, got, &err), E_CORRUPT);
	assert_int_equal(err.offset, OFF + at * BOX_BYTES);
	for (size_t i = at * BOX_PLAIN; i < plain_len; i++)
		assert_int_equal(got[i], 0);
	free(got);
	boxes_free(b);
}

static void test_boxes__every_change_is_found(void **state)
{
	struct rng rng = seeded_rng();
	struct run r;

	(void)state;
	make_run(&r, &rng, 2 * BOX_PLAIN + 9);
	for (size_t at = OFF; at < r.bytes.len; at += 1 + rng_below(&rng, 97)) {
		r.sealed[at] ^= 4;
		assert_fails(&r, &key, (at - OFF) / BOX_BYTES);
		r.sealed[at] ^= 4;
	}
	for (size_t at = 2 * BOX_BYTES + OFF; at < r.bytes.len; at++) {
		r.sealed[at] ^= 128;
		assert_fails(&r, &key, 2);
		r.sealed[at] ^= 128;
	}
	release_run(&r);
}

static void test_boxes__cuts_swaps_and_other_keys_are_found(void **state)
{
	const struct key other = {{1, 2, 4}};
	uint8_t box[BOX_BYTES];
	struct rng rng = seeded_rng();
	struct run r;

	(void)state;
	make_run(&r, &rng, 3 * BOX_PLAIN);
	assert_fails(&r, &other, 0);
	memcpy(box, r.sealed + OFF, BOX_BYTES);
	memcpy(r.sealed + OFF, r.sealed + OFF + BOX_BYTES, BOX_BYTES);
	memcpy(r.sealed + OFF + BOX_BYTES, box, BOX_BYTES);
	assert_fails(&r, &key, 0);
	release_run(&r);
	make_run(&r, &rng, 3 * BOX_PLAIN);
	r.bytes.len -= BOX_BYTES; /* at a box's end: the one before was not made as the last */
	assert_fails(&r, &key, 1);
	r.bytes.len -= 1;
	assert_fails(&r, &key, 1);
	release_run(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boxes__lengths_go_both_ways),
		cmocka_unit_test(test_boxes__any_part_reads_as_the_plain_bytes),
		cmocka_unit_test(test_boxes__pieces_make_the_same_run),
		cmocka_unit_test(test_boxes__every_change_is_found),
		cmocka_unit_test(test_boxes__cuts_swaps_and_other_keys_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
