/*
 * Terms with '*' and '?'.
 *
 * Both signs belong to the word they stand in: `a*-b?c` is a phrase of two patterns, each for one word. A UUID or an
 * IPv4 address is one word though it holds other signs, so a term that could be such is held against one word whole,
 * too. Behind `field:=` there are no words: the pattern is for the whole value.
 */
#include "base/mem.h"
#include "codec/token.h"
#include "query/query_priv.h"

_Static_assert(WILDCARDS_MAX == 64 && PATTERN_BYTES_MAX == 1024, "the messages say so");

static bool is_wildcard(uint8_t c)
{
	return c == '*' || c == '?';
}

bool query__has_wildcard(struct span run)
{
	return run.len && (memchr(run.p, '*', run.len) || memchr(run.p, '?', run.len));
}

struct span query__merge_stars(struct query *q, struct span run)
{
	struct span copy = query__own_copy(q, run);
	uint8_t *to = (uint8_t *)(uintptr_t)copy.p;
	size_t len = 0;

	for (size_t i = 0; i < run.len; i++)
		if (run.p[i] != '*' || i == 0 || run.p[i - 1] != '*')
			to[len++] = run.p[i];
	return span_of(copy.p, len);
}

static int check_limits(const struct query_parser *p, struct span run, size_t at)
{
	size_t count = 0;

	for (size_t i = 0; i < run.len; i++)
		count += is_wildcard(run.p[i]);
	if (run.len > PATTERN_BYTES_MAX)
		return query__fail_large(p, at, "a term with '*' or '?' may have 1024 bytes, and this one is longer");
	if (count > WILDCARDS_MAX)
		return query__fail_large(p, at, "a term may have 64 wildcards, and this one has more");
	return 0;
}

/* The longest run of characters that stand for themselves; of ASCII ones alone, where others are folded. */
static struct span find_literal(struct span pattern, bool only_ascii)
{
	struct span best = span_of(NULL, 0);

	for (size_t from = 0, i = 0; i <= pattern.len; i++) {
		if (i < pattern.len && !is_wildcard(pattern.p[i]) && (!only_ascii || pattern.p[i] < 0x80))
			continue;
		if (i - from > best.len)
			best = span_of(pattern.p + from, i - from);
		from = i + 1;
	}
	return best;
}

/* The next word with its wildcards: the words of `plain`, in which letters stand for them, at the same places. */
static bool next_word(struct token_iter *plain, struct span pattern, struct span *ret)
{
	struct span word;
	size_t from, len;

	if (!token_next(plain, &word))
		return false;
	from = (size_t)(word.p - plain->text.p);
	len = plain->at - from; /* of a pattern nothing is cut off */
	*ret = span_of(pattern.p + from, len);
	if (!query__has_wildcard(*ret))
		ret->len = word.len;
	return true;
}

/* Whether it can be one word with other signs in it: all of them '.' or all of them '-'. */
static bool may_be_form(struct span pattern)
{
	uint8_t sign = 0;

	for (size_t i = 0; i < pattern.len; i++) {
		uint8_t c = pattern.p[i];

		if (c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || is_wildcard(c))
			continue;
		if ((c != '.' && c != '-') || (sign && sign != c))
			return false;
		sign = c;
	}
	return sign != 0;
}

static struct span find_needle(const struct query_node *n)
{
	struct span best = span_of(NULL, 0);

	for (uint32_t k = 0; k < n->word_count; k++) {
		struct span one = find_literal(n->word[k], true);

		if (one.len > best.len)
			best = one;
	}
	return best;
}

int query__make_wildcard(struct query_parser *p, struct query_node *n, struct span run, size_t at_run)
{
	struct span pattern = query__own_folded(p->q, run), plain = query__own_copy(p->q, pattern), word;
	struct token_iter it = {plain, 0};
	int rc = check_limits(p, run, at_run);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < plain.len; i++)
		if (is_wildcard(plain.p[i]))
			((uint8_t *)(uintptr_t)plain.p)[i] = '_';
	while (token_next(&it, &word))
		n->word_count++;
	n->word = query__own(p->q, xarray(n->word_count, sizeof(*n->word)));
	it.at = 0;
	for (uint32_t k = 0; k < n->word_count && next_word(&it, pattern, &word); k++)
		n->word[k] = word;
	n->value = pattern;
	n->form = may_be_form(pattern) ? pattern : span_of(NULL, 0);
	n->needle = find_needle(n);
	return 0;
}

int query__make_glob(struct query_parser *p, struct query_node *n, struct span run, size_t at_run)
{
	n->value = run;
	n->needle = query__own_escaped(p->q, find_literal(run, false));
	return check_limits(p, run, at_run);
}
