#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/limits.h"
#include "codec/needle.h"
#include "codec/template.h"
#include "codec/token.h"
#include "event_sample.h"

#define VALUES_MAX 1200u
#define REFS_MAX   6u

/* Values and what they may refer to. Texts live until source_release. */
struct source {
	struct span value[VALUES_MAX];
	struct span ref[REFS_MAX][VALUES_MAX];
	size_t count, ref_count;
	void *owned[(REFS_MAX + 1) * VALUES_MAX];
	size_t owned_count;
	uint32_t of[REFS_MAX]; /* candidate behind each reference of the run */
};

static struct source *source_new(size_t ref_count)
{
	struct source *s = xalloc(sizeof(*s));

	s->ref_count = ref_count;
	return s;
}

static void source_free(struct source *s)
{
	for (size_t i = 0; i < s->owned_count; i++)
		free(s->owned[i]);
	free(s);
}

static struct span keep(struct source *s, struct span text)
{
	uint8_t *p = xalloc(text.len + 1);

	if (text.len)
		memcpy(p, text.p, text.len);
	s->owned[s->owned_count++] = p;
	return span_of(p, text.len);
}

static void add_value(struct source *s, const char *value, const char *ref0, const char *ref1)
{
	s->ref[0][s->count] = ref0 ? keep(s, span_str(ref0)) : span_of(NULL, 0);
	s->ref[1][s->count] = ref1 ? keep(s, span_str(ref1)) : span_of(NULL, 0);
	s->value[s->count++] = keep(s, span_str(value));
}

/* ---- encoding, reading, comparing ---- */

struct run {
	struct buf bytes;
	struct template_words words;
	bool used[TEMPLATE_REFS_MAX];
	size_t refs;
};

static void run_release(struct run *run)
{
	buf_release(&run->bytes);
	buf_release(&run->words.literal);
	buf_release(&run->words.holes);
}

static bool encode(struct source *s, bool refs_only, unsigned fit, struct run *ret)
{
	const struct span *ref[REFS_MAX];
	struct template_source source = {s->value, s->count, ref, s->ref_count};

	memset(ret, 0, sizeof(*ret));
	for (size_t k = 0; k < s->ref_count; k++)
		ref[k] = s->ref[k];
	if (!template_encode(&source, refs_only, fit, &ret->bytes, ret->used, &ret->words))
		return false;
	for (uint32_t k = 0; k < s->ref_count; k++)
		if (ret->used[k])
			s->of[ret->refs++] = k;
	return true;
}

static int put_ref(void *user, size_t ref, size_t i, struct buf *to, struct err *err)
{
	const struct source *s = user;
	struct span v = s->ref[s->of[ref]][i];

	(void)err;
	assert_non_null(v.p);
	buf_put_span(to, v);
	return 0;
}

/* ---- all values at once ---- */

/* A referenced column's texts, other ones between them. */
struct ref_texts {
	struct buf text;
	uint32_t offset[2 * VALUES_MAX + 1];
	uint32_t number[VALUES_MAX];
};

static void fill_ref_texts(const struct source *s, uint32_t candidate, struct ref_texts *x)
{
	uint32_t n = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct span v = s->ref[candidate][i];

		x->number[i] = v.p ? n : TEMPLATE_REF_NONE;
		if (!v.p)
			continue;
		buf_put_span(&x->text, v);
		x->offset[++n] = (uint32_t)x->text.len;
		buf_put_str(&x->text, "other");
		x->offset[++n] = (uint32_t)x->text.len;
	}
	memset(buf_room(&x->text, COLUMN_SLACK), 'x', COLUMN_SLACK);
}

