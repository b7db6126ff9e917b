#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <wctype.h>

#include "../base/seed.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/reader.h"
#include "codec/json_text.h"
#include "codec/token_priv.h"

#define WORDS_MAX 4096

struct words {
	struct span word[WORDS_MAX];
	size_t count;
};

/* ---- the twin: the head note of token.h, word for word ---- */

static bool naive_is_word(struct span t, size_t at)
{
	static const char ascii[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	return at < t.len && (t.p[at] >= 0x80 || (t.p[at] && strchr(ascii, t.p[at])));
}

static bool naive_is_digit(struct span t, size_t at)
{
	return at < t.len && t.p[at] && strchr("0123456789", t.p[at]);
}

static size_t naive_uuid_len(struct span t, size_t at)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < 36; i++) {
		if (at + i >= t.len || t.p[at + i] == 0)
			return 0;
		if (form[i] == '-' ? t.p[at + i] != '-' : !strchr("0123456789abcdefABCDEF", t.p[at + i]))
			return 0;
	}
	if (at > 0 && (naive_is_word(t, at - 1) || t.p[at - 1] == '-'))
		return 0;
	if (at + 36 < t.len && (naive_is_word(t, at + 36) || t.p[at + 36] == '-'))
		return 0;
	return 36;
}

static size_t naive_quad_len(struct span t, size_t at)
{
	size_t dots = 0, digits = 0, i = at;

	for (; naive_is_digit(t, i) || (i < t.len && t.p[i] == '.' && digits > 0 && dots < 3); i++) {
		digits = t.p[i] == '.' ? 0 : digits + 1;
		dots += t.p[i] == '.';
		if (digits > 3)
			return 0;
	}
	if (dots != 3 || digits == 0 || naive_is_word(t, i) || (i < t.len && t.p[i] == '.' && naive_is_digit(t, i + 1)))
		return 0;
	if (at > 0 && (naive_is_word(t, at - 1) || (at > 1 && t.p[at - 1] == '.' && naive_is_digit(t, at - 2))))
		return 0;
	return i - at;
}

static void naive_words(struct span t, struct words *ret)
{
	ret->count = 0;
	for (size_t at = 0; at < t.len;) {
		size_t len = naive_uuid_len(t, at) + naive_quad_len(t, at);
		size_t cut;

		while (len == 0 && naive_is_word(t, at))
			for (len = 1; naive_is_word(t, at + len);)
				len++;
		cut = len > TOKEN_MAX ? TOKEN_MAX : len;
		while (cut < len && cut > TOKEN_MAX - 3 && t.p[at + cut] >= 0x80 && t.p[at + cut] < 0xc0)
			cut--;
		assert_true(ret->count < WORDS_MAX);
		if (len > 0)
			ret->word[ret->count++] = span_of(t.p + at, cut);
		at += len ? len : 1;
	}
}

static int compare_keys(const void *a, const void *b)
{
	uint64_t x = get_u64le(a), y = get_u64le(b);

	return (x > y) - (x < y);
}

static uint64_t naive_hash(struct span s)
{
	struct buf folded = BUF_INIT;
	uint64_t hash;

	token_fold(&folded, s);
	hash = hash64(folded.p, folded.len, 0);
	buf_release(&folded);
	return hash;
}

static void naive_keys(struct span t, bool whole, struct buf *keys)
{
	struct words words;
	bool is_one;

	naive_words(t, &words);
	for (size_t i = 0; i < words.count; i++)
		buf_put_u64(keys, naive_hash(words.word[i]));
	is_one = words.count == 1 && words.word[0].len == t.len;
	if (whole && !is_one && t.len <= TOKEN_VALUE_MAX)
		buf_put_u64(keys, naive_hash(t));
}

static void assert_same_keys(struct buf *a, struct buf *b)
{
	assert_true(buf_ok(a) && buf_ok(b));
	assert_int_equal(a->len, b->len);
	if (a->len == 0)
		return;
	qsort(a->p, a->len / 8, 8, compare_keys);
	qsort(b->p, b->len / 8, 8, compare_keys);
	assert_memory_equal(a->p, b->p, a->len);
}

