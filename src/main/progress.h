/* A progress line on a terminal, redrawn in place; nothing where standard error is no terminal. */
#ifndef STELE_MAIN_PROGRESS_H
#define STELE_MAIN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool is_shown;
	int64_t start_ns;
	int64_t last_ns;
};

void progress_start(struct progress *p, bool is_quiet);

/* Draws at most ten times a second. `size_bytes` 0: not known. */
void progress_draw(struct progress *p, uint64_t events, uint64_t done_bytes, uint64_t size_bytes);

void progress_end(struct progress *p); /* clears the line */

#endif
