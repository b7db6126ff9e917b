/* Input files of commands: plain, gzip or zstd (found by their first bytes), or standard input ("-"). */
#ifndef STELE_MAIN_INPUT_H
#define STELE_MAIN_INPUT_H

#include "base/err.h"
#include "base/span.h"

struct input;

int input_open(const char *path, struct input **ret, struct err *err) __attribute__((warn_unused_result));
struct input *input_close(struct input *in);

/* Reads up to `len` decompressed bytes; 0 at the end. E_IO, E_SYNTAX (damaged compression). */
int64_t input_read(struct input *in, uint8_t *to, size_t len, struct err *err) __attribute__((warn_unused_result));

/* How far it came in the file, for progress; size 0 when it is not known. */
void input_progress(const struct input *in, uint64_t *ret_done_bytes, uint64_t *ret_size_bytes);

#endif
