#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../base/seed.h"
#include "crypto/base32.h"

static void assert_text(struct span bytes, const char *want)
{
	char got[64] = "";

	assert_int_equal(BASE32_LEN(bytes.len), strlen(want));
	base32_format(bytes, got);
	assert_string_equal(got, want);
}

/* RFC 4648 section 10, without the padding. */
static void test_base32__writes_the_vectors_of_rfc_4648(void **state)
{
	assert_text(SPAN_LIT(""), "");
	assert_text(SPAN_LIT("f"), "MY");
	assert_text(SPAN_LIT("fo"), "MZXQ");
	assert_text(SPAN_LIT("foo"), "MZXW6");
	assert_text(SPAN_LIT("foob"), "MZXW6YQ");
	assert_text(SPAN_LIT("fooba"), "MZXW6YTB");
	assert_text(SPAN_LIT("foobar"), "MZXW6YTBOI");
}

/* Reads bit by bit, as the slow twin. */
static void read_back(const char *text, uint8_t *to, size_t len)
{
	memset(to, 0, len);
	for (size_t i = 0; i < 8 * len; i++) {
		char c = text[i / 5];
		unsigned value = (unsigned)(c >= 'A' ? c - 'A' : c - '2' + 26);

		to[i / 8] = (uint8_t)(to[i / 8] | (value >> (4 - i % 5) & 1) << (7 - i % 8));
	}
}

static void test_base32__is_read_back_bit_by_bit(void **state)
{
	struct rng rng = seeded_rng("base32");
	uint8_t bytes[32], back[32];
	char text[64];

	for (int round = 0; round < 1000; round++) {
		size_t len = rng_below(&rng, sizeof(bytes)) + 1;

		fill_random(&rng, bytes, len);
		base32_format(span_of(bytes, len), text);
		read_back(text, back, len);
		assert_memory_equal(back, bytes, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base32__writes_the_vectors_of_rfc_4648),
		cmocka_unit_test(test_base32__is_read_back_bit_by_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
