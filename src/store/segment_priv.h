/* What the files that read segments share; see segment.h. */
#ifndef STELE_STORE_SEGMENT_PRIV_H
#define STELE_STORE_SEGMENT_PRIV_H

#include <stdatomic.h>

#include "base/thread.h"
#include "codec/column.h"
#include "codec/template.h"
#include "crypto/boxes.h"
#include "store/block_cache.h"
#include "store/segment.h"
#include "store/segment_layout.h"
#include "store/token_index.h"

/* Runs of ints are cut so that each is within what ints.h takes. */
#define SEGMENT_RUN_MAX 65536u

/* Flags of a dictionary's directory entry. */
#define SEGMENT_DICT_PARTIAL 1u /* some block stores the column otherwise: no counts */
#define SEGMENT_DICT_MAP     2u /* a map follows */

struct segment_pack {
	uint64_t off;
	uint32_t len, raw_len, crc;
	uint8_t *raw; /* loaded: owned */
};

/* A column's dictionary: where it is, and once loaded what it holds. */
struct segment_dict {
	uint32_t pack;
	uint32_t at; /* in the pack */
	uint32_t count;
	uint32_t text_len;
	uint8_t flags;
	uint32_t map_from; /* column or MAP_FROM_SHAPE */
	uint32_t map_count;
	_Atomic bool loaded;
	struct dict dict; /* arrays owned */
	uint32_t *map;    /* owned */
};

struct segment {
	_Atomic uint32_t refs;
	struct object *object;
	struct boxes *boxes; /* NULL: the object is plain */
	uint64_t size;       /* of the segment in plain */
	uint8_t id_key[ID_KEY_LEN];
	uint32_t ledger;
	uint64_t first, next;
	int64_t time_min, time_max, received_max;
	struct shape_set *shapes;
	struct segment_block_info *block;
	uint32_t *header_bytes; /* per block */
	uint32_t block_count;
	struct segment_pack *pack;
	uint32_t pack_count;
	struct segment_dict **dict; /* per column; NULL: none */
	struct token_index *index;
	uint64_t index_off, index_len;
	uint64_t groups_off;
	uint64_t group_count;
	uint32_t groups_crc;
	struct merkle_frontier frontier;
	struct mutex load_mutex; /* guards loading of packs, dictionaries and groups */
	struct sha256 *groups;   /* once loaded */
	_Atomic(struct id_cipher *) idle_ids;
	struct block_cache *cache; /* borrowed; NULL: none */
	struct block **idle;       /* [block_count] opened blocks in the cache, by ->next_same; guarded by the cache */
};

/* Reads bytes of the plain segment between header and footer; they are inside of it (s->size). segment_seal.c */
int segment__read(struct segment *s, uint64_t off, size_t len, uint8_t *to, struct err *err);
/* The plain bytes in place when they are in memory, else NULL. */
static inline const uint8_t *segment__memory(const struct segment *s)
{
	return s->boxes ? NULL : object_memory(s->object);
}
/* Makes segment__read open the boxes of an encrypted object, whose header and footer are given. */
int segment__unseal(struct segment *s, struct segment_keys keys, const uint8_t header[SEGMENT_HEADER_BYTES],
		    const uint8_t footer[SEGMENT_FOOTER_BYTES], struct err *err);

const struct token_index *segment__index(const struct segment *s);
int segment__index_page(struct segment *s, uint32_t page, struct buf *to, struct err *err);
/* Passes rc on; when it is E_CORRUPT with an offset in the page, err gets the object's name and the offset in it. */
int segment__index_damaged(const struct segment *s, uint32_t page, int rc, struct err *err);

/* The dictionary of a column, loaded; E_CORRUPT when the column has none. */
int segment__dict(struct segment *s, uint32_t column, const struct segment_dict **ret, struct err *err);

/* A cipher for ids of its own for whoever reads records; making one takes microseconds, so the last one is kept. */
struct id_cipher *segment__take_ids(struct segment *s);
void segment__give_ids(struct segment *s, struct id_cipher *ids);

/* Names the object in err and passes rc on. The second also says where, unless err knows the object already: what reads
 * a part knows only where in the part. */
int segment__damaged(const struct segment *s, int rc, struct err *err);
int segment__damaged_at(const struct segment *s, uint64_t off, int rc, struct err *err);

/* Reads the directory (inflated) into s. */
int segment__read_directory(struct segment *s, struct span directory, struct err *err);

/* ---- opened blocks ---- */

/* So many values of a column are looked up one by one before all are decoded, which takes as long. */
#define BLOCK_VALUES_BY_ONE 128u
/* Texts put together from others take longer: one in so many of a column's values before all are made. */
#define BLOCK_TEXTS_BY_ONE 4u
/* Ids made at a time when rows are read one after the other. */
#define BLOCK_IDS 64u

/* One stored column of a block. */
struct block_slot {
	uint32_t column;
	enum slot_kind kind;
	uint32_t from;  /* SLOT_DERIVED */
	uint32_t *refs; /* SLOT_TEMPLATE: slots' places; owned */
	uint32_t ref_count;
	uint32_t len;
	uint32_t crc;
	uint32_t off; /* of the chunk in the block; inline chunks: in the header */
	bool is_inline;
	uint32_t count;     /* values */
	uint32_t shapes_at; /* its shapes: shapes_count places from block.slot_shapes[shapes_at] */
	uint32_t shapes_count;
	uint32_t places_asked; /* one by one */
	uint32_t at_place;     /* found last */
	uint32_t values_asked; /* one by one */