/* ---- texts ---- */

/* Pieces that meet every rule of the head note, put together at random. */
static void put_random_text(struct rng *rng, size_t pieces, struct buf *to)
{
	static const char *const piece[] = {
		"1",
		"25",
		"255",
		"1234",
		".",
		".",
		".",
		"-",
		"-",
		"_",
		" ",
		" ",
		"/",
		"\"",
		"\\",
		"\n",
		"a",
		"Zed",
		"10.0.0.1",
		"1.2.3.",
		"0123456789abcdef",
		"deadbeef",
		"ABCD",
		"6ba7b810-9dad-11d1-80B4-00C04fd430c8",
		"-9dad-11d1-80b4-00c04fd430c8",
		"É",
		"ßÿ",
		"Ж",
		"Ё",
		"Ω",
		"ς",
		"漢",
		"😀",
		"\xc3",
		"\x80",
		"{",
		"[",
		"@",
		"`",
		"G",
		"z",
		":",
	};

	while (pieces-- > 0)
		buf_put_str(to, piece[rng_below(rng, sizeof(piece) / sizeof(piece[0]))]);
}

/* The text alone in memory of its exact size, so that a read past it is seen. */
static struct span copy_exactly(const struct buf *text)
{
	uint8_t *p = try_alloc(text->len ? text->len : 1);

	assert_non_null(p);
	memcpy(p, text->len ? (const void *)text->p : "", text->len);
	return span_of(p, text->len);
}

static void assert_words(const char *text, const char *expected)
{
	struct token_iter it = {span_str(text), 0};
	struct buf got = BUF_INIT;
	struct span word;

	while (token_next(&it, &word)) {
		buf_put_str(&got, "|");
		buf_put_span(&got, word);
	}
	buf_put_u8(&got, 0);
	assert_string_equal((const char *)got.p, expected);
	buf_release(&got);
}

/* ---- tests ---- */

static void test_token__splits_words(void **state)
{
	(void)state;
	assert_words("", "");
	assert_words(" .,-/", "");
	assert_words("Updated role Auditor", "|Updated|role|Auditor");
	assert_words("user_id=42, ok", "|user_id|42|ok");
	assert_words("ada@example.com", "|ada|example|com");
	assert_words("café 漢字.", "|café|漢字");
}

static void test_token__keeps_uuids_and_addresses_whole(void **state)
{
	(void)state;
	assert_words("id 6ba7b810-9dad-11d1-80b4-00c04fd430c8.", "|id|6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	assert_words("x-6ba7b810-9dad-11d1-80b4-00c04fd430c8", "|x|6ba7b810|9dad|11d1|80b4|00c04fd430c8");
	assert_words("6ba7b810-9dad-11d1-80b4-00c04fd430c8-", "|6ba7b810|9dad|11d1|80b4|00c04fd430c8");
	assert_words("6ba7b810-9dad-11d1-80b4-00c04fd430c89", "|6ba7b810|9dad|11d1|80b4|00c04fd430c89");
	assert_words("6ba7b810-9dad-11d1-80b4-00c04fd430g8", "|6ba7b810|9dad|11d1|80b4|00c04fd430g8");
	assert_words("from 203.0.113.7:80", "|from|203.0.113.7|80");
	assert_words("at 203.0.113.7.", "|at|203.0.113.7");
	assert_words("1.2.3.4.5", "|1|2|3|4|5");
	assert_words("1.2.3.4.x", "|1.2.3.4|x");
	assert_words("1.2.3.4x 1.2.3.1234 v1.2.3.4", "|1|2|3|4x|1|2|3|1234|v1|2|3|4");
	assert_words("1.2.3 1..2.3.4", "|1|2|3|1|2|3|4");
}

static void test_token__cuts_long_words_between_characters(void **state)
{
	char text[3 * TOKEN_MAX];
	struct token_iter it = {span_of(text, sizeof(text)), 0};
	struct span word;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + TOKEN_MAX - 1, "\xd0\x96", 2);
	text[2 * TOKEN_MAX] = ' ';
	assert_true(token_next(&it, &word));
	assert_int_equal(word.len, TOKEN_MAX - 1);
	assert_int_equal(token_hash(word), token_hash(span_of(text, 2 * TOKEN_MAX)));
	assert_true(token_next(&it, &word));
	assert_ptr_equal(word.p, text + 2 * TOKEN_MAX + 1);
	assert_int_equal(word.len, TOKEN_MAX - 1);
	assert_false(token_next(&it, &word));
}

