#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/hash_priv.h"
#include "base/mem.h"
#include "seed.h"

#define BUCKETS 4096

/* Bit by bit, as the definition has it. */
static uint32_t naive_crc32c(uint32_t crc, const uint8_t *p, size_t len)
{
	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return ~crc;
}

/* RFC 3720 appendix B.4. */
static void test_crc32c__matches_the_vectors(void **state)
{
	uint8_t bytes[32];

	assert_true(crc32c(0, "123456789", 9) == 0xe3069283);
	assert_true(crc32c(0, "", 0) == 0);
	memset(bytes, 0, 32);
	assert_true(crc32c(0, bytes, 32) == 0x8a9136aa);
	memset(bytes, 0xff, 32);
	assert_true(crc32c(0, bytes, 32) == 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		bytes[i] = (uint8_t)i;
	assert_true(crc32c(0, bytes, 32) == 0x46dd794e);
	for (int i = 0; i < 32; i++)
		bytes[i] = (uint8_t)(31 - i);
	assert_true(crc32c(0, bytes, 32) == 0x113fdb5c);
}

static void test_crc32c__equals_the_naive_one(void **state)
{
	static uint8_t bytes[20000];
	struct rng rng = seeded_rng(__func__);

	fill_random(&rng, bytes, sizeof(bytes));
	for (int i = 0; i < 1500; i++) {
		size_t len = i < 800 ? (size_t)i : rng_below(&rng, sizeof(bytes) - 16);
		const uint8_t *p = bytes + rng_below(&rng, 16);
		uint32_t start = i % 3 ? (uint32_t)rng_next(&rng) : 0;
		uint32_t want = naive_crc32c(start, p, len);

		assert_int_equal(crc32c(start, p, len), want);
		assert_int_equal(hash__crc32c_table(start, p, len), want);
	}
}

static void test_crc32c__chains(void **state)
{
	static uint8_t bytes[10000];
	struct rng rng = seeded_rng(__func__);

	fill_random(&rng, bytes, sizeof(bytes));
	for (int i = 0; i < 200; i++) {
		size_t cut = rng_below(&rng, sizeof(bytes) + 1);
		uint32_t head = crc32c(0, bytes, cut);

		assert_int_equal(crc32c(head, bytes + cut, sizeof(bytes) - cut), crc32c(0, bytes, sizeof(bytes)));
	}
}

/* Part of the segment format: these numbers never change. */
static void test_hash64__never_changes(void **state)
{
	static const struct {
		size_t len;
		uint64_t seed;
		uint64_t want;
	} vectors[] = {
		{0, 0x0, 0xebfe8fd555345117},   {0, 0x123456789abcdef, 0xc8df600546797f1f},
		{1, 0x0, 0x49e69e73ddb574b1},   {1, 0x123456789abcdef, 0x8054cdd19820bed0},
		{2, 0x0, 0x1d87c997cdb9b811},   {2, 0x123456789abcdef, 0xe9f0dd430282addd},
		{3, 0x0, 0xa26127b04fd07182},   {3, 0x123456789abcdef, 0x3ded6d006b12d71b},
		{4, 0x0, 0x92ccf2ccb79b3ee4},   {4, 0x123456789abcdef, 0x1250ecac8012d2b5},
		{7, 0x0, 0xe2a818325d7ed02f},   {7, 0x123456789abcdef, 0x1fe1efb196fa4fad},
		{8, 0x0, 0x6c5981dafe92c789},   {8, 0x123456789abcdef, 0x00d7942df2b445b8},
		{15, 0x0, 0x2b3a1b1d183ad49d},  {15, 0x123456789abcdef, 0x117d030fe9d4ff72},
		{16, 0x0, 0x75fb9dd2ffc786e8},  {16, 0x123456789abcdef, 0xea6bb900f83f5806},
		{17, 0x0, 0x2f165da685f0b0ce},  {17, 0x123456789abcdef, 0x464a08f0b2c98d0a},
		{31, 0x0, 0xa9b1830ae866b929},  {31, 0x123456789abcdef, 0x4ca222bfc3f8b167},
		{32, 0x0, 0xa766733200254ba9},  {32, 0x123456789abcdef, 0xcebd75e17aeb055b},
		{33, 0x0, 0x9801732202202dff},  {33, 0x123456789abcdef, 0x4e12714fb16902db},
		{100, 0x0, 0x55ab0c8d4862c8e5}, {100, 0x123456789abcdef, 0xb765951a124eff65},
		{256, 0x0, 0x4f030923a68775b8}, {256, 0x123456789abcdef, 0xfff0cd931a78bc3f},
	};
	uint8_t key[256];

	for (int i = 0; i < 256; i++)
		key[i] = (uint8_t)(i * 11 + 1);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_true(hash64(key, vectors[i].len, vectors[i].seed) == vectors[i].want);
}

/* Each bit of the key and of the seed turns each bit of the result half of the time. */
static void test_hash64__spreads_every_bit(void **state)
{
	static const size_t lengths[] = {1, 3, 4, 7, 8, 12, 16, 17, 24, 33, 48};
	struct rng rng = seeded_rng(__func__);
	const int rounds = 1000;

	for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
		for (size_t bit = 0; bit < lengths[l] * 8 + 64; bit++) {
			int turned[64] = {0};

			for (int i = 0; i < rounds; i++) {
				uint64_t seed = rng_next(&rng);
				uint8_t key[48];
				uint64_t before;
				uint64_t after;

				fill_random(&rng, key, lengths[l]);
				before = hash64(key, lengths[l], seed);
				if (bit < lengths[l] * 8)
					key[bit / 8] ^= (uint8_t)(1 << bit % 8);
				else
					seed ^= (uint64_t)1 << (bit - lengths[l] * 8);
				after = before ^ hash64(key, lengths[l], seed);
				for (int out = 0; out < 64; out++)
					turned[out] += after >> out & 1;
			}
			/* Seven standard deviations of a fair coin. */
			for (int out = 0; out < 64; out++)
				assert_in_range(turned[out], rounds / 2 - 111, rounds / 2 + 111);
		}
	}
}

