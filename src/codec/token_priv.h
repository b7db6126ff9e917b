/* What the token files share: classes of bytes, the two special forms, folding of single characters. */
#ifndef STELE_CODEC_TOKEN_PRIV_H
#define STELE_CODEC_TOKEN_PRIV_H

#include "codec/token.h"

enum token_class { TOKEN_WORD = 1, TOKEN_DIGIT = 2, TOKEN_HEX = 4 };

extern const uint8_t token__class[256];

/* The length of a word of `len` bytes after the cut at TOKEN_MAX, which never parts a character. */
static inline size_t token__cut(const uint8_t *p, size_t len)
{
	size_t cut = TOKEN_MAX;

	if (len <= TOKEN_MAX)
		return len;
	while (cut > TOKEN_MAX - 3 && (p[cut] & 0xc0) == 0x80)
		cut--;
	return cut;
}

/* Where the UUID or dotted quad that begins with the run of word bytes [start, end) ends; `end` when none does. */
size_t token__form_end(struct span text, size_t start, size_t end);

/* Most runs end before anything else, so look only where a form can go on. */
static inline size_t token__word_end(struct span text, size_t start, size_t end)
{
	if (end < text.len && ((end - start == 8 && text.p[end] == '-') || (end - start <= 3 && text.p[end] == '.')))
		return token__form_end(text, start, end);
	return end;
}

/* Folds the character at `p` (`left` > 0 bytes are there); returns its length, 1 or 2: a longer one byte by byte. */
size_t token__fold_char(const uint8_t *p, size_t left, uint8_t to[2]);

/* Sixteen bytes of text, and what they are: bit i is about byte i. */
struct token_chunk {
	uint64_t lo;
	uint64_t hi;
};

struct token_marks {
	uint32_t word;
	uint32_t wide;      /* >= 0x80 */
	uint32_t backslash; /* what begins an escape */
};

/* Folds the ASCII capitals of a chunk into to[16] and marks its bytes. By table: where there is no SSE2, and in the
 * tests. */
struct token_marks token__mark_by_table(struct token_chunk chunk, uint8_t *to);
struct token_marks token__mark(struct token_chunk chunk, uint8_t *to);

#endif
