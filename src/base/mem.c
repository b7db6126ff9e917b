/* Allocation. A size of 0 is served as 1, so that NULL always means "out of memory". */
#include "base/mem.h"
#include <malloc.h>

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static size_t at_least_one(size_t size)
{
	return size ? size : 1;
}

void *xalloc(size_t size)
{
	void *p = calloc(1, at_least_one(size));

	must(p);
	return p;
}

void *xarray(size_t count, size_t size)
{
	void *p = try_array(count, size);

	must(p);
	return p;
}

void *xrealloc(void *p, size_t size)
{
	void *grown = realloc(p, at_least_one(size));

	must(grown);
	return grown;
}

char *xstrdup(const char *s)
{
	char *copy = strdup(s);

	must(copy);
	return copy;
}

char *xformat(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	must(n >= 0);
	return text;
}

void *try_alloc(size_t size)
{
	return malloc(at_least_one(size));
}

void *try_realloc(void *p, size_t size)
{
	return realloc(p, at_least_one(size));
}

void *try_array(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return calloc(1, at_least_one(bytes));
}

void mem_wipe(void *p, size_t len)
{
	if (len)
		explicit_bzero(p, len);
}

#define ARENAS_MAX     4
#define MMAP_BYTES_MIN (1 << 20)  /* runs of this size come from the kernel and go back to it */
#define TRIM_BYTES_MIN (16 << 20) /* so much free memory at the end of the heap is kept */

void mem_tune_for_server(void)
{
#ifdef __GLIBC__
	mallopt(M_ARENA_MAX, ARENAS_MAX);
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES_MIN);
	mallopt(M_TRIM_THRESHOLD, TRIM_BYTES_MIN);
#endif
}
