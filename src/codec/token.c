/* Where words begin and end. token_keys.c finds them in another way, for speed; both are tested against one twin. */
#include "codec/token_priv.h"

#define UUID_LEN 36u

const uint8_t token__class[256] = {
	['0' ... '9'] = TOKEN_WORD | TOKEN_DIGIT | TOKEN_HEX,
	['A' ... 'F'] = TOKEN_WORD | TOKEN_HEX,
	['G' ... 'Z'] = TOKEN_WORD,
	['_'] = TOKEN_WORD,
	['a' ... 'f'] = TOKEN_WORD | TOKEN_HEX,
	['g' ... 'z'] = TOKEN_WORD,
	[0x80 ... 0xff] = TOKEN_WORD,
};

static bool is_at(struct span text, size_t at, enum token_class class)
{
	return at < text.len && (token__class[text.p[at]] & class) != 0;
}

static bool all_hex(const uint8_t *p, size_t len)
{
	uint8_t common = TOKEN_HEX;

	for (size_t i = 0; i < len; i++)
		common &= token__class[p[i]];
	return common != 0;
}

/* 8-4-4-4-12; what stands left of it is no word byte, because a run starts there. */
static bool is_uuid(struct span text, size_t start)
{
	const uint8_t *p = text.p + start;
	size_t after = start + UUID_LEN;

	if (text.len - start < UUID_LEN || p[8] != '-' || p[13] != '-' || p[18] != '-' || p[23] != '-')
		return false;
	if (!all_hex(p, 8) || !all_hex(p + 9, 4) || !all_hex(p + 14, 4) || !all_hex(p + 19, 4) || !all_hex(p + 24, 12))
		return false;
	if (start > 0 && p[-1] == '-')
		return false;
	return after == text.len || (text.p[after] != '-' && !is_at(text, after, TOKEN_WORD));
}

/* The end of a run of one to three digits; `at` when there is none, or more of them. */
static size_t skip_octet(struct span text, size_t at)
{
	size_t end = at;

	while (end - at < 4 && is_at(text, end, TOKEN_DIGIT))
		end++;
	return end - at < 4 ? end : at;
}

/* The end of the dotted quad at `start`, or 0. */
static size_t find_quad_end(struct span text, size_t start)
{
	size_t at = start;

	if (start >= 2 && text.p[start - 1] == '.' && is_at(text, start - 2, TOKEN_DIGIT))
		return 0;
	for (int i = 0; i < 4; i++) {
		size_t end = skip_octet(text, at);

		if (end == at || (i < 3 && (end == text.len || text.p[end] != '.')))
			return 0;
		at = i < 3 ? end + 1 : end;
	}
	if (is_at(text, at, TOKEN_WORD))
		return 0;
	return at < text.len && text.p[at] == '.' && is_at(text, at + 1, TOKEN_DIGIT) ? 0 : at;
}

size_t token__form_end(struct span text, size_t start, size_t end)
{
	size_t quad;

	if (text.p[end] == '-')
		return is_uuid(text, start) ? start + UUID_LEN : end;
	quad = find_quad_end(text, start);
	return quad ? quad : end;
}

bool token_next(struct token_iter *it, struct span *ret_word)
{
	struct span text = it->text;
	size_t start = it->at;
	size_t end;

	while (start < text.len && !is_at(text, start, TOKEN_WORD))
		start++;
	for (end = start; is_at(text, end, TOKEN_WORD);)
		end++;
	it->at = end;
	if (start == end)
		return false;
	it->at = token__word_end(text, start, end);
	*ret_word = span_of(text.p + start, token__cut(text.p + start, it->at - start));
	return true;
}

static bool begins_with_folded(struct span word, struct span folded)
{
	return word.len >= folded.len && token_equal_folded(span_of(word.p, folded.len), folded);
}

/* Whether `word` and those after it are the phrase; `it` is a copy, so that the search goes on where it was. */
static bool phrase_is_at(struct token_iter it, struct span word, const struct span *folded_words, size_t n,
			 bool last_is_prefix)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && !token_next(&it, &word))
			return false;
		if (i == n - 1 && last_is_prefix)
			return begins_with_folded(word, folded_words[i]);
		if (!token_equal_folded(word, folded_words[i]))
			return false;
	}
	return true;
}

/*
 * Whether the first and the last byte of `folded` stand in the text at the right distance, in either case of letters:
 * most texts do not even have that, and a loop without branches, which compilers turn into vector code, tells several
 * times faster than looking at words.
 */
static bool may_hold(struct span text, struct span folded)
{
	uint8_t first = folded.p[0] | 0x20, last = folded.p[folded.len - 1] | 0x20;
	uint8_t found = 0;

	if (text.len < folded.len)
		return false;
	if (folded.p[0] >= 0x80 || folded.p[folded.len - 1] >= 0x80)
		return true;
	for (size_t i = 0; i <= text.len - folded.len; i++)
		found |= (text.p[i] | 0x20) == first && (text.p[i + folded.len - 1] | 0x20) == last;
	return found != 0;
}

bool token_contains_phrase(struct span text, const struct span *folded_words, size_t n, bool last_is_prefix)
{
	struct token_iter it = {text, 0};
	struct span word;

	if (n == 0)
		return true;
	if (folded_words[0].len > 0 && !may_hold(text, folded_words[0]))
		return false;
	while (token_next(&it, &word))
		if (phrase_is_at(it, word, folded_words, n, last_is_prefix))
			return true;
	return false;
}