static uint32_t expect_folded(uint32_t c)
{
	bool is_ours = (c >= 0xc0 && c < 0x180) || (c >= 0x386 && c <= 0x3ab) || (c >= 0x400 && c < 0x500);
	uint32_t small = (uint32_t)towlower((wint_t)c);

	if (c == 0x3c2)
		return 0x3c3;
	return is_ours && small >= 0x80 && small < 0x800 ? small : c;
}

static void test_token__folds_as_the_c_library_does(void **state)
{
	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	for (uint32_t c = 0x80; c < 0x800; c++) {
		uint8_t from[2] = {(uint8_t)(0xc0 | c >> 6), (uint8_t)(0x80 | (c & 0x3f))};
		uint8_t to[2];
		uint32_t expected = expect_folded(c);

		assert_int_equal(token__fold_char(from, 2, to), c >= 0xc0 && c < 0x500 ? 2 : 1);
		if (c >= 0xc0 && c < 0x500)
			assert_int_equal((to[0] & 0x1fu) << 6 | (to[1] & 0x3fu), expected);
		else
			assert_int_equal(expected, c);
	}
	setlocale(LC_CTYPE, "C");
}

static void test_token__folds_in_place_and_once(void **state)
{
	static const char text[] = "ADA Ünïcode ÉÀ ŸŽ ΑΣΣ Ёж ҐЩ İſ × 漢 \xc3";
	static const char folded[] = "ada ünïcode éà ÿž ασσ ёж ґщ İſ × 漢 \xc3";
	struct buf once = BUF_INIT, twice = BUF_INIT;

	(void)state;
	token_fold(&once, span_str(text));
	token_fold(&twice, buf_span(&once));
	assert_true(span_eq_str(buf_span(&once), folded));
	assert_true(span_eq_str(buf_span(&twice), folded));
	assert_true(token_equal_folded(span_str(text), span_str(folded)));
	assert_false(token_equal_folded(span_str("ada"), span_str("adah")));
	assert_false(token_equal_folded(SPAN_LIT("\xc3\x89"), SPAN_LIT("\xc3\x41")));
	assert_true(token_equal_folded(span_of(NULL, 0), span_of(NULL, 0)));
	buf_release(&once);
	buf_release(&twice);
}

static void test_token__marks_bytes_as_the_table_does(void **state)
{
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct token_chunk chunk = {rng_next(&rng), rng_next(&rng)};
		uint8_t a[16], b[16];
		struct token_marks x = token__mark(chunk, a), y = token__mark_by_table(chunk, b);

		assert_memory_equal(a, b, 16);
		assert_int_equal(x.word, y.word);
		assert_int_equal(x.wide, y.wide);
		assert_int_equal(x.backslash, y.backslash);
	}
}

static void check_text(struct span text, struct buf *scratch)
{
	struct buf expected = BUF_INIT, got = BUF_INIT, escaped = BUF_INIT;
	struct token_iter it = {text, 0};
	struct words words;
	struct span word, copy;

	naive_words(text, &words);
	for (size_t i = 0; i < words.count; i++) {
		assert_true(token_next(&it, &word));
		assert_ptr_equal(word.p, words.word[i].p);
		assert_int_equal(word.len, words.word[i].len);
		assert_int_equal(token_hash(word), naive_hash(word));
	}
	assert_false(token_next(&it, &word));

	json_text_escape(&escaped, text);
	copy = copy_exactly(&escaped);
	for (int whole = 0; whole < 2; whole++) {
		buf_reset(&expected);
		buf_reset(&got);
		naive_keys(text, whole, &expected);
		token_value_keys(copy, true, whole, scratch, &got);
		assert_same_keys(&got, &expected);
	}
	free((void *)(uintptr_t)copy.p);
	buf_release(&expected);
	buf_release(&got);
	buf_release(&escaped);
}

