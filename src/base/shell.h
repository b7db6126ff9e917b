/* What a command prints, for secrets that are kept elsewhere: within limits, and in the caller's memory alone. */
#ifndef STELE_BASE_SHELL_H
#define STELE_BASE_SHELL_H

#include "base/err.h"

/* Runs `command` with /bin/sh -c and takes what it prints to standard output, `cap` bytes at most; its standard error
 * is ours, its standard input is empty. E_TOO_LARGE when it prints more, E_TIMEOUT when it takes longer (it is ended
 * then), E_IO when it cannot be run or ends with another status than 0. After a failure nothing is left in `to`. */
int shell_read(const char *command, int64_t timeout_ms, uint8_t *to, size_t cap, size_t *ret_len, struct err *err)
	__attribute__((warn_unused_result));

#endif
