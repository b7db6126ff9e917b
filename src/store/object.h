/*
 * Immutable named blobs: put if absent, ranged get, list, delete. Behind it is a folder today; whatever holds blobs can
 * stand there. Names are relative, of [a-z0-9/._-], with at most one '/'.
 *
 * An object_store and its objects may be used by many threads at once.
 */
#ifndef STELE_STORE_OBJECT_H
#define STELE_STORE_OBJECT_H

#include "base/err.h"
#include "base/io.h"
#include "base/span.h"

struct object_store;
struct object;

/* A store over `folder`, which is made when missing. Leftovers of unfinished puts are removed when a group is listed.
 */
int object_store_open_folder(struct io *io, const char *folder, struct object_store **ret, struct err *err)
	__attribute__((warn_unused_result));
struct object_store *object_store_close(struct object_store *s);

/* Durable and whole, or not there: the rename is the commit point. E_EXISTS when the name is taken. */
int object_put(struct object_store *s, const char *name, const struct span *parts, size_t part_count, struct err *err)
	__attribute__((warn_unused_result));
int object_delete(struct object_store *s, const char *name, struct err *err) __attribute__((warn_unused_result));

/* The names below the first-level name `group` ("7" for ledger 7), or the groups themselves when it is NULL. What was
 * there when it is called is durable from then on, even if the put that made it failed or its process died. */
typedef int object_name_fn(void *user, const char *name);
int object_list(struct object_store *s, const char *group, object_name_fn *fn, void *user, struct err *err)
	__attribute__((warn_unused_result));

/* The size of an object, without opening it. */
int object_stat(struct object_store *s, const char *name, uint64_t *ret_bytes, struct err *err)
	__attribute__((warn_unused_result));

/* An object to read; holds a file handle until closed. */
int object_open(struct object_store *s, const char *name, struct object **ret, struct err *err)
	__attribute__((warn_unused_result));
/* An object over memory: `bytes` is taken over (its p is freed at close). */
struct object *object_of_memory(uint8_t *bytes, size_t len);
struct object *object_close(struct object *o);

uint64_t object_size(const struct object *o);
const char *object_name(const struct object *o); /* for messages; "memory" */
/* Reads exactly len bytes at off; E_CORRUPT when the object is shorter. */
int object_read(struct object *o, uint64_t off, size_t len, uint8_t *to, struct err *err)
	__attribute__((warn_unused_result));
/* The bytes in place when the object is in memory, else NULL. */
const uint8_t *object_memory(const struct object *o);

#endif
