#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "crypto/aead.h"
#include "sample.h"

/* The AES-256 test cases of the GCM specification (McGrew and Viega), appendix B, that have 12-byte nonces; NIST's
 * validation suite has them too. */
static const struct {
	const char *key, *nonce, *extra, *plain, *box;
} vectors[] = {
	{"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "",
	 "530f8afbc74536b9a963b4f1c4cb738b"},
	{"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
	 "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
	{"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
	 "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	 "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	 "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
	 "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static const uint8_t nonce[AEAD_NONCE_LEN] = {1, 2, 3};

static struct aead *aead;

static void test_aead__matches_the_gcm_vectors(void **state)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		uint8_t n[64], extra[64], plain[128], box[128], got[128];
		struct span p = unhex(vectors[i].plain, plain);
		struct span x = unhex(vectors[i].extra, extra);
		struct span b = unhex(vectors[i].box, box);
		struct key key;
		struct aead *a;

		unhex(vectors[i].key, key.b);
		unhex(vectors[i].nonce, n);
		a = aead_new(&key);
		assert_int_equal(aead_seal(a, n, x, p, got), 0);
		assert_int_equal(b.len, p.len + AEAD_TAG_LEN);
		assert_memory_equal(got, box, b.len);
		assert_int_equal(aead_open(a, n, x, b, got), 0);
		assert_memory_equal(got, plain, p.len);
		aead_free(a);
	}
}

static void test_aead__opens_what_it_sealed_in_place_and_apart(void **state)
{
	struct rng rng = seeded_rng();
	uint8_t plain[3000], box[3000 + AEAD_TAG_LEN], extra[40], got[3000];

	for (size_t round = 0; round < 500; round++) {
		struct span p = span_of(plain, rng_below(&rng, sizeof(plain) + 1));
		struct span x = span_of(extra, rng_below(&rng, sizeof(extra) + 1));
		uint8_t n[AEAD_NONCE_LEN];
		struct span b = span_of(box, p.len + AEAD_TAG_LEN);

		fill_random(&rng, plain, sizeof(plain));
		fill_random(&rng, extra, sizeof(extra));
		fill_random(&rng, n, sizeof(n));
		assert_int_equal(aead_seal(aead, n, x, p, box), 0);
		assert_int_equal(aead_open(aead, n, x, b, got), 0);
		assert_memory_equal(got, plain, p.len);
		memcpy(box, plain, p.len);
		assert_int_equal(aead_seal(aead, n, x, span_of(box, p.len), box), 0);
		assert_int_equal(aead_open(aead, n, x, b, box), 0);
		assert_memory_equal(box, plain, p.len);
	}
}

/* A box of 40 bytes with additional data, for the cases below. */
struct sealed {
	uint8_t box[40 + AEAD_TAG_LEN];
	uint8_t extra[9];
	uint8_t nonce[AEAD_NONCE_LEN];
};

static struct sealed seal_sample(void)
{
	struct sealed s = {.extra = "segment 7"};
	uint8_t plain[40];

	memset(plain, 'p', sizeof(plain));
	memcpy(s.nonce, nonce, sizeof(nonce));
	assert_int_equal(
		aead_seal(aead, s.nonce, span_of(s.extra, sizeof(s.extra)), span_of(plain, sizeof(plain)), s.box), 0);
	return s;
}

static int open_sample(struct aead *a, const struct sealed *s, uint8_t to[40])
{
	return aead_open(a, s->nonce, span_of(s->extra, sizeof(s->extra)), span_of(s->box, sizeof(s->box)), to);
}

/* Box, additional data and nonce: each bit counts, and nothing unauthenticated is handed out. */
static void test_aead__detects_every_flipped_bit(void **state)
{
	static const uint8_t nothing[40];
	struct sealed good = seal_sample();
	uint8_t got[40];

	assert_int_equal(open_sample(aead, &good, got), 0);
	for (size_t bit = 0; bit < sizeof(good) * 8; bit++) {
		struct sealed bad = good;

		((uint8_t *)&bad)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		memset(got, 0xee, sizeof(got));
		assert_int_equal(open_sample(aead, &bad, got), E_CORRUPT);
		assert_memory_equal(got, nothing, sizeof(got));
	}
	assert_int_equal(open_sample(aead, &good, got), 0);
}

static void test_aead__detects_truncation(void **state)
{
	struct sealed s = seal_sample();
	uint8_t got[40];

	for (size_t len = 0; len < sizeof(s.box); len++)
		assert_int_equal(aead_open(aead, s.nonce, span_of(s.extra, sizeof(s.extra)), span_of(s.box, len), got),
				 E_CORRUPT);
}

static void test_aead__detects_the_wrong_key(void **state)
{
	struct sealed s = seal_sample();

	for (size_t bit = 0; bit < KEY_LEN * 8; bit++) {
		struct key key = {{0}};
		struct aead *other;
		uint8_t got[40];

		key.b[bit / 8] = (uint8_t)(1 << bit % 8);
		other = aead_new(&key);
		assert_int_equal(open_sample(other, &s, got), E_CORRUPT);
		aead_free(other);
	}
}

static void test_aead__different_nonces_give_different_boxes(void **state)
{
	uint8_t a[8 + AEAD_TAG_LEN], b[8 + AEAD_TAG_LEN];
	uint8_t other[AEAD_NONCE_LEN] = {9};

	assert_int_equal(aead_seal(aead, nonce, SPAN_LIT(""), SPAN_LIT("the same"), a), 0);
	assert_int_equal(aead_seal(aead, other, SPAN_LIT(""), SPAN_LIT("the same"), b), 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

static int set_up(void **state)
{
	static const struct key key;

	aead = aead_new(&key);
	return 0;
}

static int tear_down(void **state)
{
	aead = aead_free(aead);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aead__matches_the_gcm_vectors),
		cmocka_unit_test(test_aead__opens_what_it_sealed_in_place_and_apart),
		cmocka_unit_test(test_aead__detects_every_flipped_bit),
		cmocka_unit_test(test_aead__detects_truncation),
		cmocka_unit_test(test_aead__detects_the_wrong_key),
		cmocka_unit_test(test_aead__different_nonces_give_different_boxes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
