/*
 * A run of text values (one column of one block, or one hole of a template) in few bytes, with random access. The
 * encoding follows from what the values are:
 *
 *   CONST    all the same
 *   INT      decimal integers of int64 range in canonical form (no leading zeros, no "-0")      via ints.h
 *   HEX_INT  lower-case hex without leading zeros, at most 15 digits                              via ints.h
 *   HEX      lower-case hex of one even length from 2 to 128: half as many bytes; byte places that vary
 *            little (of UUID as well) under zstd when that saves a tenth
 *   UUID     8-4-4-4-12 lower-case hex: 16 bytes
 *   IPV4     dotted quads without leading zeros                                                   via ints.h
 *   TIME     canonical timestamps (timestamp.h)                                                   via ints.h
 *   TEXT     lengths via ints.h, bytes back to back, under zstd when that is smaller
 *
 * Every encoding gives back the same bytes. Values are at most 65,535 bytes, n at most 65,536.
 */
#ifndef STELE_CODEC_COLUMN_H
#define STELE_CODEC_COLUMN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/reader.h"
#include "codec/ints.h"

enum column_encoding {
	COLUMN_CONST,
	COLUMN_INT,
	COLUMN_HEX_INT,
	COLUMN_HEX,
	COLUMN_UUID,
	COLUMN_IPV4,
	COLUMN_TIME,
	COLUMN_TEXT,
};

/* Appends `n` values; n >= 1. The first byte says the encoding. Only memory can fail (buf_ok). */
enum column_encoding column_encode(const struct span *values, size_t n, struct buf *to);

/* Which encoding the values would get, TEXT when none of the typed ones fits; looks at all of them. */
enum column_encoding column_classify(const struct span *values, size_t n);

/* An opened run; the members are column.c's. */
struct column {
	enum column_encoding encoding;
	uint32_t n;
	uint32_t value_len; /* HEX, UUID: text bytes a value */
	struct ints ints;   /* the numbers; for TEXT the lengths */
	struct span bytes;  /* CONST: the value; HEX, UUID, TEXT: the bytes */
	uint32_t *offsets;  /* TEXT: owned, n + 1 */
	uint8_t *inflated;  /* TEXT under zstd: owned */
};

/* Reads one run of `n` values off the front of `from`, which must outlive it. E_CORRUPT, E_NO_MEMORY. */
int column_open(struct column *c, struct reader *from, size_t n, struct err *err) __attribute__((warn_unused_result));
void column_release(struct column *c);

/* Bytes that may be read behind the end of texts that were inflated: so they can be copied and searched in steps. */
#define COLUMN_SLACK 64u

/* Bytes of memory that the run owns. */
size_t column_memory(const struct column *c);

/* Appends value i to `to`. */
void column_get(const struct column *c, size_t i, struct buf *to);

/* For many column_get to come: see ints_decode. */
void column_decode(struct column *c);

/* Sets flags[i] of each value in which the needle may stand: by looking at texts, by what digits an encoding has. The
 * others stay as they are. */
void column_hold(const struct column *c, struct span needle, uint8_t *flags);

/* The number behind value i: INT its value, TIME microseconds, IPV4 the address as u32; false for the others. */
bool column_number(const struct column *c, size_t i, int64_t *ret);

#endif
