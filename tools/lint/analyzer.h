/*
 * Included before every file the analyzer reads, and by no build: tells it what it cannot see, that an err_* call
 * returns a negative code. Without it every `if ((rc = f(...)) < 0) goto out;` has a way past, on which nothing is set.
 */
#ifndef STELE_LINT_ANALYZER_H
#define STELE_LINT_ANALYZER_H

#include "base/err.h"

static inline int analyzer_negative(int code)
{
	if (code >= 0)
		__builtin_unreachable();
	return code;
}

#undef err_set
#undef err_errno
#undef err_corrupt
#define err_set(err, code, ...)    analyzer_negative(err_set_at((err), (code), "", 0, __VA_ARGS__))
#define err_errno(err, code, ...)  analyzer_negative(err_errno_at((err), (code), "", 0, __VA_ARGS__))
#define err_corrupt(err, off, ...) analyzer_negative(err_corrupt_at((err), (off), "", 0, __VA_ARGS__))

#endif
