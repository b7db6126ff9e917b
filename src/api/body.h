/*
 * The body of a request: pieces come in as the client sends them, plain, gzip or zstd, and are kept decoded.
 *
 * Memory is bounded: BODY_BYTES_MAX as received, BODY_INFLATED_MAX decoded, and what all bodies hold together by a
 * budget. Lifecycle: zeroed, then body_begin, body_feed…, body_end; body_reset gives the charge back and keeps decoder
 * and buffer for the next request; body_release frees.
 */
#ifndef STELE_API_BODY_H
#define STELE_API_BODY_H

#include "api/budget.h"
#include "base/buf.h"
#include "base/err.h"

enum body_encoding { BODY_PLAIN, BODY_GZIP, BODY_ZSTD };

struct body {
	struct buf bytes; /* decoded so far */
	enum body_encoding encoding;
	uint64_t received_bytes; /* as the client sent them */
	uint32_t received_max;
	uint32_t inflated_max;
	bool is_complete; /* gzip, zstd: the last member or frame has ended */
	struct budget *budget;
	uint64_t charged_bytes;
	void *gzip; /* z_stream, made on first use */
	void *zstd; /* ZSTD_DStream, made on first use */
};

/* The encoding a Content-Encoding header names (NULL: none). E_MEDIA_TYPE. */
int body_encoding_of(const char *header, enum body_encoding *ret, struct err *err) __attribute__((warn_unused_result));

int body_begin(struct body *b, enum body_encoding encoding, struct budget *budget, struct err *err)
	__attribute__((warn_unused_result));

/* After body_begin: takes less than usual, as received and decoded alike. */
void body_limit(struct body *b, uint32_t max);

/* E_TOO_LARGE, E_SYNTAX (does not decompress; err->offset in the body as sent), E_UNAVAILABLE (the budget is used up),
 * E_NO_MEMORY. Nothing may be fed after a failure. */
int body_feed(struct body *b, struct span piece, struct err *err) __attribute__((warn_unused_result));

/* E_SYNTAX when a compressed body stops in its middle. */
int body_end(struct body *b, struct err *err) __attribute__((warn_unused_result));

void body_reset(struct body *b);

/* Memory of buffer and decoders. */
size_t body_held_bytes(const struct body *b);

/* After body_reset: frees what holds more than `max` bytes. A zstd decoder keeps the window of its largest frame. */
void body_trim(struct body *b, size_t max);
void body_release(struct body *b);

#endif
