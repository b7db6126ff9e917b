/*
 * '*' and '?' in words and in whole values.
 *
 * A star takes as little as it can; when what follows does not fit, the last star takes one character more. Earlier
 * stars need not be looked at again: what they could take more, the last one can too.
 */
#include "codec/token.h"
#include "query/match_priv.h"

/* The bytes of the character at `at`; one for a byte that is none. */
static size_t char_len(struct span text, size_t at)
{
	size_t len = 1;

	if (text.p[at] >= 0xc0)
		while (len < 4 && at + len < text.len && (text.p[at + len] & 0xc0) == 0x80)
			len++;
	return len;
}

bool match__glob(struct span pattern, struct span text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.p[p] == '*') {
			star = p++;
			mark = t;
		} else if (p < pattern.len && pattern.p[p] == '?') {
			p++;
			t += char_len(text, t);
		} else if (p < pattern.len && pattern.p[p] == text.p[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			mark += char_len(text, mark);
			t = mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.p[p] == '*')
		p++;
	return p == pattern.len;
}

/* Whether `word` and those behind it are the leaf's; `it` is a copy, so that the search goes on where it was. */
static bool words_are_at(const struct query_node *leaf, struct token_iter it, struct span word)
{
	for (uint32_t k = 0; k < leaf->word_count; k++) {
		if (k > 0 && !token_next(&it, &word))
			return false;
		if (!match__glob(leaf->word[k], word))
			return false;
	}
	return true;
}

bool match__words(const struct query_node *leaf, struct span folded)
{
	struct token_iter it = {folded, 0};
	struct span word;

	while (token_next(&it, &word))
		if (words_are_at(leaf, it, word) || (leaf->form.len && match__glob(leaf->form, word)))
			return true;
	return false;
}