static void check_all(const struct source *s, size_t refs, const struct template_run *opened)
{
	struct ref_texts *x = xarray(refs + 1, sizeof(*x));
	struct template_texts texts[REFS_MAX] = {{NULL, NULL, NULL}};
	uint32_t offset[VALUES_MAX + 1];
	struct buf to = BUF_INIT;
	size_t bytes = 0;

	for (size_t k = 0; k < refs; k++) {
		fill_ref_texts(s, s->of[k], &x[k]);
		texts[k] = (struct template_texts){x[k].text.p, x[k].offset, x[k].number};
	}
	for (size_t i = 0; i < s->count; i++)
		bytes += s->value[i].len;
	buf_put_str(&to, "before");
	if (bytes)
		assert_int_equal(template_get_all(opened, texts, bytes - 1, &to, offset, NULL), 1);
	buf_reset(&to);
	buf_put_str(&to, "before");
	assert_int_equal(template_get_all(opened, texts, bytes, &to, offset, NULL), 0);
	assert_int_equal(to.len, 6 + bytes);
	assert_true(to.cap >= to.len + COLUMN_SLACK);
	assert_int_equal(offset[s->count], bytes);
	for (size_t i = 0; i < s->count; i++)
		assert_true(span_eq(span_of(to.p + 6 + offset[i], offset[i + 1] - offset[i]), s->value[i]));
	for (size_t k = 0; k < refs; k++)
		buf_release(&x[k].text);
	free(x);
	buf_release(&to);
}

/* Needles out of the values, and some that are in none. */
static void check_hold(const struct source *s, size_t refs, const struct template_run *opened)
{
	uint8_t hit[REFS_MAX][VALUES_MAX], flags[VALUES_MAX];
	struct template_hits hits[REFS_MAX];
	bool any;

	for (size_t n = 0; n < 40; n++) {
		struct span v = s->value[n * 31 % s->count], needle;
		size_t at = v.len ? n * 17 % v.len : 0;

		needle = v.len ? span_of(v.p + at, 1 + n % (v.len - at > 12 ? 12 : v.len - at)) : span_str("zq");
		if (n % 8 == 7)
			needle = span_str(n % 16 == 7 ? "~~" : "Q#");
		for (size_t k = 0; k < refs; k++) {
			any = false;
			for (size_t i = 0; i < s->count; i++) {
				struct span ref = s->ref[s->of[k]][i];

				hit[k][i] = ref.p && needle_find(ref, needle);
				any |= hit[k][i];
			}
			hits[k] = (struct template_hits){any ? hit[k] : NULL, NULL};
		}
		memset(flags, 0, sizeof(flags));
		template_hold(opened, hits, needle, flags);
		for (size_t i = 0; i < s->count; i++)
			if (needle_find(s->value[i], needle) && !flags[i])
				fail_msg("%.*s is in %.*s", (int)needle.len, needle.p, (int)s->value[i].len,
					 s->value[i].p);
	}
}

static void check_values(struct source *s, const struct run *run)
{
	struct template_run *opened;
	struct buf to = BUF_INIT;

	assert_int_equal(template_open(buf_span(&run->bytes), s->count, run->refs, &opened, NULL), 0);
	for (size_t n = 0; n < 2 * s->count; n++) {
		size_t i = n < s->count ? n : n * 7919 % s->count; /* in order, then not */

		buf_reset(&to);
		assert_int_equal(template_get(opened, i, put_ref, s, &to, NULL), 0);
		if (!span_eq(buf_span(&to), s->value[i]))
			fail_msg("%.*s was %.*s", (int)to.len, to.p, (int)s->value[i].len, s->value[i].p);
	}
	check_all(s, run->refs, opened);
	check_hold(s, run->refs, opened);
	assert_true(template_memory(opened) > 0);
	assert_null(template_close(opened));
	buf_release(&to);
}

static void put_words(struct span plain, struct buf *keys)
{
	struct token_iter it = {plain, 0};
	struct span word;

	while (token_next(&it, &word)) {
		uint64_t key = token_hash(word);

		buf_put(keys, &key, sizeof(key));
	}
}

static void put_stored_words(struct span stored, struct buf *keys)
{
	struct buf plain = BUF_INIT;

	json_text_unescape(&plain, stored);
	put_words(buf_span(&plain), keys);
	buf_release(&plain);
}

