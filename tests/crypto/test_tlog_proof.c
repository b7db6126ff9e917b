#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/checkpoint.h"
#include "crypto/range_proof.h"
#include "crypto/tlog_proof.h"
#include "sample.h"
#include "tree.h"

/* The published log of fifteen entries: standards of C2SP, test data of Tessera. */
static const char *const entries[15] = {"one",  "two", "three",  "four",  "five",     "six",     "seven", "eit",
					"nain", "ten", "ileven", "twelf", "threeten", "fourten", "fivten"};
#define VKEY "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
#define CHECKPOINT                                                                                                     \
	"example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n"                               \
	"\xe2\x80\x94 example.com/log/testdata "                                                                       \
	"M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=\n"
#define HASH_A "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"
#define HASH_B "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n"

static struct digest *d;
static struct sha256 leaves[15];

static int fetch_node(void *user, unsigned level, uint64_t number, struct sha256 *ret)
{
	(void)user;
	*ret = naive_root(d, leaves + (number << level), (size_t)1 << level);
	return 0;
}

static void test_tlog_proof__of_a_published_log_verifies(void **state)
{
	struct note_vkey vkey;

	assert_int_equal(note_vkey_parse(SPAN_LIT(VKEY), &vkey, NULL), 0);
	for (uint64_t i = 0; i < 15; i++) {
		struct tlog_proof made = {.index = i, .checkpoint = SPAN_LIT(CHECKPOINT)}, got;
		struct buf text = BUF_INIT;
		struct checkpoint c;

		assert_int_equal(merkle_prove_inclusion(d, i, 15, fetch_node, NULL, &made.path), 0);
		tlog_proof_put(&text, &made);
		assert_int_equal(tlog_proof_get(buf_span(&text), &got, NULL), 0);
		assert_int_equal(got.index, i);
		assert_int_equal(got.extra.len, 0);
		assert_int_equal(tlog_proof_verify(d, &leaves[i], &got, &vkey, 1, &c, NULL), 0);
		assert_int_equal(c.size, 15);
		assert_int_equal(tlog_proof_verify(d, &leaves[(i + 1) % 15], &got, &vkey, 1, &c, NULL), E_CORRUPT);
		assert_int_equal(tlog_proof_verify(d, &leaves[i], &got, NULL, 0, &c, NULL), E_CRYPTO);
		got.index ^= 1;
		assert_int_equal(tlog_proof_verify(d, &leaves[i], &got, &vkey, 1, &c, NULL), E_CORRUPT);
		buf_release(&text);
	}
}

/* What is taken is written back byte for byte. */
static void assert_kept(const char *text)
{
	struct tlog_proof p;
	struct buf out = BUF_INIT;
	struct err err = ERR_INIT;

	if (tlog_proof_get(span_str(text), &p, &err) < 0)
		fail_msg("%s", err.message);
	tlog_proof_put(&out, &p);
	assert_true(span_eq_str(buf_span(&out), text));
	buf_release(&out);
}

static void test_tlog_proof__text_is_kept_as_it_is(void **state)
{
	assert_kept("c2sp.org/tlog-proof@v1\nindex 0\n\n" CHECKPOINT);
	assert_kept("c2sp.org/tlog-proof@v1\nindex 18446744073709551615\n" HASH_A "\n" CHECKPOINT);
	assert_kept("c2sp.org/tlog-proof@v1\nextra Zm9v\nindex 73894\n" HASH_A HASH_B "\n" CHECKPOINT);
	assert_kept("c2sp.org/tlog-proof@v1\nindex 1\n" HASH_A "\n" CHECKPOINT "\xe2\x80\x94 w AAAAAAAA\n");
}

static const struct {
	const char *text;
	const char *message;
} refused[] = {
	{"", "line 1: the text ends before its line does"},
	{"c2sp.org/tlog-proof@v1", "line 1: the text ends before its line does"},
	{"c2sp.org/tlog-proof@v2\nindex 0\n\nx\n", "line 1: expected 'c2sp.org/tlog-proof@v1'"},
	{"c2sp.org/tlog-proof@v1\r\nindex 0\n\nx\n", "line 1: expected 'c2sp.org/tlog-proof@v1'"},
	{"c2sp.org/tlog-proof@v1\n\nx\n", "line 2: expected 'index' and a number"},
	{"c2sp.org/tlog-proof@v1\nindex\n\nx\n", "line 2: expected 'index' and a number"},
	{"c2sp.org/tlog-proof@v1\nindex \n\nx\n", "line 2: expected 'index' and a number"},
	{"c2sp.org/tlog-proof@v1\nindex 00\n\nx\n", "line 2: expected 'index' and a number"},
	{"c2sp.org/tlog-proof@v1\nindex 01\n\nx\n", "line 2: expected 'index' and a number"},
	{"c2sp.org/tlog-proof@v1\nindex -1\n\nx\n", "line 2: expected 'index' and a number"},
	{"c2sp.org/tlog-proof@v1\nindex 1 \n\nx\n", "line 2: expected 'index' and a number"},
	{"c2sp.org/tlog-proof@v1\nindex  1\n\nx\n", "line 2: expected 'index' and a number"},
	{"c2sp.org/tlog-proof@v1\nindex 18446744073709551616\n\nx\n", "line 2: expected 'index' and a number"},
	{"c2sp.org/tlog-proof@v1\nindex 99999999999999999999\n\nx\n", "line 2: expected 'index' and a number"},
	{"c2sp.org/tlog-proof@v1\nextra \nindex 1\n\nx\n", "line 2: expected base64 after 'extra'"},
	{"c2sp.org/tlog-proof@v1\nextra Zm9\nindex 1\n\nx\n", "line 2: expected base64 after 'extra'"},
	{"c2sp.org/tlog-proof@v1\nextra Zm9v\nextra Zm9v\nindex 1\n\nx\n", "line 3: expected 'index' and a number"},
	{"c2sp.org/tlog-proof@v1\nindex 1\nextra Zm9v\n\nx\n", "line 3: expected a SHA-256 hash in base64"},
	{"c2sp.org/tlog-proof@v1\nindex 1\nZm9v\n\nx\n", "line 3: expected a SHA-256 hash in base64"},
	{"c2sp.org/tlog-proof@v1\nindex 1\n" HASH_A " \n\nx\n", "line 4: expected a SHA-256 hash in base64"},
	{"c2sp.org/tlog-proof@v1\nindex 1\n" HASH_A, "line 4: the text ends before its line does"},
	{"c2sp.org/tlog-proof@v1\nindex 1\n" HASH_A "\n", "line 5: expected a checkpoint behind the hashes"},
	{"c2sp.org/tlog-proof@v1\nindex 1\n" HASH_A "\nx", "line 5: expected a checkpoint behind the hashes"},
};

