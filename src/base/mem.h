/*
 * The two allocators, named by how they fail. xalloc is for small sizes of our own choosing and aborts when memory is
 * out; try_alloc is for sizes that come from outside and returns NULL. Both are freed with free().
 */
#ifndef STELE_BASE_MEM_H
#define STELE_BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>

void *xalloc(size_t size);               /* zeroed */
void *xarray(size_t count, size_t size); /* zeroed; aborts on overflow */
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xformat(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void *try_alloc(size_t size) __attribute__((warn_unused_result)); /* not zeroed */
void *try_realloc(void *p, size_t size) __attribute__((warn_unused_result));
void *try_array(size_t count, size_t size) __attribute__((warn_unused_result)); /* zeroed; NULL on overflow */

/* For a server, before its first thread: has the C library give back what is freed. Left to itself it raises its
 * thresholds to the size of request bodies and blocks, and each thread's arena keeps its peak: three times the memory
 * in use. */
void mem_tune_for_server(void);

/* Wipes a secret; never optimised away. */
void mem_wipe(void *p, size_t len);

#endif
