#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/base64.h"
#include "crypto/checkpoint.h"
#include "sample.h"

/* The vectors of C2SP signed-note, and of Tessera's test data. */
#define EXAMPLE_VKEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define EXAMPLE_NOTE                                                                                                   \
	"This is an example message.\n\n"                                                                              \
	"\xe2\x80\x94 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHj"  \
	"G1Yu72IneyaQM=\n"
#define LOG_NAME "example.com/log/testdata"
#define LOG_VKEY LOG_NAME "+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
#define LOG_SEED "eca663f499017d2365c27c7a7679158d43cfec1330bdb259290afbd0d21777a0"
#define LOG_TEXT LOG_NAME "\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n"
#define LOG_LINE                                                                                                       \
	"\xe2\x80\x94 " LOG_NAME " M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/"  \
	"dlPWF74ewI=\n"
#define LOG_NOTE LOG_TEXT "\n" LOG_LINE

static struct note_vkey vkey_of(const char *text)
{
	struct note_vkey vkey;
	struct err err = ERR_INIT;

	assert_int_equal(note_vkey_parse(span_str(text), &vkey, &err), 0);
	return vkey;
}

static struct note_signer *signer_of(const char *name, const char *seed_hex)
{
	struct note_signer *s;
	struct err err = ERR_INIT;
	uint8_t seed[NOTE_SEED_LEN];

	unhex(seed_hex, seed);
	assert_int_equal(note_signer_new(span_str(name), seed, &s, &err), 0);
	return s;
}

static struct span text_of(const struct buf *b)
{
	assert_true(buf_ok(b));
	return buf_span(b);
}

/* ---- base64 ---- */

static void test_base64__follows_rfc_4648(void **state)
{
	static const char *const pairs[][2] = {{"", ""},
					       {"f", "Zg=="},
					       {"fo", "Zm8="},
					       {"foo", "Zm9v"},
					       {"foob", "Zm9vYg=="},
					       {"fooba", "Zm9vYmE="},
					       {"foobar", "Zm9vYmFy"}};
	static const char *const bad[] = {"Z",    "Zg",   "Zg=",        "Zg= =",    "Zh==",
					  "Zm9=", "====", "Zg==Zg==",   "=Zg=",     "Zm9v\n",
					  "Zm-v", "Zm_v", "Z\xc3\xa9v", "Zm9v====", "A=BC"};
	uint8_t bytes[16];
	size_t len;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct buf b = BUF_INIT;

		base64_put(&b, span_str(pairs[i][0]));
		assert_true(span_eq_str(text_of(&b), pairs[i][1]));
		assert_true(base64_get(buf_span(&b), bytes, 6, &len));
		assert_int_equal(len, strlen(pairs[i][0]));
		assert_memory_equal(bytes, pairs[i][0], len);
		buf_release(&b);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(base64_get(span_str(bad[i]), bytes, sizeof(bytes), &len));
	assert_false(base64_get(SPAN_LIT("Zm9vYmFy"), bytes, 5, &len));
}

static void test_base64__gives_back_any_bytes(void **state)
{
	struct rng r = seeded_rng();

	for (size_t n = 0; n < 100; n++) {
		struct buf b = BUF_INIT;
		uint8_t in[100], out[100];
		size_t len;

		fill_random(&r, in, n);
		base64_put(&b, span_of(in, n));
		assert_int_equal(b.len, BASE64_LEN(n));
		assert_true(base64_get(text_of(&b), out, n, &len));
		assert_int_equal(len, n);
		assert_memory_equal(in, out, n);
		buf_release(&b);
	}
}

/* ---- vkeys ---- */

static void test_vkey__reads_and_writes_the_published_ones(void **state)
{
	static const char *const texts[] = {EXAMPLE_VKEY, LOG_VKEY};

	for (size_t i = 0; i < 2; i++) {
		struct note_vkey vkey = vkey_of(texts[i]);
		struct buf b = BUF_INIT;

		note_vkey_put(&b, &vkey);
		assert_true(span_eq_str(text_of(&b), texts[i]));
		assert_true(b.len <= NOTE_VKEY_BYTES_MAX);
		buf_release(&b);
	}
	assert_int_equal(vkey_of(LOG_VKEY).id, 0x33d7b496);
}