static int compare_keys(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Literals, holes and the values referred to have every word of every value, when the run says so. */
static void check_words(const struct source *s, const struct run *run)
{
	const struct span *hole = (const struct span *)(const void *)run->words.holes.p;
	struct buf have = BUF_INIT, want = BUF_INIT;

	if (!run->words.complete) {
		assert_int_equal(run->words.literal.len + run->words.holes.len, 0);
		return;
	}
	put_words(buf_span(&run->words.literal), &have);
	for (size_t k = 0; k < run->words.holes.len / sizeof(*hole); k++)
		put_stored_words(hole[k], &have);
	for (size_t k = 0; k < run->refs; k++)
		for (size_t i = 0; i < s->count; i++)
			put_stored_words(s->ref[s->of[k]][i], &have);
	if (have.len)
		qsort(have.p, have.len / 8, 8, compare_keys);
	for (size_t i = 0; i < s->count; i++) {
		buf_reset(&want);
		put_stored_words(s->value[i], &want);
		for (size_t k = 0; k < want.len / 8; k++)
			if (!have.len || !bsearch(want.p + k * 8, have.p, have.len / 8, 8, compare_keys))
				fail_msg("a word of %.*s is missed", (int)s->value[i].len, s->value[i].p);
	}
	buf_release(&have);
	buf_release(&want);
}

/* Returns whether it was encoded and its words are complete. */
static bool check_source(struct source *s, bool refs_only, unsigned fit)
{
	struct run run;
	bool complete = false;

	if (encode(s, refs_only, fit, &run)) {
		check_values(s, &run);
		check_words(s, &run);
		complete = run.words.complete;
	}
	run_release(&run);
	return complete;
}

/* ---- sources ---- */

static void put_piece(struct rng *r, struct buf *to)
{
	static const char *const piece[] = {"\\n",    "\\\\", "\\\"",     "\\u0001",  "nabc",      "0001def",
					    "abc",    " ",    ".",        "-",        "_",         "12",
					    "x1y2",   "\\t",  "\xc3\xa9", "10.0.0.1", "u00",       "0",
					    "\\u001", "f",    " by ",     ": ",       "deadbeef01"};
	size_t n = pick(r, sizeof(piece) / sizeof(piece[0]));

	if (n == 18)
		buf_printf(to, "\\u001%x", (unsigned)pick(r, 16));
	else
		buf_put_str(to, piece[n]);
	if (pick(r, 12) == 0)
		buf_printf(to, "%08x-%04x-4abc-8def-%012x", (unsigned)rng_next(r), (unsigned)pick(r, 65536),
			   (unsigned)rng_next(r));
}

/* Values of a few forms, of pieces and references, some of which a row does not have; and some of no form at all;
 * `parted` by blanks. */
static struct source *random_source(struct rng *r, unsigned strange_percent, bool parted)
{
	struct source *s = source_new(pick(r, REFS_MAX + 1));
	unsigned form[4][8], forms = 1 + (unsigned)pick(r, 4);
	struct buf fixed[8] = {BUF_INIT}, text = BUF_INIT;

	for (unsigned k = 0; k < 8; k++)
		for (uint64_t n = 1 + pick(r, 3); n > 0; n--)
			put_piece(r, &fixed[k]);
	for (unsigned k = 0; k < 32; k++)
		form[k / 8][k % 8] = (unsigned)pick(r, 8 + 8 + 3);
	for (size_t end = 1 + pick(r, VALUES_MAX); s->count < end; s->count++) {
		for (size_t k = 0; k < s->ref_count; k++) {
			buf_reset(&text);
			for (uint64_t n = pick(r, 4); n > 0; n--)
				put_piece(r, &text);
			s->ref[k][s->count] = pick(r, 20) ? keep(s, buf_span(&text)) : span_of(NULL, 0);
		}
		buf_reset(&text);
		for (unsigned k = 0; k < 8; k++) {
			unsigned what = form[pick(r, 100) < strange_percent ? pick(r, 4) : s->count % forms][k];

			buf_put_str(&text, parted && k ? " " : "");
			if (pick(r, 100) < strange_percent)
				put_piece(r, &text);
			else if (what < 8)
				buf_put_span(&text, buf_span(&fixed[what]));
			else if (what < 16 && s->ref_count)
				buf_put_span(&text, s->ref[what % s->ref_count][s->count]);
			else
				buf_printf(&text, what % 2 ? "%u" : "%x", (unsigned)rng_next(r) >> what);
		}
		s->value[s->count] = keep(s, buf_span(&text));
	}
	for (unsigned k = 0; k < 8; k++)
		buf_release(&fixed[k]);
	buf_release(&text);
	return s;
}

static void test_template__gives_back_random_values(void **state)
{
	struct rng r = seeded_rng();
	unsigned complete = 0;

	(void)state;
	for (int round = 0; round < 400; round++) {
		struct source *s = random_source(&r, (unsigned)(round % 3 * 10), round % 2);

		complete += check_source(s, pick(&r, 2), (unsigned)pick(&r, 2) * 60);
		source_free(s);
	}
	assert_true(complete > 0);
}

static void test_template__costs_nothing_for_what_others_say(void **state)
{
	struct source *s = source_new(2);
	struct run run;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		char value[80], role[20], name[20];

		snprintf(role, sizeof(role), "role-%u", i * 37 % 1000);
		snprintf(name, sizeof(name), "Person %u", i * 7);
		snprintf(value, sizeof(value), "update role %s by %s", role, name);
		add_value(s, value, role, name);
	}
	assert_true(encode(s, true, 95, &run));
	check_values(s, &run);
	check_words(s, &run);
	assert_true(run.words.complete);
	assert_int_equal(run.refs, 2);
	assert_true(run.bytes.len < 60);
	run_release(&run);
	source_free(s);
}

