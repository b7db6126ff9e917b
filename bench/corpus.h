/*
 * A file of events, one JSON object a line, mapped into memory. Immutable once open; any number of threads.
 */
#ifndef STELE_BENCH_CORPUS_H
#define STELE_BENCH_CORPUS_H

#include "base/err.h"
#include "base/span.h"

/* Consecutive whole lines. */
struct corpus_chunk {
	uint64_t off;
	uint64_t len;
	uint64_t events;
};

struct corpus {
	int fd;
	const uint8_t *p;
	uint64_t map_len;
	uint64_t len;    /* of the events taken */
	uint64_t events; /* taken: the first of the file */
};

/* Maps the first `events_max` events of the file and brings them into the page cache. */
int corpus_open(const char *path, uint64_t events_max, struct corpus *ret, struct err *err)
	__attribute__((warn_unused_result));
void corpus_close(struct corpus *c);

/* Cuts into chunks of at most `bytes_max` bytes (one event at least). The array is the caller's. */
struct corpus_chunk *corpus_cut(const struct corpus *c, uint64_t bytes_max, size_t *ret_count);

/* The line that begins at `off`, without its newline. */
struct span corpus_line(const struct corpus *c, uint64_t off);

/* The text of the string member `name` that first appears behind the text `after` in the line; empty when none. Enough
 * for the generator's lines, which have no escapes. */
struct span corpus_member(struct span line, const char *after, const char *name);

#endif