static void assert_even(const uint32_t *counts, int keys)
{
	double mean = (double)keys / BUCKETS;
	double chi2 = 0;

	for (int i = 0; i < BUCKETS; i++)
		chi2 += ((double)counts[i] - mean) * ((double)counts[i] - mean) / mean;
	/* BUCKETS - 1 degrees of freedom: six standard deviations. */
	assert_true(chi2 < BUCKETS + 6 * 90.5);
}

/* Keys as tokens are - numbered, alike in front or behind - fall evenly into buckets by low and by high bits. */
static void test_hash64__fills_buckets_evenly(void **state)
{
	/* What is before and behind the number. */
	static const char *const forms[][2] = {
		{"", ""},
		{"user-", ""},
		{"", ".example.com"},
		{"10.0.0.", ""},
		{"000000000000000000", ""},
		{"/a/long/path/", "/x"},
	};
	const int keys = 200000;

	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		uint32_t low[BUCKETS] = {0};
		uint32_t high[BUCKETS] = {0};

		for (int i = 0; i < keys; i++) {
			char key[64];
			uint64_t h;

			snprintf(key, sizeof(key), "%s%d%s", forms[f][0], i, forms[f][1]);
			h = hash64(key, strlen(key), 0);
			low[h % BUCKETS]++;
			high[h >> 52]++;
		}
		assert_even(low, keys);
		assert_even(high, keys);
	}
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* All keys of up to two bytes, and zeros of every length: all different. */
static void test_hash64__tells_short_keys_apart(void **state)
{
	static uint64_t seen[1 + 256 + 65536 + 200];
	static const uint8_t zeros[256];
	size_t n = 0;

	for (int i = 0; i < 256; i++) {
		uint8_t one = (uint8_t)i;

		seen[n++] = hash64(&one, 1, 0);
		for (int j = 0; j < 256; j++) {
			uint8_t two[2] = {(uint8_t)i, (uint8_t)j};

			seen[n++] = hash64(two, 2, 0);
		}
	}
	for (size_t len = 3; len < 200; len++)
		seen[n++] = hash64(zeros, len, 0);
	seen[n++] = hash64(zeros, 0, 0);
	qsort(seen, n, sizeof(seen[0]), compare_u64);
	for (size_t i = 1; i < n; i++)
		assert_true(seen[i] != seen[i - 1]);
}

/* A word that makes a factor 0 must not hide the rest of the key: with plain multiplication it would. */
static void test_hash64__is_not_blinded(void **state)
{
	const uint64_t blinding[] = {0xbb67ae8584caa73b, 0x3c6ef372fe94f82b};

	for (size_t i = 0; i < 2; i++) {
		uint64_t short_a[2] = {blinding[i], 1};
		uint64_t short_b[2] = {blinding[i], 2};
		uint64_t long_a[4] = {blinding[i], 1, 5, 6};
		uint64_t long_b[4] = {blinding[i], 2, 5, 6};

		assert_true(hash64(short_a, 16, 0) != hash64(short_b, 16, 0));
		assert_true(hash64(long_a, 32, 0) != hash64(long_b, 32, 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc32c__matches_the_vectors),
		cmocka_unit_test(test_crc32c__equals_the_naive_one),
		cmocka_unit_test(test_crc32c__chains),
		cmocka_unit_test(test_hash64__never_changes),
		cmocka_unit_test(test_hash64__spreads_every_bit),
		cmocka_unit_test(test_hash64__fills_buckets_evenly),
		cmocka_unit_test(test_hash64__tells_short_keys_apart),
		cmocka_unit_test(test_hash64__is_not_blinded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
