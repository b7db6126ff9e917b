/* The twin's view of one value. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "codec/timestamp.h"
#include "codec/token.h"
#include "naive.h"
#include "query/range_priv.h"
#include "query/regex_priv.h"

#define WORDS_MAX 4096
#define CHARS_MAX 70000
#define DIGITS    2000 /* on either side of the point */

/* ---- words ---- */

static uint32_t split(struct span text, struct span *word)
{
	struct token_iter it = {text, 0};
	uint32_t n = 0;

	while (n < WORDS_MAX && token_next(&it, &word[n]))
		n++;
	return n;
}

static bool begins(struct span word, struct span with)
{
	return word.len >= with.len && memcmp(word.p, with.p, with.len) == 0;
}

static bool phrase_at(const struct query_node *n, const struct span *word, uint32_t count)
{
	if (count < n->word_count)
		return false;
	for (uint32_t k = 0; k < n->word_count; k++) {
		bool is_prefix = n->last_is_prefix && k == n->word_count - 1;

		if (is_prefix ? !begins(word[k], n->word[k]) : !span_eq(word[k], n->word[k]))
			return false;
	}
	return true;
}

/* The words of the text, folded, against those of the query at every place; a prefix as it is written may also be the
 * beginning of one word. */
static bool holds_phrase(const struct query_node *n, struct span text)
{
	static struct span word[WORDS_MAX];
	struct buf folded = BUF_INIT, prefix = BUF_INIT;
	bool found = false;
	uint32_t count;

	token_fold(&folded, text);
	token_fold(&prefix, n->value);
	count = split(buf_span(&folded), word);
	for (uint32_t i = 0; i < count && !found; i++)
		found = phrase_at(n, word + i, count - i) || (n->last_is_prefix && begins(word[i], buf_span(&prefix)));
	buf_release(&folded);
	buf_release(&prefix);
	return found;
}

/* ---- wildcards ---- */

/* Characters as numbers; a byte that is none counts by itself. */
static uint32_t decode(struct span text, uint32_t *to)
{
	uint32_t n = 0;

	for (size_t at = 0; at < text.len && n < CHARS_MAX;) {
		size_t len = text.p[at] >= 0xf0 ? 4 : text.p[at] >= 0xe0 ? 3 : text.p[at] >= 0xc0 ? 2 : 1;

		to[n] = 0;
		for (size_t i = 0; i < len && at + i < text.len; i++)
			to[n] = to[n] << 8 | text.p[at + i];
		n++;
		at += len;
	}
	return n;
}

/* fits[i]: what is read of the pattern matches the first i characters. */
static bool fits_pattern(struct span pattern, struct span text)
{
	static uint32_t p[CHARS_MAX], t[CHARS_MAX];
	uint32_t np = decode(pattern, p), nt = decode(text, t);
	bool *fits = xarray(nt + 1, sizeof(bool)), *next = xarray(nt + 1, sizeof(bool)), answer;

	fits[0] = true;
	for (uint32_t k = 0; k < np; k++) {
		for (uint32_t i = 0; i <= nt; i++) {
			if (p[k] == '*')
				next[i] = fits[i] || (i > 0 && next[i - 1]);
			else
				next[i] = i > 0 && fits[i - 1] && (p[k] == '?' || p[k] == t[i - 1]);
		}
		memcpy(fits, next, (nt + 1) * sizeof(bool));
	}
	answer = fits[nt];
	free(fits);
	free(next);
	return answer;
}

