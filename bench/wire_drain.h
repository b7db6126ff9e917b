/* An answer of any length that is counted as it passes by and not kept: with a Content-Length, or in chunks. */
#ifndef STELE_BENCH_WIRE_DRAIN_H
#define STELE_BENCH_WIRE_DRAIN_H

#include "wire.h"

struct wire_drained {
	int status;
	uint64_t bytes;      /* of the body, without the framing of chunks */
	uint64_t lines;      /* newlines in it */
	char beginning[256]; /* of the body, NUL-terminated */
};

/* Blocks until the answer is complete; the connection can be used again. */
int wire_drain(int fd, struct wire_drained *ret, struct err *err) __attribute__((warn_unused_result));

#endif
