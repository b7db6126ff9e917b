/*
 * The keys of a value, on the way into a segment: every distinct value passes here once, so it is written for speed.
 * One pass of sixteen bytes at a time folds the text into a small buffer and marks its word bytes in a bit map; words
 * are then runs of ones, found by counting zeros, and are hashed where they lie. Only text with escapes or beyond
 * SMALL_MAX bytes needs the caller's scratch buffer.
 */
#include "codec/token_priv.h"

#include "base/hash.h"
#include "base/reader.h"
#include "codec/json_text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define CHUNK     16u
#define SMALL_MAX 256u

/* The folded text (CHUNK writable bytes past its end) and its map: bit i for byte i, and at least one 0 at the end. */
struct folded {
	uint8_t *text;
	uint64_t *map;
	size_t len;
	uint32_t wide;
	uint32_t backslash;
};

struct token_marks token__mark_by_table(struct token_chunk chunk, uint8_t *to)
{
	struct token_marks marks = {0, 0, 0};

	for (uint32_t i = 0; i < CHUNK; i++) {
		uint32_t c = (i < 8 ? chunk.lo >> 8 * i : chunk.hi >> 8 * (i - 8)) & 0xff;

		to[i] = (uint8_t)(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
		marks.word |= (uint32_t)(token__class[c] & TOKEN_WORD) << i;
		marks.wide |= (c >> 7) << i;
		marks.backslash |= (uint32_t)(c == '\\') << i;
	}
	return marks;
}

#ifdef __SSE2__

/* Bytes in [first, first + count); there are only signed comparisons, so the range is moved to their lower end. */
static inline __m128i in_range(__m128i x, int first, int count)
{
	return _mm_cmplt_epi8(_mm_add_epi8(x, _mm_set1_epi8((char)(128 - first))), _mm_set1_epi8((char)(count - 128)));
}

static inline struct token_marks mark_chunk(struct token_chunk chunk, uint8_t *to)
{
	__m128i x = _mm_set_epi64x((long long)chunk.hi, (long long)chunk.lo);
	__m128i small = _mm_or_si128(x, _mm_and_si128(in_range(x, 'A', 26), _mm_set1_epi8(0x20)));
	__m128i word = _mm_or_si128(_mm_or_si128(in_range(small, 'a', 26), in_range(x, '0', 10)),
				    _mm_cmpeq_epi8(x, _mm_set1_epi8('_')));
	struct token_marks marks;

	_mm_storeu_si128((__m128i *)(void *)to, small);
	marks.wide = (uint32_t)_mm_movemask_epi8(x);
	marks.word = (uint32_t)_mm_movemask_epi8(word) | marks.wide;
	marks.backslash = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
	return marks;
}

#else

static inline struct token_marks mark_chunk(struct token_chunk chunk, uint8_t *to)
{
	return token__mark_by_table(chunk, to);
}

#endif

struct token_marks token__mark(struct token_chunk chunk, uint8_t *to)
{
	return mark_chunk(chunk, to);
}

/* Fewer than CHUNK bytes, the rest zero; reads nothing beyond them. */
static inline struct token_chunk load_short(const uint8_t *p, size_t len)
{
	struct token_chunk chunk = {0, 0};

	if (len >= 8) {
		chunk.lo = get_u64le(p);
		chunk.hi = len > 8 ? get_u64le(p + len - 8) >> 8 * (16 - len) : 0;
	} else if (len >= 4) {
		chunk.lo = get_u32le(p) | (uint64_t)get_u32le(p + len - 4) << 8 * (len - 4);
	} else if (len > 0) {
		chunk.lo = p[0] | (uint64_t)p[len / 2] << 8 * (len / 2) | (uint64_t)p[len - 1] << 8 * (len - 1);
	}
	return chunk;
}

static inline void fold_chunk(struct folded *f, size_t at, struct token_chunk chunk)
{
	struct token_marks marks = mark_chunk(chunk, f->text + at);

	f->wide |= marks.wide;
	f->backslash |= marks.backslash;
	f->map[at / 64] |= (uint64_t)marks.word << at % 64;
	if (at % 64 > 64 - CHUNK)
		f->map[at / 64 + 1] |= (uint64_t)marks.word >> (64 - at % 64);
}

/* The last chunk ends where the text does and overlaps the one before: done twice, it comes to the same. */
static inline void fold_text(struct folded *f, struct span text)
{
	size_t at = 0;

	for (; at + CHUNK <= text.len; at += CHUNK)
		fold_chunk(f, at, (struct token_chunk){get_u64le(text.p + at), get_u64le(text.p + at + 8)});
	if (text.len < CHUNK) {
		fold_chunk(f, 0, load_short(text.p, text.len));
	} else if (at < text.len) {
		const uint8_t *p = text.p + text.len - CHUNK;

		fold_chunk(f, text.len - CHUNK, (struct token_chunk){get_u64le(p), get_u64le(p + 8)});
	}
}

static void fold_wide_in_place(struct folded *f)
{
	for (size_t at = 0; at < f->len;)
		at += token__fold_char(f->text + at, f->len - at, f->text + at);
}

/* The first bit from `at` on that differs from `flip` (all zeros or all ones); `len` when there is none before it. */
static inline size_t find_bit(const struct folded *f, size_t at, uint64_t flip)
{
	size_t i = at / 64;
	uint64_t left = (f->map[i] ^ flip) >> at % 64 << at % 64;

	while (left == 0 && i < f->len / 64)
		left = f->map[++i] ^ flip;
	return left ? i * 64 + (size_t)__builtin_ctzll(left) : f->len;
}

static inline bool next_run(const struct folded *f, size_t at, size_t *ret_start, size_t *ret_end)
{
	size_t start = find_bit(f, at, 0);

	if (start >= f->len)
		return false;
	*ret_start = start;
	*ret_end = find_bit(f, start, UINT64_MAX);
	return true;
}

static void add_keys(const struct folded *f, bool whole, struct buf *keys)
{
	struct span text = span_of(f->text, f->len);
	uint8_t *to = buf_room(keys, (f->len / 2 + 2) * 8); /* words have bytes between them */
	uint8_t *at = to;
	bool is_one_word = false;
	size_t start, end = 0;

	if (!to)
		return;
	while (next_run(f, end, &start, &end)) {
		end = token__word_end(text, start, end);
		put_u64le(at, hash64(text.p + start, token__cut(text.p + start, end - start), 0));
		at += 8;
		is_one_word = end - start == f->len;
	}
	if (whole && !is_one_word && f->len <= TOKEN_VALUE_MAX) {
		put_u64le(at, hash64(text.p, text.len, 0));
		at += 8;
	}
	buf_commit(keys, (size_t)(at - to));
}

/* Undoes escapes into `scratch`; the span is borrowed from it. */
static struct span unescape(struct span escaped, struct buf *scratch)
{
	buf_reset(scratch);
	json_text_unescape(scratch, escaped);
	return buf_span(scratch);
}

/* Room in `scratch`, behind what it holds, for the map and the folded text of *text. Making it can move the scratch
 * buffer, so that text which lies there (`is_inside`) is found again. */
static bool find_room(struct folded *f, struct span *text, bool is_inside, struct buf *scratch)
{
	size_t used = (scratch->len + 7) & ~(size_t)7;
	size_t map_len = (text->len / 64 + 1) * 8;
	uint8_t *room = buf_room(scratch, used - scratch->len + map_len + text->len + CHUNK);

	if (!room)
		return false;
	if (is_inside)
		*text = buf_span(scratch);
	f->map = (uint64_t *)(void *)(scratch->p + used);
	f->text = scratch->p + used + map_len;
	memset(f->map, 0, map_len);
	return true;
}

static void add_text(struct span text, bool has_escapes, bool whole, struct buf *scratch, struct buf *keys);

static void add_large_text(struct span text, bool has_escapes, bool whole, struct buf *scratch, struct buf *keys)
{
	struct folded f = {NULL, NULL, 0, 0, 0};
	bool is_inside = has_escapes && memchr(text.p, '\\', text.len) != NULL;

	buf_reset(scratch);
	if (is_inside)
		text = unescape(text, scratch);
	f.len = text.len;
	if (!buf_ok(scratch) || !find_room(&f, &text, is_inside, scratch)) {
		keys->failed = true;
		return;
	}
	fold_text(&f, text);
	if (f.wide)
		fold_wide_in_place(&f);
	add_keys(&f, whole, keys);
}

static inline void add_small_text(struct span text, bool has_escapes, bool whole, struct buf *scratch, struct buf *keys)
{
	uint8_t small[SMALL_MAX + CHUNK];
	uint64_t map[SMALL_MAX / 64 + 1] = {0};
	struct folded f = {small, map, text.len, 0, 0};

	fold_text(&f, text);
	if (has_escapes && f.backslash) {
		text = unescape(text, scratch);
		keys->failed |= !buf_ok(scratch);
		add_text(text, false, whole, scratch, keys);
		return;
	}
	if (f.wide)
		fold_wide_in_place(&f);
	add_keys(&f, whole, keys);
}

static void add_text(struct span text, bool has_escapes, bool whole, struct buf *scratch, struct buf *keys)
{
	if (text.len > SMALL_MAX)
		add_large_text(text, has_escapes, whole, scratch, keys);
	else
		add_small_text(text, has_escapes, whole, scratch, keys);
}

/* The end of the string whose inside begins at `at`: at its closing quote, or at the end of what there is. */
static size_t find_quote(struct span json, size_t at)
{
	while (at < json.len && json.p[at] != '"')
		at += json.p[at] == '\\' && at + 1 < json.len ? 2 : 1;
	return at;
}

static bool is_punctuation(uint8_t c)
{
	return c == '[' || c == ']' || c == '{' || c == '}' || c == ',' || c == ':';
}

static size_t find_scalar_end(struct span json, size_t at)
{
	while (at < json.len && !is_punctuation(json.p[at]))
		at++;
	return at;
}

/* Canonical JSON has no blanks, and what follows a string tells whether it is a member name: no need for a stack. */
static void add_json(struct span json, bool whole, struct buf *scratch, struct buf *keys)
{
	for (size_t at = 0, end; at < json.len; at = end + 1) {
		if (json.p[at] == '"') {
			end = find_quote(json, ++at);
			if (end + 1 >= json.len || json.p[end + 1] != ':')
				add_text(span_of(json.p + at, end - at), true, whole, scratch, keys);
		} else if (is_punctuation(json.p[at])) {
			end = at;
		} else {
			end = find_scalar_end(json, at);
			add_text(span_of(json.p + at, end - at), false, whole, scratch, keys);
		}
	}
}

void token_value_keys(struct span stored, bool is_string, bool whole, struct buf *scratch, struct buf *keys)
{
	if (is_string)
		add_text(stored, true, whole, scratch, keys);
	else
		add_json(stored, whole, scratch, keys);
}