static void test_vkey__refuses_what_is_none(void **state)
{
	static const char *const bad[] = {
		"",
		"example.com/foo",
		"example.com/foo+530d903a",
		"example.com/foo+530d903a+",
		"+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Q==",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
	};
	struct note_vkey vkey;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(note_vkey_parse(span_str(bad[i]), &vkey, NULL), E_SYNTAX);
	assert_int_equal(note_vkey_parse(SPAN_LIT("witness.example/w1+c03ad8d4+BOHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xC"
						  "FkkSx"),
					 &vkey, NULL),
			 E_UNSUPPORTED);
}

static void test_vkey__names_have_no_blank_and_no_plus(void **state)
{
	static const char *const bad[] = {"",
					  " ",
					  "a b",
					  "a+b",
					  "a\tb",
					  "a\nb",
					  "a\xc2\xa0"
					  "b", /* no-break space */
					  "a\xe2\x80\xa8"
					  "b",            /* line separator */
					  "\xe3\x80\x80", /* ideographic space */
					  "a\x01",
					  "\xff",
					  "\xc0\xaf",
					  "\xed\xa0\x80", /* a surrogate */
					  "\xf4\x90\x80\x80"};
	char name[NOTE_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(note_name_is_valid(span_str(bad[i])));
	assert_true(note_name_is_valid(SPAN_LIT("localhost/log/\xc3\xa9t\xc3\xa9/main")));
	memset(name, 'n', sizeof(name));
	assert_true(note_name_is_valid(span_of(name, NOTE_NAME_MAX)));
	assert_false(note_name_is_valid(span_of(name, NOTE_NAME_MAX + 1)));
}

/* ---- notes ---- */

static void test_note__opens_the_published_one(void **state)
{
	struct note_vkey vkey = vkey_of(EXAMPLE_VKEY);
	uint64_t signers = 0;
	struct note n;

	assert_int_equal(note_open(SPAN_LIT(EXAMPLE_NOTE), &vkey, 1, &n, &signers, NULL), 0);
	assert_true(span_eq_str(n.text, "This is an example message.\n"));
	assert_int_equal(n.signature_count, 1);
	assert_int_equal(signers, 1);
}

static void test_note__signs_the_published_line(void **state)
{
	struct note_signer *s = signer_of(LOG_NAME, LOG_SEED);
	struct buf note = BUF_INIT;
	struct buf vkey = BUF_INIT;

	for (int i = 0; i < 2; i++) { /* its context is used again */
		buf_reset(&note);
		assert_int_equal(note_begin(&note, SPAN_LIT(LOG_TEXT), NULL), 0);
		note_sign(s, SPAN_LIT(LOG_TEXT), &note);
		assert_true(span_eq_str(text_of(&note), LOG_NOTE));
	}
	note_vkey_put(&vkey, note_signer_vkey(s));
	assert_true(span_eq_str(text_of(&vkey), LOG_VKEY));
	buf_release(&vkey);
	buf_release(&note);
	note_signer_free(s);
}

static int open_with(const char *note, const struct note_vkey *keys, size_t count)
{
	struct note n;

	return note_open(span_str(note), keys, count, &n, NULL, NULL);
}

static void test_note__passes_over_unknown_keys_and_rejects_known_ones(void **state)
{
	struct note_vkey log = vkey_of(LOG_VKEY);
	struct note_vkey example = vkey_of(EXAMPLE_VKEY);
	struct note_vkey both[] = {log, example};
	static const char stranger[] = LOG_NOTE "\xe2\x80\x94 stranger AAAAAAAA\n";
	/* the name of a known key with another id is another key */
	static const char namesake[] = "\xe2\x80\x94 " LOG_NAME " AAAAAAAA\n";
	/* the id of a known key, and no signature of it */
	static const char forged[] = "\xe2\x80\x94 " LOG_NAME " M9e0lgAAAAAA\n";
	char text[1024];

	assert_int_equal(open_with(LOG_NOTE, &log, 1), 0);
	assert_int_equal(open_with(LOG_NOTE, both, 2), 0);
	assert_int_equal(open_with(LOG_NOTE, &example, 1), E_CRYPTO);
	assert_int_equal(open_with(LOG_NOTE, NULL, 0), E_CRYPTO);
	assert_int_equal(open_with(stranger, &log, 1), 0);
	snprintf(text, sizeof(text), "%s%s", LOG_NOTE, namesake);
	assert_int_equal(open_with(text, &log, 1), 0);
	snprintf(text, sizeof(text), "%s\n%s", LOG_TEXT, namesake);
	assert_int_equal(open_with(text, &log, 1), E_CRYPTO);
	snprintf(text, sizeof(text), "%s%s", LOG_NOTE, forged);
	assert_int_equal(open_with(text, &log, 1), E_CRYPTO);
	snprintf(text, sizeof(text), "%s\n%s%s", LOG_TEXT, forged, LOG_LINE);
	assert_int_equal(open_with(text, &log, 1), E_CRYPTO);
}

/* The other keys of this name and id, and the other texts of this signature: none is taken. */
static void test_note__rejects_every_flipped_bit(void **state)
{
	struct note_vkey log = vkey_of(LOG_VKEY);
	char text[] = LOG_NOTE;
	struct note n;

	for (size_t i = 0; i < 8 * (sizeof(text) - 1); i++) {
		text[i / 8] = (char)(text[i / 8] ^ (1 << i % 8));
		assert_true(note_open(span_of(text, sizeof(text) - 1), &log, 1, &n, NULL, NULL) < 0);
		text[i / 8] = (char)(text[i / 8] ^ (1 << i % 8));
	}
	for (size_t i = 0; i < 8 * NOTE_PUBLIC_LEN; i++) {
		log.public_key[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(note_open(span_of(text, sizeof(text) - 1), &log, 1, &n, NULL, NULL), E_CRYPTO);
		log.public_key[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static void test_note__refuses_other_forms(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"\n\n",
		"text\n",
		"text\n\n",
		LOG_TEXT LOG_LINE,
		LOG_TEXT "\n",
		"text\n\n\xe2\x80\x94 name AAAAAAAA",
		"text\n\n\xe2\x80\x94 name AAAAAAAA\nrest\n",
		"text\n\n\xe2\x80\x94 name AAAAAAAA\n\n",
		"text\n\n\xe2\x80\x94name AAAAAAAA\n",
		"text\n\n- name AAAAAAAA\n",
		"text\n\n\xe2\x80\x94 nameAAAAAAAA\n",
		"text\n\n\xe2\x80\x94  AAAAAAAA\n",
		"text\n\n\xe2\x80\x94 na+me AAAAAAAA\n",
		"text\n\n\xe2\x80\x94 name  AAAAAAAA\n",
		"text\n\n\xe2\x80\x94 name AAAAAAAA \n",
		"text\n\n\xe2\x80\x94 name AAAA\n",     /* no id */
		"text\n\n\xe2\x80\x94 name AAAAAA==\n", /* an id alone */
		"text\n\n\xe2\x80\x94 name AAAAAAA\n",
		"text\r\n\n\xe2\x80\x94 name AAAAAAAA\n",
		"te\x01xt\n\n\xe2\x80\x94 name AAAAAAAA\n",
		"te\xffxt\n\n\xe2\x80\x94 name AAAAAAAA\n",
	};
	struct err err = ERR_INIT;
	struct note n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(note_parse(span_str(bad[i]), &n, &err), E_SYNTAX);
	assert_int_equal(note_parse(span_of("a\0b\n\n", 5), &n, &err), E_SYNTAX);
	assert_true(err.offset >= 0);
}

static void test_note__its_text_may_hold_empty_lines(void **state)
{
	struct note n;

	assert_int_equal(note_parse(SPAN_LIT("a\n\nb\n\n\xe2\x80\x94 name AAAAAAAA\n"), &n, NULL), 0);
	assert_true(span_eq_str(n.text, "a\n\nb\n"));
	assert_int_equal(note_parse(SPAN_LIT("a\n\n\n\xe2\x80\x94 name AAAAAAAA\n"), &n, NULL), 0);
	assert_true(span_eq_str(n.text, "a\n\n"));
	assert_true(span_eq_str(n.signature[0].name, "name"));
	assert_true(span_eq_str(n.signature[0].line, "\xe2\x80\x94 name AAAAAAAA\n"));
}

static void test_note__has_limits(void **state)
{
	struct buf b = BUF_INIT;
	struct note n;
	uint8_t *at;

	buf_put_str(&b, "text\n\n");
	for (unsigned i = 0; i < NOTE_SIGNATURES_MAX; i++)
		buf_printf(&b, "\xe2\x80\x94 name%u AAAAAAAA\n", i);
	assert_int_equal(note_parse(text_of(&b), &n, NULL), 0);
	assert_int_equal(n.signature_count, NOTE_SIGNATURES_MAX);
	buf_put_str(&b, "\xe2\x80\x94 more AAAAAAAA\n");
	assert_int_equal(note_parse(text_of(&b), &n, NULL), E_TOO_LARGE);
	buf_reset(&b);
	at = buf_room(&b, NOTE_BYTES_MAX + 1);
	assert_non_null(at);
	memset(at, 'x', NOTE_BYTES_MAX + 1);
	buf_commit(&b, NOTE_BYTES_MAX + 1);
	memcpy(at + NOTE_BYTES_MAX - 22, "\n\n\xe2\x80\x94 name AAAAAAAA\n\n", 22);
	at[NOTE_BYTES_MAX - 1] = '\n';
	assert_int_equal(note_parse(text_of(&b), &n, NULL), E_TOO_LARGE);
	buf_release(&b);
}

/* A signature line of `bytes` bytes. */
static int parse_long(size_t bytes)
{
	static uint8_t zeros[NOTE_SIGNATURE_BYTES_MAX + 1];
	struct buf b = BUF_INIT;
	struct note n;
	int rc;

	buf_put_str(&b, "text\n\n\xe2\x80\x94 name ");
	base64_put(&b, span_of(zeros, bytes));
	buf_put_u8(&b, '\n');
	rc = note_parse(text_of(&b), &n, NULL);
	buf_release(&b);
	return rc;
}

static void test_note__takes_long_signatures(void **state)
{
	assert_int_equal(parse_long(NOTE_ID_LEN + 1), 0);
	assert_int_equal(parse_long(NOTE_ID_LEN + 8 + 2420), 0); /* ML-DSA-44 */
	assert_int_equal(parse_long(NOTE_SIGNATURE_BYTES_MAX), 0);
	assert_int_equal(parse_long(NOTE_SIGNATURE_BYTES_MAX + 1), E_SYNTAX);
}

static void test_note__begins_with_a_text_alone(void **state)
{
	struct buf b = BUF_INIT;

	assert_int_equal(note_begin(&b, SPAN_LIT(""), NULL), E_INVALID);
	assert_int_equal(note_begin(&b, SPAN_LIT("a"), NULL), E_INVALID);
	assert_int_equal(note_begin(&b, SPAN_LIT("\ta\n"), NULL), E_INVALID);
	assert_int_equal(b.len, 0);
	buf_release(&b);
}

/* Two keys sign, as at a change of keys; each alone opens the note, and the wrong one of each does not. */
static void test_note__may_have_several_signatures(void **state)
{
	struct note_signer *old = signer_of("a.example/log", LOG_SEED);
	struct note_signer *new =
		signer_of("a.example/log", "fca663f499017d2365c27c7a7679158d43cfec1330bdb259290afbd0d21777a0");
	struct note_signer *other = signer_of("b.example/log", LOG_SEED);
	struct note_vkey keys[] = {*note_signer_vkey(old), *note_signer_vkey(new), *note_signer_vkey(other)};
	struct buf b = BUF_INIT;
	uint64_t signers = 0;
	struct note n;

	assert_int_equal(note_begin(&b, SPAN_LIT("text\n"), NULL), 0);
	note_sign(old, SPAN_LIT("text\n"), &b);
	note_sign(new, SPAN_LIT("text\n"), &b);
	assert_int_equal(note_open(text_of(&b), keys, 3, &n, &signers, NULL), 0);
	assert_int_equal(signers, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(note_open(text_of(&b), &keys[i], 1, &n, NULL, NULL), i < 2 ? 0 : E_CRYPTO);
	buf_release(&b);
	note_signer_free(old);
	note_signer_free(new);
	note_signer_free(other);
}

/* ---- checkpoints ---- */

static void test_checkpoint__reads_and_writes_the_published_one(void **state)
{
	struct note_vkey log = vkey_of(LOG_VKEY);
	struct buf b = BUF_INIT;
	struct checkpoint c;
	struct note n;

	assert_int_equal(checkpoint_open(SPAN_LIT(LOG_NOTE), &log, 1, &n, &c, NULL), 0);
	assert_true(span_eq_str(c.origin, LOG_NAME));
	assert_int_equal(c.size, 15);
	assert_hex(c.root.b, SHA256_LEN, "aca6c38a90af86e5f5199ee0e4105ef2c03a05b27b8daff59e4e36eefdfcddcb");
	assert_int_equal(c.extensions.len, 0);
	checkpoint_put(&b, &c);
	assert_true(span_eq_str(text_of(&b), LOG_TEXT));
	buf_release(&b);
}

static void test_checkpoint__takes_lines_of_extensions(void **state)
{
	struct checkpoint c;

	assert_int_equal(checkpoint_parse(SPAN_LIT(LOG_TEXT "one\ntwo three\n"), &c, NULL), 0);
	assert_true(span_eq_str(c.extensions, "one\ntwo three\n"));
}

static void test_checkpoint__refuses_other_forms(void **state)
{
#define ROOT "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs="
	static const char *const bad[] = {"",
					  "\n",
					  "log\n",
					  "log\n1\n",
					  "\n1\n" ROOT "\n",
					  "log\n\n" ROOT "\n",
					  "log\n1\n\n",
					  "log\n1\n" ROOT,
					  "log\n01\n" ROOT "\n",
					  "log\n+1\n" ROOT "\n",
					  "log\n-1\n" ROOT "\n",
					  "log\n1 \n" ROOT "\n",
					  "log\n0x1\n" ROOT "\n",
					  "log\n18446744073709551616\n" ROOT "\n",
					  "log\n118446744073709551615\n" ROOT "\n",
					  "log\n1\n" ROOT " \n",
					  "log\n1\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383Q==\n",
					  "log\n1\n" ROOT "\n\n",
					  "log\n1\n" ROOT "\nextension",
					  "log\n1\n" ROOT "\nextension\n\n"};
	struct checkpoint c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(checkpoint_parse(span_str(bad[i]), &c, NULL), E_SYNTAX);
	assert_int_equal(checkpoint_parse(SPAN_LIT("log\n0\n" ROOT "\n"), &c, NULL), 0);
	assert_int_equal(checkpoint_parse(SPAN_LIT("log\n18446744073709551615\n" ROOT "\n"), &c, NULL), 0);
	assert_true(c.size == UINT64_MAX);
#undef ROOT
}

/* A key that signs for another log is no witness of this one's. */
static void test_checkpoint__is_of_the_log_that_signs(void **state)
{
	struct note_signer *s = signer_of("other.example/log", LOG_SEED);
	struct buf b = BUF_INIT;
	struct checkpoint c;
	struct note n;

	assert_int_equal(note_begin(&b, SPAN_LIT(LOG_TEXT), NULL), 0);
	note_sign(s, SPAN_LIT(LOG_TEXT), &b);
	assert_int_equal(checkpoint_open(text_of(&b), note_signer_vkey(s), 1, &n, &c, NULL), E_CRYPTO);
	buf_release(&b);
	note_signer_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64__follows_rfc_4648),
		cmocka_unit_test(test_base64__gives_back_any_bytes),
		cmocka_unit_test(test_vkey__reads_and_writes_the_published_ones),
		cmocka_unit_test(test_vkey__refuses_what_is_none),
		cmocka_unit_test(test_vkey__names_have_no_blank_and_no_plus),
		cmocka_unit_test(test_note__opens_the_published_one),
		cmocka_unit_test(test_note__signs_the_published_line),
		cmocka_unit_test(test_note__passes_over_unknown_keys_and_rejects_known_ones),
		cmocka_unit_test(test_note__rejects_every_flipped_bit),
		cmocka_unit_test(test_note__refuses_other_forms),
		cmocka_unit_test(test_note__its_text_may_hold_empty_lines),
		cmocka_unit_test(test_note__has_limits),
		cmocka_unit_test(test_note__takes_long_signatures),
		cmocka_unit_test(test_note__begins_with_a_text_alone),
		cmocka_unit_test(test_note__may_have_several_signatures),
		cmocka_unit_test(test_checkpoint__reads_and_writes_the_published_one),
		cmocka_unit_test(test_checkpoint__takes_lines_of_extensions),
		cmocka_unit_test(test_checkpoint__refuses_other_forms),
		cmocka_unit_test(test_checkpoint__is_of_the_log_that_signs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
