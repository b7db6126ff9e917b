/*
 * A segment: one immutable run of consecutive blocks of one ledger with its indexes; docs/format/segment.md.
 *
 * The same bytes serve in memory (an image: the head's encoded blocks) and, sealed, as a file. A segment is made from
 * records (segment_build) or from neighbouring segments (segment_merge), and is read through one struct segment.
 *
 * A struct segment is immutable and may be used by many threads at once; it is reference counted. A struct block (an
 * opened block) belongs to one thread. Everything read is checked (CRC32C): damage gives E_CORRUPT with the object's
 * name and the offset, and nothing of the damaged part.
 */
#ifndef STELE_STORE_SEGMENT_H
#define STELE_STORE_SEGMENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/team.h"
#include "codec/shape.h"
#include "crypto/id_cipher.h"
#include "crypto/key_ring.h"
#include "crypto/merkle.h"
#include "store/limits.h"
#include "store/object.h"

/* What a segment carries of the ledger's Merkle tree. */
struct segment_merkle {
	struct merkle_frontier frontier; /* after the segment's last record */
	const struct sha256
		*groups; /* level-1 hashes of the groups of 256 whose last record is in the segment, in order */
	size_t group_count;
};

/* Makes the bytes of a segment of one block: records[0..count) are canonical, numbered from `first`, count <=
 * BLOCK_ROWS_MAX. `id_key` is the ledger's key for ids. Appends to `to`. */
int segment_build(uint32_t ledger, const uint8_t id_key[ID_KEY_LEN], uint64_t first, const struct span *records,
		  size_t count, const struct segment_merkle *merkle, struct buf *to, struct err *err)
	__attribute__((warn_unused_result));

struct segment;

/* Makes one segment's bytes from neighbours in order (each starts where the one before ends). Full blocks are carried
 * over, runs of short ones are rebuilt into full ones that end on multiples of BLOCK_ROWS_MAX. Never changes a record.
 * E_QUOTA when that takes more than SEGMENT_BLOCKS_MAX blocks; up to SEGMENT_ROWS_MAX records it does not. */
int segment_merge(struct segment *const *parts, size_t part_count, const uint8_t id_key[ID_KEY_LEN], struct buf *to,
		  struct err *err) __attribute__((warn_unused_result));

/* Opens a segment that is not encrypted; takes the object over, on failure too. Reads footer and directory only. */
int segment_open(struct object *object, const uint8_t id_key[ID_KEY_LEN], struct segment **ret, struct err *err)
	__attribute__((warn_unused_result));

/* Gives the key of an epoch of a ledger, for its encrypted files. E_NOT_FOUND when it was destroyed. */
typedef int segment_key_fn(void *user, uint32_t ledger, uint32_t epoch, struct key *ret_key, struct err *err);
struct segment_keys {
	segment_key_fn *get;
	void *user; /* both used while a segment is opened */
};

/* The same for an object that may be encrypted. What get failed with, E_CORRUPT when it is not the right key. */
int segment_open_sealed(struct object *object, const uint8_t id_key[ID_KEY_LEN], struct segment_keys keys,
			struct segment **ret, struct err *err) __attribute__((warn_unused_result));

/* The encrypted form of a segment's bytes, under the key of an epoch. Appends to `to`; E_NO_MEMORY. */
int segment_seal(struct span plain, const struct key *key, uint32_t epoch, struct buf *to, struct err *err)
	__attribute__((warn_unused_result));

struct segment *segment_ref(struct segment *s);
struct segment *segment_unref(struct segment *s); /* returns NULL; the last one closes the object */

uint32_t segment_ledger(const struct segment *s);
uint64_t segment_first(const struct segment *s);
uint64_t segment_next(const struct segment *s); /* one past the last record */
uint64_t segment_bytes(const struct segment *s);
int64_t segment_time_min(const struct segment *s); /* of the records' `time` */
int64_t segment_time_max(const struct segment *s);
int64_t segment_received_max(const struct segment *s);
/* When its first record was received; reads its first block's times. */
int segment_received_min(struct segment *s, int64_t *ret, struct err *err) __attribute__((warn_unused_result));
int segment_merkle_get(struct segment *s, struct segment_merkle *ret, struct err *err) /* borrowed from the segment */
	__attribute__((warn_unused_result));

/* Reads and checks everything: every checksum, every record rebuilt, its canonical form, and every Merkle group and the
 * frontier from the record bytes, starting from `before` (the frontier at segment_first). Without it (NULL: it is not
 * known) the frontier is not checked, nor a group that began in the segment before. The team (NULL: none) shares the
 * work; it is always the first fault that is told. E_CORRUPT says where. */
int segment_verify(struct segment *s, const struct merkle_frontier *before, struct team *team, struct err *err)
	__attribute__((warn_unused_result));

/* The same, alone; `pace` is called after each piece with the bytes that were read, and may sleep. A negative return
 * ends the check with it. */
typedef int segment_pace_fn(void *user, uint64_t bytes);
int segment_verify_paced(struct segment *s, const struct merkle_frontier *before, segment_pace_fn *pace, void *user,
			 struct err *err) __attribute__((warn_unused_result));