static void test_token__finds_what_the_twin_finds(void **state)
{
	struct buf text = BUF_INIT, scratch = BUF_INIT;
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (int i = 0; i < 6000; i++) {
		struct span copy;

		buf_reset(&text);
		put_random_text(&rng, rng_below(&rng, i % 50 == 0 ? 1000 : 24), &text);
		copy = copy_exactly(&text);
		check_text(copy, &scratch);
		free((void *)(uintptr_t)copy.p);
	}
	buf_release(&text);
	buf_release(&scratch);
}

/* Every length around the sizes at which token_keys.c takes another way. */
static void test_token__finds_runs_of_every_length(void **state)
{
	struct buf scratch = BUF_INIT;
	uint8_t text[320];

	(void)state;
	for (size_t len = 0; len <= sizeof(text); len++) {
		memset(text, 'Q', len);
		check_text(span_of(text, len), &scratch);
		memset(text, '.', len / 3);
		check_text(span_of(text, len), &scratch);
		if (len > 1)
			text[len / 2] = '\\';
		check_text(span_of(text, len), &scratch);
	}
	buf_release(&scratch);
}

static void assert_raw_keys(const char *json, const char *const *values, size_t count)
{
	struct buf expected = BUF_INIT, got = BUF_INIT, scratch = BUF_INIT;

	for (size_t i = 0; i < count; i++)
		naive_keys(span_str(values[i]), true, &expected);
	token_value_keys(span_str(json), false, true, &scratch, &got);
	assert_same_keys(&got, &expected);
	buf_release(&expected);
	buf_release(&got);
	buf_release(&scratch);
}

static void test_token__reads_raw_json(void **state)
{
	static const char *const number[] = {"-12.5"};
	static const char *const literal[] = {"true"};
	static const char *const nested[] = {"ws-1", "", "a \"quoted\" \xc3\x89 x", "1e+21", "null", "deep", "k", "\\"};

	(void)state;
	assert_raw_keys("-12.5", number, 1);
	assert_raw_keys("true", literal, 1);
	assert_raw_keys("[]", NULL, 0);
	assert_raw_keys("{}", NULL, 0);
	assert_raw_keys("", NULL, 0);
	assert_raw_keys(
		"[\"ws-1\",\"\",\"a \\\"quoted\\\" \xc3\x89 x\",1e+21,{\"na\\\"me\":null,\"other\":[[\"deep\"],{\"x\":"
		"\"k\"}],\"z\":\"\\\\\"}]",
		nested, 8);
}

static void test_token__survives_raw_json_that_is_none(void **state)
{
	static const char bytes[] = "[]{},:\"\"\\\\a1 -.\0\xc3";
	struct buf text = BUF_INIT, scratch = BUF_INIT, keys = BUF_INIT;
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct span copy;

		buf_reset(&text);
		buf_reset(&keys);
		for (size_t n = rng_below(&rng, 20); n > 0; n--)
			buf_put_u8(&text, (uint8_t)bytes[rng_below(&rng, sizeof(bytes) - 1)]);
		copy = copy_exactly(&text);
		token_value_keys(copy, false, true, &scratch, &keys);
		assert_true(buf_ok(&keys));
		assert_int_equal(keys.len % 8, 0);
		free((void *)(uintptr_t)copy.p);
	}
	buf_release(&text);
	buf_release(&scratch);
	buf_release(&keys);
}

/* ---- phrases ---- */

