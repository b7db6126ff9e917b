/*
 * Errors. A message is formatted into a local buffer first, so that a caller may wrap a message in itself:
 * err_set(err, code, "opening the store: %s", err->message).
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct err_row {
	int code;
	const char *name;
	const char *wire;
	int status;
	const char *meaning;
};

static const struct err_row rows[] = {
#define ERR(name, value, wire, status, meaning) {name, #name, wire, status, meaning},
#include "base/err.tbl"
#undef ERR
};

static const struct err_row row_ok = {E_OK, "E_OK", "ok", 200, "no error"};

/* A code that is not in the table is a fault in the server, and is shown as one. */
static const struct err_row *find_row(int code)
{
	const struct err_row *internal = NULL;

	if (code == E_OK)
		return &row_ok;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].code == code)
			return &rows[i];
		if (rows[i].code == E_INTERNAL)
			internal = &rows[i];
	}
	return internal;
}

const char *err_name(int code)
{
	return find_row(code)->name;
}

const char *err_wire(int code)
{
	return find_row(code)->wire;
}

int err_http_status(int code)
{
	return find_row(code)->status;
}

const char *err_meaning(int code)
{
	return find_row(code)->meaning;
}

/* The longest length <= max at which `s` may be cut without splitting a UTF-8 sequence. */
static size_t cut_length(const char *s, size_t len, size_t max)
{
	size_t cut = max;

	if (len <= max)
		return len;
	while (cut > 0 && max - cut < 3 && ((unsigned char)s[cut] & 0xc0) == 0x80)
		cut--;
	return cut;
}

static void copy_cut(char *to, size_t size, const char *from, size_t len)
{
	size_t n = cut_length(from, len, size - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

__attribute__((format(printf, 3, 0))) static void format_message(struct err *err, int errno_value, const char *fmt,
								 va_list ap)
{
	char text[2 * ERR_MESSAGE_MAX];
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	size_t len = n < 0 ? 0 : (size_t)n;

	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	if (errno_value != 0) {
		char reason[128];
		const char *r = strerror_r(errno_value, reason, sizeof(reason));

		n = snprintf(text + len, sizeof(text) - len, ": %s", r);
		len += n < 0 ? 0 : (size_t)n;
		if (len >= sizeof(text))
			len = sizeof(text) - 1;
	}
	copy_cut(err->message, sizeof(err->message), text, len);
}

static void fill(struct err *err, int code, const char *file, int line)
{
	err->code = code;
	err->source_file = file;
	err->source_line = line;
}

int err_set_at(struct err *err, int code, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	must(code < 0);
	if (!err)
		return code;
	va_start(ap, fmt);
	format_message(err, 0, fmt, ap);
	va_end(ap);
	fill(err, code, file, line);
	return code;
}

static int code_of_errno(int errno_value)
{
	switch (errno_value) {
	case ENOSPC:
	case EDQUOT:
		return E_NO_SPACE;
	case ENOENT:
		return E_NOT_FOUND;
	default:
		return E_IO;
	}
}

int err_errno_at(struct err *err, int errno_value, const char *file, int line, const char *fmt, ...)
{
	int positive = errno_value < 0 ? -errno_value : errno_value;
	int code = code_of_errno(positive);
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	format_message(err, positive, fmt, ap);
	va_end(ap);
	fill(err, code, file, line);
	return code;
}

int err_corrupt_at(struct err *err, int64_t off, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return E_CORRUPT;
	va_start(ap, fmt);
	format_message(err, 0, fmt, ap);
	va_end(ap);
	fill(err, E_CORRUPT, file, line);
	err->offset = off;
	return E_CORRUPT;
}

void err_set_field(struct err *err, const char *field, size_t len)
{
	if (err && err->field[0] == '\0')
		copy_cut(err->field, sizeof(err->field), field, len);
}

void must_fail(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: must hold and does not: %s\n", file, line, expr);
	abort();
}
