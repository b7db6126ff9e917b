#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "crypto/digest_priv.h"
#include "sample.h"

#define LEN_MAX 1200

/* Each test runs with what the CPU offers and with OpenSSL. */
static struct digest *(*const makers[])(void) = {digest_new, digest__new_openssl};
#define EACH_DIGEST(d, i)                                                                                              \
	for (size_t i = 0, i##_done = 0; i < 2; i++, i##_done = 0)                                                     \
		for (struct digest *d = makers[i](); !i##_done; d = digest_free(d), i##_done = 1)

static const struct {
	const char *text;
	const char *hash;
} vectors[] = {
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqr"
	 "stu",
	 "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

static void test_digest__matches_fips_180_vectors(void **state)
{
	EACH_DIGEST(d, i)
	{
		for (size_t v = 0; v < sizeof(vectors) / sizeof(*vectors); v++) {
			struct sha256 h;

			digest_sha256(d, span_str(vectors[v].text), &h);
			assert_hex(h.b, sizeof(h.b), vectors[v].hash);
		}
	}
}

static void test_digest__matches_the_million_a_vector(void **state)
{
	size_t len = 1000000;
	uint8_t *a = try_alloc(len);

	assert_non_null(a);
	memset(a, 'a', len);
	EACH_DIGEST(d, i)
	{
		struct sha256 h;

		digest_sha256(d, span_of(a, len), &h);
		assert_hex(h.b, sizeof(h.b), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	}
	free(a);
}

static void test_digest__takes_an_empty_span_without_memory(void **state)
{
	EACH_DIGEST(d, i)
	{
		struct sha256 h;

		digest_sha256(d, span_of(NULL, 0), &h);
		assert_hex(h.b, sizeof(h.b), vectors[0].hash);
		digest_leaf(d, span_of(NULL, 0), &h);
		assert_hex(h.b, sizeof(h.b), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
	}
}

/* The slow twin: prefix and data in one piece of memory, hashed by OpenSSL. */
static void hash_naively(struct digest *openssl, uint8_t prefix, struct span data, struct sha256 *ret)
{
	uint8_t *message = try_alloc(1 + data.len);

	assert_non_null(message);
	message[0] = prefix;
	if (data.len)
		memcpy(message + 1, data.p, data.len);
	digest_sha256(openssl, span_of(message, 1 + data.len), ret);
	free(message);
}

static void test_digest__equals_openssl_at_every_length(void **state)
{
	struct digest *openssl = digest__new_openssl();
	struct rng rng = seeded_rng();
	static uint8_t data[LEN_MAX + 16];

	fill_random(&rng, data, sizeof(data));
	EACH_DIGEST(d, i)
	{
		for (size_t len = 0; len <= LEN_MAX; len++) {
			struct span s = span_of(data + rng_below(&rng, 16), len);
			struct sha256 h, want;

			digest_sha256(d, s, &h);
			digest_sha256(openssl, s, &want);
			assert_memory_equal(&h, &want, sizeof(h));
			digest_leaf(d, s, &h);
			hash_naively(openssl, 0, s, &want);
			assert_memory_equal(&h, &want, sizeof(h));
		}
	}
	digest_free(openssl);
}

static void test_digest__node_is_the_prefixed_pair_and_may_overwrite_its_input(void **state)
{
	struct digest *openssl = digest__new_openssl();
	struct rng rng = seeded_rng();
	struct sha256 pair[2], want, got;

	EACH_DIGEST(d, i)
	{
		fill_random(&rng, pair, sizeof(pair));
		hash_naively(openssl, 1, span_of(pair, sizeof(pair)), &want);
		digest_node(d, &pair[0], &pair[1], &got);
		assert_memory_equal(&got, &want, sizeof(want));
		got = pair[1];
		digest_node(d, &pair[0], &got, &got);
		assert_memory_equal(&got, &want, sizeof(want));
		digest_node(d, &pair[0], &pair[1], &pair[0]);
		assert_memory_equal(&pair[0], &want, sizeof(want));
	}
	digest_free(openssl);
}

/* Lengths around the block limits as well as long and short ones side by side. */
static size_t random_len(struct rng *r)
{
	switch (rng_below(r, 3)) {
	case 0:
		return rng_below(r, LEN_MAX);
	case 1:
		return rng_below(r, 70);
	default:
		return 64 * rng_below(r, LEN_MAX / 64) + rng_below(r, 10);
	}
}

static void test_digest__leaves_equal_single_leaves(void **state)
{
	struct rng rng = seeded_rng();
	static uint8_t data[4 * LEN_MAX];
	struct span entries[40];
	struct sha256 got[41];

	fill_random(&rng, data, sizeof(data));
	EACH_DIGEST(d, i)
	{
		for (size_t round = 0; round < 400; round++) {
			size_t n = rng_below(&rng, 41);

			for (size_t j = 0; j < n; j++)
				entries[j] = span_of(data + rng_below(&rng, 2 * LEN_MAX), random_len(&rng));
			memset(got, 0xee, sizeof(got));
			digest_leaves(d, entries, n, got);
			for (size_t j = 0; j < n; j++) {
				struct sha256 want;

				digest_leaf(d, entries[j], &want);
				assert_memory_equal(&got[j], &want, sizeof(want));
			}
			assert_int_equal(got[n].b[0], 0xee);
		}
	}
}

static void test_digest__leaves_take_the_longest_record(void **state)
{
	static uint8_t data[65535];
	struct span entries[3] = {span_of(data, 65535), span_of(data, 0), span_of(data, 65535)};
	struct digest *openssl = digest__new_openssl();
	struct sha256 got[3], want;

	memset(data, 7, sizeof(data));
	EACH_DIGEST(d, i)
	{
		digest_leaves(d, entries, 3, got);
		for (size_t j = 0; j < 3; j++) {
			hash_naively(openssl, 0, entries[j], &want);
			assert_memory_equal(&got[j], &want, sizeof(want));
		}
	}
	digest_free(openssl);
}

static void test_digest__nodes_equal_single_nodes_also_in_place(void **state)
{
	struct rng rng = seeded_rng();
	struct sha256 pairs[2 * 33], got[34], want[33];

	EACH_DIGEST(d, i)
	{
		for (size_t n = 0; n <= 33; n++) {
			fill_random(&rng, pairs, sizeof(pairs));
			memset(got, 0xee, sizeof(got));
			for (size_t j = 0; j < n; j++)
				digest_node(d, &pairs[2 * j], &pairs[2 * j + 1], &want[j]);
			digest_nodes(d, pairs, n, got);
			assert_memory_equal(got, want, n * sizeof(*want));
			assert_int_equal(got[n].b[0], 0xee);
			digest_nodes(d, pairs, n, pairs);
			assert_memory_equal(pairs, want, n * sizeof(*want));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest__matches_fips_180_vectors),
		cmocka_unit_test(test_digest__matches_the_million_a_vector),
		cmocka_unit_test(test_digest__takes_an_empty_span_without_memory),
		cmocka_unit_test(test_digest__equals_openssl_at_every_length),
		cmocka_unit_test(test_digest__node_is_the_prefixed_pair_and_may_overwrite_its_input),
		cmocka_unit_test(test_digest__leaves_equal_single_leaves),
		cmocka_unit_test(test_digest__leaves_take_the_longest_record),
		cmocka_unit_test(test_digest__nodes_equal_single_nodes_also_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