static bool is_word_or_wildcard(uint8_t c)
{
	return c >= 0x80 || c == '_' || c == '*' || c == '?' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/* The words of a pattern: those of the text in which each wildcard is a letter, at full length if they hold one. */
static uint32_t split_pattern(struct span pattern, struct span *word)
{
	struct buf plain = BUF_INIT;
	uint32_t count;

	buf_put_span(&plain, pattern);
	for (size_t i = 0; i < plain.len; i++)
		if (plain.p[i] == '*' || plain.p[i] == '?')
			plain.p[i] = 'w';
	count = split(buf_span(&plain), word);
	for (uint32_t k = 0; k < count; k++) {
		size_t from = (size_t)(word[k].p - plain.p), to = from + word[k].len, end = to;

		while (end < pattern.len && is_word_or_wildcard(pattern.p[end]))
			end++;
		word[k] = span_of(pattern.p + from,
				  memchr(pattern.p + from, '*', end - from) || memchr(pattern.p + from, '?', end - from)
					  ? end - from
					  : to - from);
	}
	buf_release(&plain);
	return count;
}

static bool holds_patterns(const struct query_node *n, struct span text)
{
	static struct span word[WORDS_MAX], wanted[WORDS_MAX];
	uint32_t wanted_count = split_pattern(n->value, wanted), count;
	struct buf folded = BUF_INIT;
	bool found = false;

	token_fold(&folded, text);
	count = split(buf_span(&folded), word);
	for (uint32_t i = 0; i < count && !found; i++) {
		bool all = count - i >= wanted_count;

		for (uint32_t k = 0; all && k < wanted_count; k++)
			all = fits_pattern(wanted[k], word[i + k]);
		found = all || fits_pattern(n->value, word[i]);
	}
	buf_release(&folded);
	return found;
}

/* ---- regular expressions ---- */

bool naive_regex(struct span pattern, bool any_case, struct span text)
{
	static pcre2_code *code;
	static struct buf key = BUF_INIT;
	struct buf wanted = BUF_INIT;
	pcre2_match_data *data = pcre2_match_data_create(64, NULL);
	size_t offset;
	int rc;

	buf_put_u8(&wanted, any_case);
	buf_put_span(&wanted, pattern);
	if (!span_eq(buf_span(&wanted), buf_span(&key))) { /* one pattern is asked many times */
		pcre2_code_free(code);
		code = pcre2_compile(pattern.p, pattern.len, PCRE2_UTF | PCRE2_UCP | (any_case ? PCRE2_CASELESS : 0),
				     &rc, &offset, NULL);
		buf_release(&key);
		key = wanted;
	} else {
		buf_release(&wanted);
	}
	rc = code ? pcre2_match(code, text.len ? text.p : (const uint8_t *)"", text.len, 0, PCRE2_NO_JIT, data, NULL)
		  : PCRE2_ERROR_NOMATCH;
	pcre2_match_data_free(data);
	return rc >= 0;
}

/* ---- ranges ---- */

struct places {
	bool is_negative;
	uint8_t digit[2 * DIGITS];
};

static bool put_at_places(struct span text, struct places *to)
{
	const struct span form = SPAN_LIT("^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]{1,6})?\\z");
	char copy[512];
	char *e;
	long place, exponent = 0;

	if (text.len >= sizeof(copy) || !naive_regex(form, false, text))
		return false;
	memcpy(copy, text.p, text.len);
	copy[text.len] = 0;
	memset(to, 0, sizeof(*to));
	e = strpbrk(copy, "eE");
	if (e) {
		exponent = strtol(e + 1, NULL, 10);
		*e = 0;
	}
	to->is_negative = copy[0] == '-';
	place = (long)strcspn(copy + to->is_negative, ".") + exponent;
	for (const char *c = copy + to->is_negative; *c; c++)
		if (*c != '.') {
			place--;
			must(*c == '0' || (place < DIGITS && place >= -DIGITS));
			if (*c != '0')
				to->digit[DIGITS - 1 - place] = (uint8_t)*c;
		}
	return true;
}

bool naive_compare_numbers(struct span a, struct span b, int *ret)
{
	static struct places x, y;
	static const uint8_t zeros[2 * DIGITS];
	int order;

	if (!put_at_places(a, &x) || !put_at_places(b, &y))
		return false;
	x.is_negative = x.is_negative && memcmp(x.digit, zeros, sizeof(zeros)) != 0;
	y.is_negative = y.is_negative && memcmp(y.digit, zeros, sizeof(zeros)) != 0;
	order = memcmp(x.digit, y.digit, sizeof(zeros));
	if (x.is_negative)
		order = -order;
	*ret = x.is_negative != y.is_negative ? (x.is_negative ? -1 : 1) : order;
	return true;
}

static bool is_within(const struct query_bound *bound, int order, bool is_low)
{
	if (bound->is_open)
		return true;
	if (order == 0)
		return !bound->is_exclusive;
	return is_low ? order > 0 : order < 0;
}

static bool is_between_numbers(const struct query_range *r, struct span text)
{
	int low = 0, high = 0;

	return (r->low.is_open ? naive_compare_numbers(text, text, &low)
			       : naive_compare_numbers(text, r->low.text, &low)) &&
	       (r->high.is_open || naive_compare_numbers(text, r->high.text, &high)) && is_within(&r->low, low, true) &&
	       is_within(&r->high, high, false);
}

static bool is_between_texts(const struct query_range *r, struct span text)
{
	struct buf folded = BUF_INIT;
	bool yes;

	token_fold(&folded, text);
	yes = is_within(&r->low, span_cmp(buf_span(&folded), r->low.text), true) &&
	      is_within(&r->high, span_cmp(buf_span(&folded), r->high.text), false);
	buf_release(&folded);
	return yes;
}

static bool is_between_addresses(const struct query_range *r, struct span text)
{
	char copy[64] = "";
	uint8_t address[16] = {[10] = 0xff, [11] = 0xff};

	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.p, 0, text.len))
		return false;
	memcpy(copy, text.p, text.len);
	if (inet_pton(AF_INET, copy, address + 12) != 1 && inet_pton(AF_INET6, copy, address) != 1)
		return false;
	return is_within(&r->low, memcmp(address, r->low.address, 16), true) &&
	       is_within(&r->high, memcmp(address, r->high.address, 16), false);
}

/* RFC 3339, a date or a month. */
static bool read_time(struct span text, int64_t *ret)
{
	char copy[40] = "", again[40];
	struct tm tm = {0};

	if (timestamp_parse(text, ret))
		return true;
	if (text.len != 7 && text.len != 10)
		return false;
	snprintf(copy, sizeof(copy), "%.*s%s", (int)text.len, (const char *)text.p, text.len == 7 ? "-01" : "");
	if (sscanf(copy, "%4d-%2d-%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday) != 3 || tm.tm_year < 1)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*ret = (int64_t)timegm(&tm) * 1000000;
	strftime(again, sizeof(again), "%Y-%m-%d", &tm);
	return strcmp(copy, again) == 0; /* nothing was carried over */
}

bool naive_test_value(const struct query_node *n, struct span text)
{
	int64_t us;

	switch (n->kind) {
	case QUERY_EXISTS:
		return true;
	case QUERY_EXACT:
		return span_eq(text, n->value);
	case QUERY_WILDCARD:
		return holds_patterns(n, text);
	case QUERY_GLOB:
		return fits_pattern(n->value, text);
	case QUERY_REGEX:
		return naive_regex(n->value, n->regex->any_case, text);
	case QUERY_NUMBERS:
		return is_between_numbers(n->range, text);
	case QUERY_TEXTS:
		return is_between_texts(n->range, text);
	case QUERY_ADDRESSES:
		return is_between_addresses(n->range, text);
	case QUERY_TIMES:
		return read_time(text, &us) && us >= n->from_us && (n->to_us == INT64_MAX || us < n->to_us);
	default:
		return holds_phrase(n, text);
	}
}
