/*
 * NDJSON cut into batches at line ends: the same input and size always give the same batches, so that their
 * idempotency keys are the same when a command is run again.
 */
#ifndef STELE_MAIN_BATCH_H
#define STELE_MAIN_BATCH_H

#include "base/buf.h"
#include "main/input.h"

struct batch {
	struct batch *next;
	struct buf text;
	uint64_t off;        /* of its first byte in the decompressed input */
	uint64_t first_line; /* counts from 1 */
};

struct batch *batch_free(struct batch *b);

/* The line of the input that holds event `position` of the batch (blank lines are no events). */
uint64_t batch_line_of(const struct batch *b, uint64_t position);

struct batch_reader {
	struct input *input; /* borrowed */
	size_t bytes_max;    /* of a batch, unless one line alone is longer */
	uint32_t lines_max;
	struct buf rest; /* read and not yet given out */
	uint64_t off;
	uint64_t line;
	bool at_end;
};

/* 1 and *ret, which the caller frees; 0 at the end; negative E_*. */
int batch_read(struct batch_reader *r, struct batch **ret, struct err *err) __attribute__((warn_unused_result));
void batch_reader_release(struct batch_reader *r);

#endif
