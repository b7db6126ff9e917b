#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "crypto/id_cipher.h"
#include "sample.h"

/* FIPS 197 appendix B's key is as good as any. */
static const uint8_t key[ID_KEY_LEN] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
					0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};

static struct id_cipher *cipher;

static struct span id_of(uint64_t index, uint8_t to[ID_TEXT_LEN])
{
	id_cipher_encode(cipher, index, 1, to);
	return span_of(to, ID_TEXT_LEN);
}

/* Under the zero key, from the GCM specification (McGrew and Viega): the hash key, and the encrypted counters 1 and 2.
 */
static void test_id_cipher__is_aes_128_of_the_big_endian_index(void **state)
{
	static const struct {
		uint64_t index;
		const char *id;
	} vectors[] = {
		{0, "66e94bd4ef8a2c3b884cfa59ca342b2e"},
		{1, "58e2fccefa7e3061367f1d57a4e7455a"}, /* test case 1: the tag of nothing */
		{2, "0388dace60b6a392f328c2b971b2fe78"}, /* test case 2: the ciphertext of 16 zero bytes */
	};
	static const uint8_t zero[ID_KEY_LEN];
	struct id_cipher *c = id_cipher_new(zero);

	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		uint8_t id[ID_TEXT_LEN];

		id_cipher_encode(c, vectors[i].index, 1, id);
		assert_memory_equal(id, vectors[i].id, ID_TEXT_LEN);
	}
	id_cipher_free(c);
}

static void test_id_cipher__decodes_what_it_encodes(void **state)
{
	struct rng rng = seeded_rng();

	for (size_t i = 0; i < 20000; i++) {
		uint64_t index = i < 4 ? UINT64_MAX - i : rng_next(&rng) >> rng_below(&rng, 64);
		uint8_t id[ID_TEXT_LEN];
		uint64_t got = ~index;

		assert_true(id_cipher_decode(cipher, id_of(index, id), &got));
		assert_int_equal(got, index);
	}
}

static void test_id_cipher__writes_a_batch_as_it_writes_each(void **state)
{
	static const size_t counts[] = {0, 1, 2, 511, 512, 513, 1024, 3000};

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		size_t len = counts[i] * ID_TEXT_LEN;
		uint8_t *ids = xalloc(len + 1);

		ids[len] = 0xee;
		id_cipher_encode(cipher, 77, counts[i], ids);
		assert_int_equal(ids[len], 0xee);
		for (size_t j = 0; j < counts[i]; j++) {
			uint8_t id[ID_TEXT_LEN];

			assert_memory_equal(ids + j * ID_TEXT_LEN, id_of(77 + j, id).p, ID_TEXT_LEN);
		}
		free(ids);
	}
}

static void test_id_cipher__refuses_ids_of_another_ledger(void **state)
{
	static const uint8_t other_key[ID_KEY_LEN] = {1};
	struct id_cipher *other = id_cipher_new(other_key);
	uint64_t got = 42;

	for (uint64_t i = 0; i < 1000; i++) {
		uint8_t id[ID_TEXT_LEN];

		assert_false(id_cipher_decode(other, id_of(i, id), &got));
	}
	assert_int_equal(got, 42);
	id_cipher_free(other);
}

static void test_id_cipher__refuses_a_changed_digit(void **state)
{
	uint8_t id[ID_TEXT_LEN];
	uint64_t got;

	id_of(123456, id);
	for (size_t i = 0; i < ID_TEXT_LEN; i++) {
		for (const char *digit = "0123456789abcdef"; *digit; digit++) {
			uint8_t changed[ID_TEXT_LEN];

			memcpy(changed, id, sizeof(id));
			changed[i] = (uint8_t)*digit;
			assert_int_equal(id_cipher_decode(cipher, span_of(changed, sizeof(changed)), &got),
					 *digit == id[i]);
		}
	}
}

static bool is_digit(unsigned c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Each byte that is no lower-case digit, in each place of many ids: in some it stands for a digit that a sloppy reader
 * would take it for. */
static void test_id_cipher__refuses_what_is_no_lower_case_hex(void **state)
{
	uint8_t id[ID_TEXT_LEN];
	uint64_t got;

	for (uint64_t index = 0; index < 50; index++) {
		id_of(index, id);
		for (size_t i = 0; i < ID_TEXT_LEN; i++) {
			uint8_t good = id[i];

			for (unsigned c = 0; c < 256; c++) {
				id[i] = (uint8_t)c;
				if (!is_digit(c))
					assert_false(id_cipher_decode(cipher, span_of(id, sizeof(id)), &got));
			}
			id[i] = good;
		}
	}
}

/* An upper-case copy of a valid id, not only one letter of it. */
static void test_id_cipher__refuses_upper_case(void **state)
{
	uint8_t id[ID_TEXT_LEN];
	uint64_t got;

	id_of(5, id);
	for (size_t i = 0; i < ID_TEXT_LEN; i++)
		if (id[i] >= 'a')
			id[i] = (uint8_t)(id[i] - 'a' + 'A');
	assert_false(id_cipher_decode(cipher, span_of(id, sizeof(id)), &got));
}

static void test_id_cipher__refuses_other_lengths(void **state)
{
	uint8_t id[ID_TEXT_LEN + 1] = {0};
	uint64_t got;

	id_of(5, id);
	id[ID_TEXT_LEN] = '0';
	for (size_t len = 0; len <= sizeof(id); len++)
		assert_int_equal(id_cipher_decode(cipher, span_of(id, len), &got), len == ID_TEXT_LEN);
}

static int set_up(void **state)
{
	cipher = id_cipher_new(key);
	return 0;
}

static int tear_down(void **state)
{
	cipher = id_cipher_free(cipher);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_id_cipher__is_aes_128_of_the_big_endian_index),
		cmocka_unit_test(test_id_cipher__decodes_what_it_encodes),
		cmocka_unit_test(test_id_cipher__writes_a_batch_as_it_writes_each),
		cmocka_unit_test(test_id_cipher__refuses_ids_of_another_ledger),
		cmocka_unit_test(test_id_cipher__refuses_a_changed_digit),
		cmocka_unit_test(test_id_cipher__refuses_what_is_no_lower_case_hex),
		cmocka_unit_test(test_id_cipher__refuses_upper_case),
		cmocka_unit_test(test_id_cipher__refuses_other_lengths),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
