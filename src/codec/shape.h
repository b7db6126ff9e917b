/*
 * Shapes: a canonical record is literal text with holes, and records of one kind differ only in the holes.
 *
 *   {"action":"␣","actor":{"id":"␣"},"id":"␣","received":"␣"}
 *
 * A hole is the inside of a JSON string (as it stands, escapes and all) or another value as raw JSON (number, true,
 * null, array, empty object). A column is a path and whether its holes are strings. Path: the escaped member names
 * joined by the byte 0x1f, which no escaped name can hold. So cutting is comparing literals, rebuilding is
 * concatenation, and both are exact by construction.
 *
 * A shape_set learns shapes from the records it cuts; it grows and never forgets. It is used by one thread at a time.
 * Records should be canonical JSON; from others a set may learn nonsense, which does no harm. A set refuses (E_QUOTA)
 * what goes past SHAPE_MAX shapes, SHAPE_COLUMNS_MAX columns or SHAPE_BYTES_MAX: the caller then stores the record raw.
 */
#ifndef STELE_CODEC_SHAPE_H
#define STELE_CODEC_SHAPE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/reader.h"
#include "codec/limits.h"

#define SHAPE_MAX         16384u
#define SHAPE_COLUMNS_MAX 16384u
#define SHAPE_BYTES_MAX   (64u << 20) /* of names and literals; keeps a segment's directory within what is read back */
#define SHAPE_PATH_SEP    0x1f

struct shape_column {
	struct span path; /* owned by the set */
	bool is_string;
};

struct shape {
	uint32_t hole_count;
	const uint32_t *column;     /* [hole_count]; owned by the set */
	const struct span *literal; /* [hole_count + 1]; owned by the set */
};

struct shape_set;
struct shape_set *shape_set_new(void);
struct shape_set *shape_set_free(struct shape_set *s);

/* Cuts a record: its shape's number, and its holes in order into holes[RECORD_VALUES_MAX], borrowed from `record`.
 * E_QUOTA as above, E_CORRUPT when the bytes are no canonical JSON object. */
int shape_cut(struct shape_set *s, struct span record, uint32_t *ret_shape, struct span *ret_holes)
	__attribute__((warn_unused_result));

uint32_t shape_set_count(const struct shape_set *s);
uint32_t shape_set_column_count(const struct shape_set *s);
const struct shape *shape_set_get(const struct shape_set *s, uint32_t shape);
const struct shape_column *shape_set_column(const struct shape_set *s, uint32_t column);

/* Adds a column or a shape as read from a segment, or finds the equal one. Columns of a shape are numbers in this set,
 * each at most once (else E_CORRUPT: an object has no two members of one name). E_QUOTA as above. */
int shape_set_add_column(struct shape_set *s, struct span path, bool is_string, uint32_t *ret_column);
int shape_set_add(struct shape_set *s, const uint32_t *column, const struct span *literal, uint32_t hole_count,
		  uint32_t *ret_shape);

#endif
