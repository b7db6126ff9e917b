/*
 * A segment in the making: shapes, dictionaries, maps between dictionaries, finished blocks, index keys. segment_build
 * and segment_merge fill one, draft_finish writes what stands behind the blocks. Blocks go straight into the output.
 *
 * One thread uses a draft.
 */
#ifndef STELE_STORE_DRAFT_H
#define STELE_STORE_DRAFT_H

#include "store/segment.h"
#include "store/segment_layout.h"

/* A dictionary grows no further; a column that needs more is stored as values. Bounds what a query must load. */
#define DICT_COUNT_MAX 131072u
#define DICT_BYTES_MAX (16u << 20)

struct draft_dict {
	uint32_t count, cap;
	uint32_t *offset; /* [cap + 1] into text */
	uint64_t *hash;   /* [cap] */
	uint32_t *rows;   /* [cap] records that have the value */
	uint32_t *slot;   /* hash table of code + 1 */
	uint32_t slot_count;
	struct buf text;
	bool partial; /* some block stores the column's values another way: `rows` is no count of all */
};

/* Decides a column's code from another column's code (or from the shape). */
struct draft_map {
	uint32_t from; /* column or MAP_FROM_SHAPE */
	uint32_t *to;  /* [cap] code, or MAP_UNKNOWN */
	uint32_t cap;
};

struct draft_block {
	struct segment_block_info info;
	uint32_t header_bytes;
};

/* Index keys of one block, ascending and unique. */
struct draft_keys {
	uint16_t block;
	uint64_t *key; /* owned */
	size_t count;
};

/* Index entries taken over from a segment: block_of[old block] is the new block, or 0xffff when it was rebuilt. */
struct draft_index {
	struct segment *segment;
	uint16_t *block_of; /* owned */
};

struct draft {
	uint32_t ledger;
	uint64_t first, next;
	struct id_cipher *ids;
	struct buf *to; /* the output */
	size_t start;   /* where the segment starts in it */
	struct shape_set *shapes;
	uint32_t raw_shape;
	bool has_raw;             /* some record is stored raw: no dictionary counts it */
	struct draft_dict **dict; /* [column_cap] per column, NULL: none */
	struct draft_map **map;   /* [column_cap] per target column */
	uint32_t column_cap;
	struct draft_block *block;
	uint32_t block_count, block_cap;
	struct draft_keys *keys;
	size_t keys_count, keys_cap;
	struct draft_index *index;
	size_t index_count, index_cap;
	int64_t time_min, time_max, received_max;
};

void draft_start(struct draft *d, uint32_t ledger, const uint8_t id_key[ID_KEY_LEN], uint64_t first, struct buf *to);
void draft_release(struct draft *d);

/* Adds a block of records numbered from d->next. */
int draft_add_records(struct draft *d, const struct span *records, size_t count, struct err *err)
	__attribute__((warn_unused_result));

/* Writes packs, index, groups, directory and footer. */
int draft_finish(struct draft *d, const struct segment_merkle *merkle, struct err *err)
	__attribute__((warn_unused_result));

/* ---- for those who make blocks ---- */

/* Makes room for columns the shape set has learnt since. */
void draft_fit_columns(struct draft *d);
/* The column's dictionary, made when missing. */
struct draft_dict *draft_dict(struct draft *d, uint32_t column);
/* The code of a value, added when new; false when the dictionary is full. */
bool draft_dict_intern(struct draft_dict *x, struct span value, uint64_t hash, uint32_t *ret_code);
/* Sets map[from_code] = code; false on contradiction. */
bool draft_map_set(struct draft_map *m, uint32_t from_code, uint32_t code);
struct draft_map *draft_map_new(struct draft *d, uint32_t column, uint32_t from);
void draft_keys_add(struct draft *d, uint16_t block, uint64_t *key, size_t count);  /* takes `key` over */
void draft_index_add(struct draft *d, struct segment *segment, uint16_t *block_of); /* takes `block_of` over */

/* One column of a block to be written. */
struct draft_slot {
	uint32_t column;
	enum slot_kind kind;
	uint32_t from;  /* SLOT_DERIVED */
	uint32_t *refs; /* SLOT_TEMPLATE: columns; borrowed */
	uint32_t ref_count;
	struct span chunk; /* borrowed */
};

/* Writes a block: header and chunks, slots ascending by column. shape[row] are numbers of d->shapes. Advances d->next.
 */
int draft_put_block(struct draft *d, const uint32_t *shape, size_t rows, const struct draft_slot *slots,
		    size_t slot_count, const int64_t *time, const int64_t *received, struct err *err)
	__attribute__((warn_unused_result));

/* Merges all keys into index pages (to d->to) and a table. */
int draft__write_index(struct draft *d, struct buf *table, uint64_t *ret_off, uint64_t *ret_len, struct err *err)
	__attribute__((warn_unused_result));

#endif