/* ---- columns, as numbered in this segment ---- */

uint32_t segment_column_count(const struct segment *s);
const struct shape_column *segment_column(const struct segment *s, uint32_t column);

/* The shapes of its records, and the one of records stored whole, whether there are such or not. */
const struct shape_set *segment_shapes(const struct segment *s);

/* ---- dictionaries ----
 * The values of a column that repeats itself are stored once a segment and blocks hold codes. Loaded on first use and
 * kept as long as the segment is open. */

struct dict {
	uint32_t count;
	const uint32_t *offset; /* [count + 1] into text */
	const uint8_t *text;
	const uint32_t *rows; /* value summary: how many records of the segment have each value; NULL when not known */
};

static inline struct span dict_get(const struct dict *d, uint32_t code)
{
	return span_of(d->text + d->offset[code], d->offset[code + 1] - d->offset[code]);
}

/* The dictionary of a column; *ret is NULL when it has none. */
int segment_column_dict(struct segment *s, uint32_t column, const struct dict **ret, struct err *err)
	__attribute__((warn_unused_result));

/* What the directory says of a column's dictionary; nothing is read. */
struct dict_info {
	uint32_t count;  /* of its values; 0: the column has none */
	bool is_counted; /* it has `rows`, and each of the column's values is in it */
};
struct dict_info segment_column_dict_info(const struct segment *s, uint32_t column);

/* ---- blocks ---- */

struct segment_block_info {
	uint64_t first;
	uint32_t rows;
	int64_t time_min;
	int64_t time_max;
	uint64_t off; /* in the object */
	uint32_t bytes;
};

uint32_t segment_block_count(const struct segment *s);
const struct segment_block_info *segment_block_info(const struct segment *s, uint32_t block);

/* The blocks that may hold a token (token.h's key): sets bits of blocks[(block_count + 63) / 64], which it clears
 * first. May name a block too many, never one too few. Reads one index page. */
int segment_lookup(struct segment *s, uint64_t key, uint64_t *ret_blocks, struct err *err)
	__attribute__((warn_unused_result));

/* An opened block keeps what was read and decoded. Closing it may keep all that for the next one who opens it
 * (block_cache.h). */
struct block;
int block_open(struct segment *s, uint32_t block, struct block **ret, struct err *err)
	__attribute__((warn_unused_result));
struct block *block_close(struct block *b);

/* Appends the canonical record of a row (row < rows). */
int block_record(struct block *b, uint32_t row, struct buf *to, struct err *err) __attribute__((warn_unused_result));

/*
 * The values of one column in one block. Value i belongs to row `row_of[i]`; rows ascend. With row_of NULL every row
 * has a value and i is the row.
 */
struct block_values {
	uint32_t count;
	const uint16_t *row_of;
	const struct dict *dict; /* not NULL: values are codes of this dictionary */
	const uint32_t *code;    /* [count] when dict is not NULL */
};

/* *ret is NULL when no row of the block has the column. It lives until block_close. */
int block_values(struct block *b, uint32_t column, const struct block_values **ret, struct err *err)
	__attribute__((warn_unused_result));

/* Appends the text of value i as it stands in the record (inside of the string, or raw JSON). Any kind of column. */
int block_value_text(struct block *b, uint32_t column, uint32_t i, struct buf *to, struct err *err)
	__attribute__((warn_unused_result));

/*
 * All values of a column without a dictionary, back to back: value i is text[offset[i]] … text[offset[i + 1]]. Made on
 * first use and kept until block_close. BLOCK_TEXTS_SLACK bytes behind the last may be read.
 */
struct block_texts {
	uint32_t count;
	const uint32_t *offset; /* [count + 1] */
	const uint8_t *text;    /* NULL: see block_texts */
};

#define BLOCK_TEXTS_SLACK 64u

/* ret->text is NULL when no row has the column, when it has a dictionary, or when memory does not allow for it
 * (BLOCK_TEXTS_BYTES_MAX for all columns of the block): then block_value_text has the values one by one. */
int block_texts(struct block *b, uint32_t column, struct block_texts *ret, struct err *err)
	__attribute__((warn_unused_result));

/* For each code of a dictionary whether the needle may stand in its text; *ret is NULL when it stands in none. The
 * caller of block_hold keeps them. */
typedef int block_dict_hits_fn(void *user, uint32_t column, const struct dict *d, const uint8_t **ret, struct err *err);

/* Sets flags[i] of each value in which the needle (codec/needle.h) may stand, where that can be told from other columns
 * without the values being made; the others stay as they are. Returns 1, flags untouched, when it cannot. */
int block_hold(struct block *b, uint32_t column, struct span needle, block_dict_hits_fn *hits, void *user,
	       uint8_t *flags, struct err *err) __attribute__((warn_unused_result));

/* The times of all rows (`time` and `received`), microseconds; [rows], until block_close. */
int block_times(struct block *b, const int64_t **ret_time, struct err *err) __attribute__((warn_unused_result));
int block_received(struct block *b, const int64_t **ret_received, struct err *err) __attribute__((warn_unused_result));

#endif
