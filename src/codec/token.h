/*
 * Words: what full-text search finds and the token index holds.
 *
 * A word is a maximal run of ASCII letters, digits, '_' and bytes >= 0x80 (so of any non-ASCII character), folded to
 * lower case. Two forms are one word although they hold other bytes: a UUID (8-4-4-4-12 hex digits, not touching
 * further word characters or '-') and an IPv4 dotted quad (four runs of one to three digits, not touching further word
 * characters, nor a '.' with a digit beyond it). A word longer than TOKEN_MAX bytes counts by as many of its first
 * characters as fit into TOKEN_MAX bytes.
 *
 * Folding: ASCII, and of the two-byte characters the capitals of Latin-1, Latin Extended-A, Greek (final sigma too)
 * and Cyrillic whose small letter has two bytes as well. So a text keeps its length and every character its place.
 *
 * Index and search use this one definition, so that pruning never loses a match. Text is meant to be UTF-8; other bytes
 * do no harm.
 */
#ifndef STELE_CODEC_TOKEN_H
#define STELE_CODEC_TOKEN_H

#include "base/buf.h"
#include "base/span.h"

#define TOKEN_MAX       128u
#define TOKEN_VALUE_MAX 128u /* whole values up to this many bytes are indexed as such; not above TOKEN_MAX */

/* Appends `text` folded to lower case. The length in bytes never changes. */
void token_fold(struct buf *to, struct span text);

struct token_iter {
	struct span text;
	size_t at;
};

/* The next word of plain (unescaped) text, borrowed from it, cut to TOKEN_MAX and not folded; false at the end. */
bool token_next(struct token_iter *it, struct span *ret_word);

/* The index key of a word or of a whole value: hash64 of its folded bytes, seed 0. It counts by what a word of its
 * length counts by (the index holds no whole value that is longer than TOKEN_VALUE_MAX). */
uint64_t token_hash(struct span word_or_value);

/* Whether both are the same once folded. */
bool token_equal_folded(struct span a, struct span b);

/* Whether plain text holds these words one right after the other; they are folded already, as token_next cuts them. The
 * last may be the beginning of a word only. Every text holds no words at all. */
bool token_contains_phrase(struct span text, const struct span *folded_words, size_t n, bool last_is_prefix);

/*
 * The index keys of one stored value, in no order: of its words, and of the whole value when it is at most
 * TOKEN_VALUE_MAX bytes and `whole` is asked. A word that occurs twice gives its key twice (whoever collects them sorts
 * them anyway); a value that is one word gives one key.
 *
 * `is_string`: `stored` is the inside of a canonical JSON string (escapes are undone first); otherwise it is raw
 * canonical JSON (a number, true, null, an array …): the strings, numbers and literals within count each as a value of
 * its own, member names do not count. `scratch` is the caller's, reused. Appends u64s to `keys`, which fails when
 * `scratch` does.
 */
void token_value_keys(struct span stored, bool is_string, bool whole, struct buf *scratch, struct buf *keys);

#endif
