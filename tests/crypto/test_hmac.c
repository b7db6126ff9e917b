#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "sample.h"

/* RFC 4231, test cases 1 to 4 and 6. */
static void test_hmac__matches_the_rfc_vectors(void **state)
{
	static const char long_key[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static const struct {
		const char *key, *data, *want;
	} vectors[] = {
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		 "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
		{"0102030405060708090a0b0c0d0e0f10111213141516171819",
		 "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
		 "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
		{long_key,
		 "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b657920"
		 "4669727374",
		 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		uint8_t key[160], data[160];
		struct sha256 got;

		hmac_sha256(unhex(vectors[i].key, key), unhex(vectors[i].data, data), &got);
		assert_hex(got.b, sizeof(got.b), vectors[i].want);
	}
}

static void test_hmac__takes_an_empty_key_for_one(void **state)
{
	struct sha256 first, again;

	hmac_sha256(span_of(NULL, 0), SPAN_LIT("data"), &first);
	hmac_sha256(SPAN_LIT("key"), SPAN_LIT("data"), &again);
	assert_false(sha256_eq_secret(&first, &again));
	hmac_sha256(span_of(NULL, 0), SPAN_LIT("data"), &again);
	assert_true(sha256_eq_secret(&first, &again));
}

static void test_hmac__sees_every_difference(void **state)
{
	struct rng rng = seeded_rng();
	struct sha256 a, b;

	fill_random(&rng, a.b, sizeof(a.b));
	b = a;
	assert_true(sha256_eq_secret(&a, &b));
	for (unsigned bit = 0; bit < 8 * SHA256_LEN; bit++) {
		b.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(sha256_eq_secret(&a, &b));
		b = a;
	}
}

/* The shortest of several runs: what disturbs one only makes it longer. */
static int64_t time_of(const struct sha256 *a, const struct sha256 *b)
{
	int64_t best = INT64_MAX;

	for (int round = 0; round < 25; round++) {
		int64_t start = clock_mono_ns(), took;
		volatile unsigned equal = 0;

		for (int i = 0; i < 20000; i++)
			equal += sha256_eq_secret(a, b);
		took = clock_mono_ns() - start;
		best = took < best ? took : best;
		assert_true(equal <= 20000);
	}
	return best;
}

/* A loop that ended at the first difference would take many times as long for the second pair. */
static void test_hmac__compares_in_the_same_time_wherever_they_differ(void **state)
{
	struct sha256 a = {{0}}, first = a, last = a;
	int64_t early, late;

	first.b[0] = 1;
	last.b[SHA256_LEN - 1] = 1;
	early = time_of(&a, &first);
	late = time_of(&a, &last);
	assert_true(late < 2 * early && early < 2 * late);
}

/* RFC 4648 section 10, without padding. */
static void test_base64url__matches_the_rfc_vectors(void **state)
{
	static const char *const pairs[][2] = {
		{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
		{"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"}};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct buf text = BUF_INIT;
		uint8_t back[16];
		size_t len = 99;

		base64url_put(&text, span_str(pairs[i][0]));
		assert_true(span_eq_str(buf_span(&text), pairs[i][1]));
		assert_true(base64url_get(buf_span(&text), back, strlen(pairs[i][0]), &len));
		assert_int_equal(len, strlen(pairs[i][0]));
		assert_memory_equal(back, pairs[i][0], len);
		assert_true(len == 0 || !base64url_get(buf_span(&text), back, len - 1, &len));
		buf_release(&text);
	}
}

static void test_base64url__refuses_every_other_text(void **state)
{
	static const char *const bad[] = {"Z",    "Zg==", "Zm8=", "Zh",    "Zm9",  "Zm9v=", "Zm9vZ",
					  "Zm+v", "Zm/v", "Zm v", "Zm\nv", "====", "Zg=",   "-"};
	uint8_t to[16];
	size_t len;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(base64url_get(span_str(bad[i]), to, sizeof(to), &len));
}

static void test_base64url__gives_back_what_was_put(void **state)
{
	struct rng rng = seeded_rng();
	uint8_t bytes[96], back[96];

	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct buf text = BUF_INIT;
		size_t len;

		fill_random(&rng, bytes, n);
		base64url_put(&text, span_of(bytes, n));
		assert_true(base64url_get(buf_span(&text), back, sizeof(back), &len));
		assert_int_equal(len, n);
		assert_memory_equal(back, bytes, n);
		buf_release(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hmac__matches_the_rfc_vectors),
		cmocka_unit_test(test_hmac__takes_an_empty_key_for_one),
		cmocka_unit_test(test_hmac__sees_every_difference),
		cmocka_unit_test(test_hmac__compares_in_the_same_time_wherever_they_differ),
		cmocka_unit_test(test_base64url__matches_the_rfc_vectors),
		cmocka_unit_test(test_base64url__refuses_every_other_text),
		cmocka_unit_test(test_base64url__gives_back_what_was_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