/* The text is a newline and "abc"; the other column is "nabc". */
static void test_template__never_cuts_an_escape(void **state)
{
	static const char *const form[][3] = {{"x\\nabc%u", "nabc%u", NULL},       {"x\\\\nabc%u", "nabc%u", NULL},
					      {"\\u0001f%u", "001f%u", NULL},      {"\\u0001f%u", "u0001f%u", "1f%u"},
					      {"\\\\\\nabc%u", "nabc%u", "abc%u"}, {"a\\\"bcd%u", "\\\"bcd%u", NULL}};

	(void)state;
	for (size_t f = 0; f < sizeof(form) / sizeof(form[0]); f++) {
		struct source *s = source_new(2);

		for (unsigned i = 100; i < 200; i++) {
			char text[3][40] = {"", "", ""};

			for (int k = 0; k < 3; k++)
				if (form[f][k]) {
					const char *percent = strchr(form[f][k], '%');

					snprintf(text[k], sizeof(text[k]), "%.*s%u", (int)(percent - form[f][k]),
						 form[f][k], i);
				}
			add_value(s, text[0], text[1], form[f][2] ? text[2] : NULL);
		}
		check_source(s, true, 0);
		check_source(s, false, 0);
		source_free(s);
	}
}

static void test_template__keeps_whole_what_fits_no_template(void **state)
{
	struct rng r = seeded_rng();
	struct source *s = source_new(2);

	(void)state;
	for (unsigned i = 0; i < 800; i++) {
		char value[40], ref[20];

		snprintf(ref, sizeof(ref), "ref%u", i);
		if (i % 20)
			snprintf(value, sizeof(value), "about %s.", ref);
		else
			snprintf(value, sizeof(value), "?%c%c", 'a' + (int)pick(&r, 26), 'a' + (int)pick(&r, 26));
		add_value(s, i % 100 ? value : "", i % 30 ? ref : NULL, i % 3 ? "" : "abc");
	}
	check_source(s, true, 0);
	check_source(s, false, 80);
	source_free(s);
}

static void test_template__gives_up_when_too_much_escapes(void **state)
{
	struct rng r = seeded_rng();
	struct source *s = source_new(0);
	struct buf to = BUF_INIT;
	bool used[TEMPLATE_REFS_MAX];
	struct template_words words = {false, BUF_INIT, BUF_INIT};
	struct template_source source = {s->value, 1000, NULL, 0};

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		char value[20];

		for (int k = 0; k < 19; k++)
			value[k] = (char)('g' + (int)pick(&r, 20));
		s->value[s->count++] = keep(s, span_of(value, 19));
	}
	buf_put_str(&to, "as it was");
	assert_false(template_encode(&source, false, 90, &to, used, &words));
	assert_true(span_eq_str(buf_span(&to), "as it was"));
	assert_int_equal(words.literal.len + words.holes.len, 0);
	buf_release(&to);
	source_free(s);
}

