/*
 * The diagnostic log. A line is formatted in a local buffer and written by one write(2), so that lines of several
 * threads do not mix; control characters become '?', so that one event stays one line whatever it quotes.
 */
#include "base/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_BYTES 2048

static _Atomic int max_level = DIAG_INFO;

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void diag_set_level(enum diag_level level)
{
	atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

/* Writes "2026-01-31T12:00:00.000000Z"; returns its length. */
static size_t format_time(char *to, size_t size)
{
	int64_t us = clock_wall_us();
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;
	size_t n;

	if (!gmtime_r(&seconds, &tm))
		return 0;
	n = strftime(to, size, "%Y-%m-%dT%H:%M:%S", &tm);
	return n + (size_t)snprintf(to + n, size - n, ".%06dZ", (int)(us % 1000000));
}

static size_t clamp_length(int n, size_t room)
{
	if (n < 0)
		return 0;
	return (size_t)n < room ? (size_t)n : room - 1;
}

static void write_line(const char *line, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, line, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* there is nowhere left to report this to */
		line += n;
		len -= (size_t)n;
	}
}

void diag(enum diag_level level, const char *area, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	size_t room = sizeof(line) - 1; /* leaves a byte for the newline */
	int saved_errno = errno;
	size_t len;
	va_list ap;

	if ((int)level > atomic_load_explicit(&max_level, memory_order_relaxed))
		return;
	len = format_time(line, room);
	len += clamp_length(snprintf(line + len, room - len, " %s %s: ", level_names[level], area), room - len);
	va_start(ap, fmt);
	len += clamp_length(vsnprintf(line + len, room - len, fmt, ap), room - len);
	va_end(ap);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[len++] = '\n';
	write_line(line, len);
	errno = saved_errno;
}
