/*
 * Errors: functions that can fail return an int, 0 for success and a negative E_* code; a positive value means only
 * "found" or "end" where the function says so. Where a human will read it, a function also takes `struct err *err`
 * (last, may be NULL), which it fills on failure and leaves alone on success.
 *
 * A message says what is wrong, where, and what would be accepted. It never holds a secret. Filling sets code, message
 * and source, and leaves field, position and offset (but err_corrupt's) to what the caller has set.
 */
#ifndef STELE_BASE_ERR_H
#define STELE_BASE_ERR_H

#include <stddef.h>
#include <stdint.h>

enum err_code {
	E_OK = 0,
#define ERR(name, value, wire, status, meaning) name = value,
#include "base/err.tbl"
#undef ERR
};

#define ERR_MESSAGE_MAX 320
#define ERR_FIELD_MAX   160

struct err {
	int code;
	char message[ERR_MESSAGE_MAX]; /* NUL-terminated UTF-8, cut at a character boundary */
	char field[ERR_FIELD_MAX];     /* member path, parameter or file the error is about; "" when none */
	int64_t position;              /* index in a batch; -1 when none */
	int64_t offset;                /* byte offset in the input or file; -1 when none */
	const char *source_file;       /* where in the program it was found */
	int source_line;
	uint32_t retry_s; /* of E_QUOTA, E_RATE and E_UNAVAILABLE: when it makes sense to try again; 0: nothing is known
			   */
};

#define ERR_INIT                                                                                                       \
	{                                                                                                              \
		0, "", "", -1, -1, NULL, 0, 0                                                                          \
	}

/* Tells the compiler and the analyzer what they cannot see across files: an err_* call returns a negative code. */
static inline int err_negative(int code)
{
	if (code >= 0)
		__builtin_unreachable();
	return code;
}

/* Fills *err (when not NULL) and returns `code`, which is negative: `return err_set(err, E_INVALID, "…", …);` */
#define err_set(err, code, ...) err_negative(err_set_at((err), (code), __FILE__, __LINE__, __VA_ARGS__))
int err_set_at(struct err *err, int code, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* The same for an errno value, of either sign: ENOSPC and EDQUOT become E_NO_SPACE, ENOENT E_NOT_FOUND, the rest E_IO;
 * the message is "<what>: <strerror>". */
#define err_errno(err, errno_value, ...)                                                                               \
	err_negative(err_errno_at((err), (errno_value), __FILE__, __LINE__, __VA_ARGS__))
int err_errno_at(struct err *err, int errno_value, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Corruption found at `off` of what `field` of err (set by the caller that knows the path) names. Returns E_CORRUPT. */
#define err_corrupt(err, off, ...) err_negative(err_corrupt_at((err), (off), __FILE__, __LINE__, __VA_ARGS__))
int err_corrupt_at(struct err *err, int64_t off, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Names the member, parameter or file the error is about, unless it is named already; cut at ERR_FIELD_MAX. */
void err_set_field(struct err *err, const char *field, size_t len);

/* From the table: the code's name ("E_IO"), its wire name ("io"), its HTTP status, its meaning. */
const char *err_name(int code);
const char *err_wire(int code);
int err_http_status(int code);
const char *err_meaning(int code);

/* Programmer errors abort, in release too, with file, line and expression on standard error. */
#define must(x) ((x) ? (void)0 : must_fail(#x, __FILE__, __LINE__))
_Noreturn void must_fail(const char *expr, const char *file, int line);

#endif
