/*
 * Order by a field: keys of records, and the best of them in a heap.
 *
 * Ascending: numbers before text, numbers by value, text by its folded bytes, then by its bytes, both cut to
 * SORT_KEY_MAX; true and false are text. Descending is the reverse. Records without a value come last in both
 * directions, and records of the same key in order of arrival: ascending the oldest first, descending the newest. So no
 * two records are at one place, and a page can go on behind any of them.
 */
#ifndef STELE_QUERY_SORT_PRIV_H
#define STELE_QUERY_SORT_PRIV_H

#include "base/buf.h"
#include "base/err.h"
#include "query/limits.h"

enum sort_kind { SORT_NUMBER, SORT_TEXT, SORT_NONE };

struct sort_key {
	uint64_t index; /* of the record */
	enum sort_kind kind;
	double number;
	int64_t whole;      /* the number, or the time, when it is an integer that fits; else 0 */
	struct span folded; /* SORT_TEXT */
	struct span text;   /* SORT_TEXT; of numbers that do not fit into `whole` the digits */
};

/* Makes the key of a value: the inside of a string as it stands, or a number, true or false. Borrowed from `scratch`.
 */
void sort_key_of_value(struct sort_key *key, struct span text, bool is_string, struct buf *scratch);

/* The same key with its texts at `to`. */
#define SORT_KEY_BYTES (2u * SORT_KEY_MAX)
void sort_key_copy(const struct sort_key *key, uint8_t to[SORT_KEY_BYTES], struct sort_key *ret);

/* Whether a's value is the same as b's, and whether a is listed before b. */
bool sort_key_is_same(const struct sort_key *a, const struct sort_key *b);
bool sort_key_is_before(const struct sort_key *a, const struct sort_key *b, bool ascending);

/* The `cap` keys that are listed first; the root is the last of them. Keys' texts are copied. */
struct sort_heap {
	struct sort_key *key; /* [count] owned */
	uint32_t count, cap;
	bool ascending;
	uint32_t version; /* of the root's value; counts from 1 */
	uint8_t *text;    /* [cap][SORT_KEY_BYTES] once there is a text; owned */
	uint32_t *slot;   /* [count] the key's place in `text`; owned */
};

int sort_heap_init(struct sort_heap *h, uint32_t cap, bool ascending, struct err *err)
	__attribute__((warn_unused_result));
void sort_heap_release(struct sort_heap *h);

static inline bool sort_heap_is_full(const struct sort_heap *h)
{
	return h->count == h->cap;
}

/* Whether a key would be taken. */
bool sort_heap_takes(const struct sort_heap *h, const struct sort_key *key);
/* Takes it, if so. */
int sort_heap_offer(struct sort_heap *h, const struct sort_key *key, struct err *err)
	__attribute__((warn_unused_result));

/* Puts the keys in order; it is no heap then any more. */
void sort_heap_finish(struct sort_heap *h);

#endif