static bool naive_phrase(struct span text, const struct span *phrase, size_t n, bool last_is_prefix)
{
	struct buf folded = BUF_INIT;
	struct words words;
	bool is_found = n == 0;

	token_fold(&folded, text);
	naive_words(buf_span(&folded), &words);
	for (size_t at = 0; at + n <= words.count && !is_found; at++) {
		size_t same = 0;

		for (size_t i = 0; i < n; i++) {
			struct span word = words.word[at + i];

			same += span_eq(word, phrase[i]) ||
				(last_is_prefix && i == n - 1 && span_starts_with(word, phrase[i]));
		}
		is_found = same == n;
	}
	buf_release(&folded);
	return is_found;
}

static void test_token__finds_phrases(void **state)
{
	static const struct span text = SPAN_LIT("The role the ROLE Auditor-General of 10.0.0.7");
	static const struct span phrase[] = {SPAN_LIT("the"), SPAN_LIT("role"), SPAN_LIT("auditor"), SPAN_LIT("gen")};
	static const struct span address[] = {SPAN_LIT("10")};

	(void)state;
	assert_true(token_contains_phrase(text, phrase, 0, false));
	assert_true(token_contains_phrase(text, phrase, 1, false));
	assert_true(token_contains_phrase(text, phrase, 3, false));
	assert_false(token_contains_phrase(text, phrase, 4, false));
	assert_true(token_contains_phrase(text, phrase, 4, true));
	assert_false(token_contains_phrase(text, phrase + 3, 1, false));
	assert_false(token_contains_phrase(text, address, 1, false));
	assert_true(token_contains_phrase(text, address, 1, true));
	assert_false(token_contains_phrase(span_of(NULL, 0), phrase, 1, true));
}

/* To whole characters, as whoever typed it would. */
static void shorten(struct rng *rng, struct span *word)
{
	size_t len = 1 + rng_below(rng, word->len);

	while (len < word->len && (word->p[len] & 0xc0) == 0x80)
		len++;
	word->len = len;
}

static void test_token__finds_the_phrases_the_twin_finds(void **state)
{
	struct buf text = BUF_INIT, folded = BUF_INIT;
	size_t found = 0;
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		bool is_prefix = rng_below(&rng, 2) == 0;
		struct words phrase;
		size_t from, n;

		buf_reset(&text);
		buf_reset(&folded);
		put_random_text(&rng, rng_below(&rng, 20), &text);
		token_fold(&folded, buf_span(&text));
		if (rng_below(&rng, 4) == 0)
			buf_reset(&text);
		put_random_text(&rng, rng_below(&rng, 20), &text);
		naive_words(buf_span(&folded), &phrase);
		if (phrase.count == 0)
			continue;
		from = rng_below(&rng, phrase.count);
		n = 1 + rng_below(&rng, phrase.count - from);
		if (is_prefix)
			shorten(&rng, &phrase.word[from + n - 1]);
		found += token_contains_phrase(buf_span(&text), phrase.word + from, n, is_prefix);
		assert_int_equal(token_contains_phrase(buf_span(&text), phrase.word + from, n, is_prefix),
				 naive_phrase(buf_span(&text), phrase.word + from, n, is_prefix));
	}
	assert_true(found > 1000);
	buf_release(&text);
	buf_release(&folded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token__splits_words),
		cmocka_unit_test(test_token__keeps_uuids_and_addresses_whole),
		cmocka_unit_test(test_token__cuts_long_words_between_characters),
		cmocka_unit_test(test_token__folds_as_the_c_library_does),
		cmocka_unit_test(test_token__folds_in_place_and_once),
		cmocka_unit_test(test_token__marks_bytes_as_the_table_does),
		cmocka_unit_test(test_token__finds_what_the_twin_finds),
		cmocka_unit_test(test_token__finds_runs_of_every_length),
		cmocka_unit_test(test_token__reads_raw_json),
		cmocka_unit_test(test_token__survives_raw_json_that_is_none),
		cmocka_unit_test(test_token__finds_phrases),
		cmocka_unit_test(test_token__finds_the_phrases_the_twin_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