	bool opened;
	struct span chunk;
	uint8_t *owned;    /* the chunk when it was read by itself */
	struct ints codes; /* SLOT_DICT */
	struct column run; /* SLOT_COLUMN */
	struct template_run *templates;
	const struct segment_dict *dict;
	struct block_values values;
	bool values_made;
	uint16_t *row_of;
	uint32_t *code;

	enum { TEXTS_UNKNOWN, TEXTS_BEING_MADE, TEXTS_MADE } texts_asked;
	bool texts_tried;         /* for reading values one by one */
	struct block_texts texts; /* once made; without text when there are none to be had */
	unsigned texts_height;    /* how many columns deep their references lead */
	uint8_t *made_text;       /* owned */
	uint32_t *made_offset;    /* owned */
};

struct block {
	struct segment *segment;
	uint32_t number;
	struct segment_block_info info;
	uint8_t *header;
	uint32_t header_len;
	uint8_t *whole; /* the whole block, once a record was asked for */
	uint32_t shape_count;
	uint32_t *shape;      /* [shape_count] segment shape numbers */
	uint16_t *row_shape;  /* [rows] places in `shape` */
	uint16_t *shape_rows; /* [shape_count] rows of each */
	uint32_t time_len, time_crc, received_len, received_crc;
	uint32_t time_off;
	int64_t *time, *received;
	struct block_slot *slot;
	uint32_t slot_count;
	uint32_t *slot_of;      /* per column: place of its slot + 1 */
	uint32_t *slot_shapes;  /* the shapes (places in `shape`) that have each slot's column, slot by slot */
	uint16_t *shape_before; /* [shape_count] rows before `at_row` that have each shape; made when asked for */
	uint32_t at_row;
	size_t texts_bytes; /* of texts that were made */

	/* the cache's (block_cache.c) */
	bool is_kept; /* goes there when it is closed */
	size_t idle_bytes;
	struct block *newer, *older, *next_same;

	struct id_cipher *ids; /* the segment's, taken when a record is asked for */
	uint32_t id_from;      /* rows [id_from, id_to) have their ids in id_text */
	uint32_t id_to;
	uint8_t *id_text;
};

/* block_open without the cache: for who reads a block once (a merge), or to see whether it is sound on the disk. */
int block__open(struct segment *s, uint32_t number, struct block **ret, struct err *err);
/* Frees a block that holds no reference to its segment and no cipher; looks at neither. */
void block__free(struct block *b);
size_t block__memory(const struct block *b);

/* block_cache.c: an idle block, or NULL; gives one back, to be kept or freed; frees all of a segment that goes. */
struct block *block__take_idle(struct segment *s, uint32_t number);
void block__give_idle(struct block *b);
void block__drop_idle(struct segment *s);

/* Reads the block in one go: a record needs nearly all of it, a merge all. */
int block__read_whole(struct block *b, struct err *err);
int block__open_chunk(struct block *b, struct block_slot *s, struct err *err);
static inline int block__open_slot(struct block *b, struct block_slot *s, struct err *err)
{
	return s->opened ? 0 : block__open_chunk(b, s, err);
}
void block__release_chunk(struct block_slot *s);
struct block_slot *block__slot(struct block *b, uint32_t column);
/* The place of a row's value in its column. block_place.c */
int block__find_place(struct block *b, struct block_slot *s, uint32_t row, uint32_t *ret, struct err *err);
static inline int block__place(struct block *b, struct block_slot *s, uint32_t row, uint32_t *ret, struct err *err)
{
	must(row < b->info.rows);
	*ret = row;
	return s->count == b->info.rows ? 0 : block__find_place(b, s, row, ret, err);
}
/* Adds the rows [from, to) of each shape to counts[shape_count]. */
void block__count_shapes(const struct block *b, uint32_t from, uint32_t to, uint16_t *counts);
/* The row of value i. */
uint32_t block__row(struct block *b, struct block_slot *s, uint32_t i);
/* Fills s->row_of, unless every row has a value. */
void block__make_rows(struct block *b, struct block_slot *s);
/* The code of value i, which is row's, for SLOT_DICT and SLOT_DERIVED. */
int block__code(struct block *b, struct block_slot *s, uint32_t i, uint32_t row, uint32_t *ret, struct err *err);
int block__damaged(const struct block *b, int64_t off, struct err *err, const char *what);
/* Codes of all values into s->code. */
int block__codes(struct block *b, struct block_slot *s, struct err *err);
/* Texts of all values into s->texts, as block_texts has them. block_texts.c */
int block__texts(struct block *b, struct block_slot *s, struct err *err);
/* For each value of s the number of `source`'s text in its row: a code, or a place. Unless value i goes with value i
 * (or its code), *ret is new and *ret_owned, to be freed, as well. */
int block__number_texts(struct block *b, struct block_slot *s, struct block_slot *source, const uint32_t **ret,
			uint32_t **ret_owned, struct err *err);

#endif
