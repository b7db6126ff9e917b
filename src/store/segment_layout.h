/*
 * Where things lie in a segment; docs/format/segment.md says the same in tables.
 *
 *   header | block 0 | block 1 | … | dictionary packs | index pages | Merkle groups | directory | footer
 *
 * A file is the same with everything between header and footer sealed; an image in memory is plain.
 *
 * All integers are little-endian. The footer has a fixed size and is found from the end; it leads to the directory,
 * which leads to the rest. A block is its header (CRC32C first), then its chunks.
 */
#ifndef STELE_STORE_SEGMENT_LAYOUT_H
#define STELE_STORE_SEGMENT_LAYOUT_H

#define SEGMENT_MAGIC        "STELESEG"
#define SEGMENT_MAGIC_LEN    8
#define SEGMENT_VERSION      1
#define SEGMENT_HEADER_BYTES 16 /* magic, u16 version, u16 flags, u32 zero */
#define SEGMENT_FOOTER_BYTES 80

/* Incompatible flags: a reader refuses bits it does not know. */
#define SEGMENT_F_ENCRYPTED 1u /* what lies between header and footer is in boxes (crypto/boxes.h) */
#define SEGMENT_F_KNOWN     1u

/* Behind the header of an encrypted file: u32 epoch, 16 random bytes, u32 bytes of a box, u32 zero, u32 CRC32C of
 * header and all this. Offsets in the directory and in the footer are those that the plain segment would have. */
#define SEGMENT_SEAL_BYTES 32
#define SEGMENT_SALT_BYTES 16

/* A directory larger than this is taken for damage. */
#define SEGMENT_DIRECTORY_MAX (256u << 20)

/* Columns every segment starts with, in this order: their values are not stored as columns. */
enum segment_fixed_column {
	COLUMN_ID,       /* derived from the record's number */
	COLUMN_TIME_OF,  /* "time": from the block's times */
	COLUMN_RECEIVED, /* "received": from the block's received times */
	COLUMN_RAW,      /* the empty path: a record stored whole */
	COLUMN_FIXED_COUNT,
};

/* How a block stores a column. */
enum slot_kind {
	SLOT_DICT = 0,     /* ints: codes of the column's dictionary */
	SLOT_DERIVED = 1,  /* nothing: the column's map and another column's code (or the shape) decide */
	SLOT_COLUMN = 2,   /* column.h */
	SLOT_TEMPLATE = 3, /* template.h */
};

/* How many columns deep references of templates may lead; a writer keeps to it, so that more is damage. */
#define SEGMENT_REF_DEPTH_MAX 16u

/* A chunk up to this long stands in the block's header, under the header's checksum. */
#define SLOT_INLINE_MAX 24u

/* Dictionaries are packed together, in column order, until a pack has about so many bytes: the unit that is loaded. */
#define PACK_BYTES     (256u << 10)
#define PACK_BYTES_MAX (64u << 20) /* one dictionary at its limits (draft.h), counts and map included, is below it */

/* A map's source when the shape decides. */
#define MAP_FROM_SHAPE 0xffffffffu
#define MAP_UNKNOWN    0xffffffffu

#endif