static void test_tlog_proof__other_texts_are_refused(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct err err = ERR_INIT;
		struct tlog_proof p;

		assert_int_equal(tlog_proof_get(span_str(refused[i].text), &p, &err), E_SYNTAX);
		assert_string_equal(err.message, refused[i].message);
	}
}

static void test_tlog_proof__has_limits(void **state)
{
	struct buf text = BUF_INIT;
	struct tlog_proof p;

	for (size_t n = MERKLE_INCLUSION_MAX; n <= MERKLE_INCLUSION_MAX + 1; n++) {
		buf_reset(&text);
		buf_put_str(&text, "c2sp.org/tlog-proof@v1\nindex 1\n");
		for (size_t i = 0; i < n; i++)
			buf_put_str(&text, HASH_A);
		buf_put_str(&text, "\nx\n");
		assert_int_equal(tlog_proof_get(buf_span(&text), &p, NULL), n > MERKLE_INCLUSION_MAX ? E_SYNTAX : 0);
	}
	while (text.len < TLOG_PROOF_BYTES_MAX)
		buf_put_u8(&text, '\n');
	assert_int_equal(tlog_proof_get(buf_span(&text), &p, NULL), E_SYNTAX);
	buf_put_u8(&text, '\n');
	assert_int_equal(tlog_proof_get(buf_span(&text), &p, NULL), E_TOO_LARGE);
	buf_release(&text);
}

/* ---- ranges ---- */

static void test_range_proof__text_is_kept_as_it_is(void **state)
{
	static const char *const texts[] = {
		"stele/range-proof@v1\nrange 0 0\n",
		"stele/range-proof@v1\nrange 0 18446744073709551615\n",
		"stele/range-proof@v1\nrange 12 34\n" HASH_A HASH_B,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct buf out = BUF_INIT;
		struct range_proof p;

		assert_int_equal(range_proof_get(span_str(texts[i]), &p, NULL), 0);
		range_proof_put(&out, &p);
		assert_true(span_eq_str(buf_span(&out), texts[i]));
		buf_release(&out);
	}
}

static void test_range_proof__other_texts_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"stele/range-proof@v1\n",
		"stele/range-proof@v2\nrange 0 0\n",
		"stele/range-proof@v1\nrange 1\n",
		"stele/range-proof@v1\nrange 1 \n",
		"stele/range-proof@v1\nrange  1\n",
		"stele/range-proof@v1\nrange 2 1\n",
		"stele/range-proof@v1\nrange 01 2\n",
		"stele/range-proof@v1\nrange 1 2 3\n",
		"stele/range-proof@v1\nrange 1 2",
		"stele/range-proof@v1\nrange 1 2\n\n",
		"stele/range-proof@v1\nrange 1 2\nZm9v\n",
		"stele/range-proof@v1\nrange 1 2\n" HASH_A "\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct range_proof p;

		assert_int_equal(range_proof_get(span_str(texts[i]), &p, NULL), E_SYNTAX);
	}
}

static void test_range_proof__has_limits(void **state)
{
	struct buf text = BUF_INIT;
	struct range_proof p;

	buf_put_str(&text, "stele/range-proof@v1\nrange 1 2\n");
	for (size_t i = 0; i < MERKLE_RANGE_MAX; i++)
		buf_put_str(&text, HASH_A);
	assert_int_equal(range_proof_get(buf_span(&text), &p, NULL), 0);
	buf_put_str(&text, HASH_A);
	assert_int_equal(range_proof_get(buf_span(&text), &p, NULL), E_SYNTAX);
	while (text.len <= RANGE_PROOF_BYTES_MAX)
		buf_put_str(&text, HASH_A);
	assert_int_equal(range_proof_get(buf_span(&text), &p, NULL), E_TOO_LARGE);
	buf_release(&text);
}

static int set_up(void **state)
{
	d = digest_new();
	for (size_t i = 0; i < 15; i++)
		digest_leaf(d, span_str(entries[i]), &leaves[i]);
	return 0;
}

static int tear_down(void **state)
{
	d = digest_free(d);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tlog_proof__of_a_published_log_verifies),
		cmocka_unit_test(test_tlog_proof__text_is_kept_as_it_is),
		cmocka_unit_test(test_tlog_proof__other_texts_are_refused),
		cmocka_unit_test(test_tlog_proof__has_limits),
		cmocka_unit_test(test_range_proof__text_is_kept_as_it_is),
		cmocka_unit_test(test_range_proof__other_texts_are_refused),
		cmocka_unit_test(test_range_proof__has_limits),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
