/*
 * Values and how many records have each, counted in bounded memory: when a table is full the rarer half of its values
 * goes, and it is remembered by how much a count may be too small from then on.
 */
#ifndef STELE_QUERY_VALUE_TABLE_PRIV_H
#define STELE_QUERY_VALUE_TABLE_PRIV_H

#include "base/buf.h"

struct value_entry {
	uint64_t count;
	uint64_t stamp; /* the last one it was counted with */
	uint32_t hash;
	uint32_t len;
	size_t off; /* in the table's text */
};

struct value_table {
	struct value_entry *entry; /* [count] owned */
	uint32_t count, cap;
	uint32_t *slot; /* [slot_count] places in `entry` + 1; owned */
	uint32_t slot_count;
	struct buf text;
	uint64_t seed;
	uint32_t values_max; /* 0: no limit */
	size_t bytes_max;    /* of text */
	uint64_t sum;        /* of all counts that were added */
	uint64_t error;      /* by how much a count may be too small */
	uint32_t most;       /* values held at once, before some went */
	bool failed;         /* memory was out; the table is of no use */
};

/* `seed` keeps clients from choosing values that collide; tables that are merged have the same. */
void value_table_init(struct value_table *t, uint64_t seed, uint32_t values_max, size_t bytes_max);
void value_table_release(struct value_table *t);
void value_table_reset(struct value_table *t); /* empty again, memory kept */

/* Counts a value `count` times, unless it was counted with this stamp before. Stamps are not 0. */
void value_table_add(struct value_table *t, struct span value, uint64_t count, uint64_t stamp);

/* Adds what the other has counted. */
void value_table_merge(struct value_table *to, const struct value_table *from);

static inline struct span value_table_text(const struct value_table *t, const struct value_entry *e)
{
	return span_of(t->text.p + e->off, e->len);
}

/* At least so many different values were added; exactly, when error is 0. */
static inline uint32_t value_table_distinct(const struct value_table *t)
{
	return t->most > t->count ? t->most : t->count;
}

/* The values with the highest counts, highest first, equal ones by value: up to `limit` places in `entry`, freed by the
 * caller. NULL when memory is out. */
uint32_t *value_table_top(const struct value_table *t, uint32_t limit, uint32_t *ret_count);

/* A value as it is shown: unescaped, and cut to FACET_VALUE_MAX at a character. Borrowed from `text` or `scratch`. */
struct span value_plain(struct span text, bool is_string, struct buf *scratch);

#endif
