/*
 * The dialects: vendors' interfaces beside the native one. The path of a request tells which it speaks, also where the
 * path has no resource, since even errors have the vendor's shape.
 */
#ifndef STELE_API_DIALECT_H
#define STELE_API_DIALECT_H

#include "api/reply.h"

enum dialect {
#define DIALECT(name, prefixes, put_error) DIALECT_##name,
#include "api/dialect.tbl"
#undef DIALECT
};

/* The dialect of a path; DIALECT_NATIVE when it is no vendor's. */
enum dialect dialect_of(const char *path);

/* Makes the answer an error in the dialect's shape. */
void dialect_error(enum dialect d, struct reply *r, const struct err *err);

/* How each does it: dialect.tbl names them. */
#define DIALECT(name, prefixes, put_error) void put_error(struct reply *r, const struct err *err);
#include "api/dialect.tbl"
#undef DIALECT

#endif
