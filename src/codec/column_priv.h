/* What the files of a run of text share. docs/format/column.md has the bytes. */
#ifndef STELE_CODEC_COLUMN_PRIV_H
#define STELE_CODEC_COLUMN_PRIV_H

#include "codec/column.h"

#define COLUMN_VALUES_MAX    65536u
#define COLUMN_VALUE_MAX     65535u
#define COLUMN_HEX_BYTES_MAX 64u                      /* of one HEX value */
#define COLUMN_HEX_INT_MAX   ((INT64_C(1) << 60) - 1) /* 15 digits */
#define COLUMN_UUID_BYTES    16u
#define COLUMN_UUID_LEN      36u
#define COLUMN_TYPED_MAX     (2 * COLUMN_HEX_BYTES_MAX) /* bytes of the longest value that is neither CONST nor TEXT */

/* ---- column.c ---- */

/* Writes value i of an encoding that is neither CONST nor TEXT and returns its length, at most COLUMN_TYPED_MAX. */
size_t column__write(const struct column *c, size_t i, uint8_t *to);

/* ---- column_number.c: INT, HEX_INT, IPV4, TIME ---- */

/* Reads all values as numbers of an encoding: value i to to[i * stride]. False at the first that is none. */
bool column__read_numbers(enum column_encoding encoding, const struct span *values, size_t n, int64_t *to,
			  size_t stride);

/* Writes the text of a number and returns its length; of an address the low 32 bits count. There must be room for
 * COLUMN_TYPED_MAX bytes. */
size_t column__write_number(enum column_encoding encoding, int64_t number, uint8_t *to);

/* The numbers that have a text, where not every one has. */
bool column__has_bounds(enum column_encoding encoding, int64_t *ret_min, int64_t *ret_max);

/* ---- column_hex.c: HEX, UUID ---- */

/* Bytes that each of the values would take, going by the first; 0 when it cannot be one. */
uint32_t column__row_bytes(enum column_encoding encoding, struct span first);

/* Reads all values as rows of `row_bytes` bytes: value i to `to + i * stride`. False at the first that is none. */
bool column__read_rows(enum column_encoding encoding, const struct span *values, size_t n, uint32_t row_bytes,
		       uint8_t *to, size_t stride);

/* Writes the text of a row and returns its length, with room as above. */
size_t column__write_row(enum column_encoding encoding, struct span row, uint8_t *to);

/* ---- column_rows.c: the bytes of HEX and UUID ---- */

/* Appends n rows, those byte places that vary little under zstd. */
void column__rows_put(struct buf *to, const uint8_t *rows, size_t n, uint32_t row_bytes);

/* Reads n rows: *ret_rows borrowed from `from`, or from *ret_owned, which the caller frees, when that is not NULL. */
int column__rows_get(struct reader *from, size_t n, uint32_t row_bytes, struct span *ret_rows, uint8_t **ret_owned,
		     struct err *err) __attribute__((warn_unused_result));

#endif