/* ---- damage ---- */

static int put_any(void *user, size_t ref, size_t i, struct buf *to, struct err *err)
{
	const size_t *limits = user;

	(void)err;
	assert_true(ref < limits[0] && i < limits[1]);
	buf_put_str(to, "any");
	return 0;
}

/* Damaged or not, all at once says the same as one by one. */
static void check_any(struct template_run *run, size_t n, size_t *limits)
{
	static const uint8_t text[3 + COLUMN_SLACK] = "any";
	static const uint32_t offset[2] = {0, 3};
	struct template_texts refs[256];
	uint32_t *number = xarray(n, sizeof(*number)), *at = xarray(n + 1, sizeof(*at));
	struct buf all = BUF_INIT, one = BUF_INIT;
	bool is_long = false;
	int rc;

	for (size_t k = 0; k < 256; k++)
		refs[k] = (struct template_texts){text, offset, number};
	rc = template_get_all(run, refs, 1u << 30, &all, at, NULL);
	for (size_t i = 0; i < n; i++) {
		buf_reset(&one);
		assert_int_equal(template_get(run, i, put_any, limits, &one, NULL), 0);
		is_long |= one.len > RECORD_BYTES_MAX;
		assert_true(rc || span_eq(span_of(all.p + at[i], at[i + 1] - at[i]), buf_span(&one)));
	}
	assert_int_equal(rc, is_long);
	free(number);
	free(at);
	buf_release(&all);
	buf_release(&one);
}

static void read_damaged(const uint8_t *p, size_t len, size_t refs, size_t n)
{
	struct template_run *run;
	struct buf to = BUF_INIT;
	struct err err = ERR_INIT;
	size_t limits[2] = {refs, n};
	uint8_t *copy = try_alloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, p, len);
	if (template_open(span_of(copy, len), n, refs, &run, &err) == 0) {
		for (size_t i = 0; i < n; i++) {
			buf_reset(&to);
			assert_int_equal(template_get(run, i, put_any, limits, &to, NULL), 0);
		}
		check_any(run, n, limits);
		template_close(run);
	} else {
		assert_int_equal(err.code, E_CORRUPT);
	}
	buf_release(&to);
	free(copy);
}

static void test_template__survives_damaged_runs(void **state)
{
	struct rng r = seeded_rng();

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct source *s = random_source(&r, 10, round % 2);
		struct run run;

		s->count = s->count > 60 ? 60 : s->count;
		if (encode(s, false, 0, &run)) {
			struct template_run *opened;

			for (size_t len = 0; len < run.bytes.len; len += 1 + pick(&r, 9))
				assert_int_equal(
					template_open(span_of(run.bytes.p, len), s->count, run.refs, &opened, NULL),
					E_CORRUPT);
			for (int k = 0; k < 200; k++) {
				size_t at = pick(&r, run.bytes.len);
				uint8_t was = run.bytes.p[at];

				run.bytes.p[at] = (uint8_t)rng_next(&r);
				read_damaged(run.bytes.p, run.bytes.len, run.refs, s->count);
				run.bytes.p[at] = was;
			}
			read_damaged(run.bytes.p, run.bytes.len, 0, s->count);
			read_damaged(run.bytes.p, run.bytes.len, run.refs, s->count + 1);
		}
		run_release(&run);
		source_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_template__gives_back_random_values),
		cmocka_unit_test(test_template__costs_nothing_for_what_others_say),
		cmocka_unit_test(test_template__never_cuts_an_escape),
		cmocka_unit_test(test_template__keeps_whole_what_fits_no_template),
		cmocka_unit_test(test_template__gives_up_when_too_much_escapes),
		cmocka_unit_test(test_template__survives_damaged_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
