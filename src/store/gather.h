/*
 * The records of one block, cut into columns: the first step of encoding.
 *
 * Values are borrowed from the records. Column numbers are those of the draft's shape set. A record that cannot be cut,
 * or whose id, time or received is not what its number says, is gathered whole under the raw shape.
 */
#ifndef STELE_STORE_GATHER_H
#define STELE_STORE_GATHER_H

#include "codec/token.h"
#include "store/draft.h"

struct gather_column {
	uint32_t column;
	uint32_t count, cap;
	struct span *value; /* [count] */
	uint16_t *row;      /* [count] ascending */
	uint16_t *at_row;   /* [rows]: place of the row's value, 0xffff: none; made by gather_at_row */
	uint64_t bytes;     /* of all values */

	/* what encoding decides */
	enum slot_kind kind;
	bool decided;
	bool pinned;   /* another column's codes are derived from it */
	uint32_t from; /* SLOT_DERIVED */
	uint32_t distinct;
	uint32_t *code; /* [count] the draft dictionary's codes */
	uint32_t *refs; /* SLOT_TEMPLATE: columns */
	uint32_t ref_count;
	uint32_t ref_depth; /* how many columns deep they lead */
	struct buf chunk;
	struct buf keys; /* index keys of its values, u64s, may repeat */
};

struct gather {
	struct draft *d;
	size_t rows;
	uint64_t first;
	const struct span *records;
	uint32_t *shape;   /* [rows] */
	int64_t *time;     /* [rows] */
	int64_t *received; /* [rows] */
	uint32_t shapes_used;
	struct gather_column **column; /* [column_cap] by column number, NULL: no value in the block */
	uint32_t column_cap;
	uint32_t *present; /* numbers of the columns with values, ascending once sorted */
	uint32_t present_count, present_cap;
};

/* `raw`: store every record whole. */
int gather_records(struct gather *g, struct draft *d, const struct span *records, size_t count, bool raw,
		   struct err *err) __attribute__((warn_unused_result));
void gather_release(struct gather *g);

/* Whether every row has a value. */
static inline bool gather_is_full(const struct gather *g, const struct gather_column *c)
{
	return c->count == g->rows;
}

const uint16_t *gather_at_row(const struct gather *g, struct gather_column *c);

/* ---- the steps of encoding, in order; each in a file of its own ---- */

/* Columns that repeat themselves get codes of the draft's dictionaries. gather_dict.c */
void gather_make_dicts(struct gather *g);
/* Columns whose code follows from another's become maps. gather_map.c */
void gather_make_maps(struct gather *g);
/* All others become typed columns, templates or text. gather_text.c */
int gather_make_columns(struct gather *g, struct err *err) __attribute__((warn_unused_result));
/* Tries references alone: for a column that is written from others. gather_text.c */
bool gather_try_refs(struct gather *g, struct gather_column *c);
/* Codes become chunks. gather_dict.c */
void gather_put_codes(struct gather *g);
/* Whether the chunks give back the values. gather_check.c */
bool gather_check(const struct gather *g);
/* The index keys of the block into the draft. gather_keys.c */
int gather_make_keys(struct gather *g, uint16_t block, struct err *err) __attribute__((warn_unused_result));
/* Whether whole values of the column are indexed besides their words. */
bool gather_indexes_whole(const struct gather *g, const struct gather_column *c);
/* Keys of the words of plain text; of a whole stored string. */
void gather_plain_keys(struct span text, struct buf *keys);
void gather_whole_key(struct span stored, struct buf *scratch, struct buf *keys);
/* Keys of one value. */
void gather_value_keys(const struct gather *g, const struct gather_column *c, struct span value, struct buf *scratch,
		       struct buf *keys);

#endif
