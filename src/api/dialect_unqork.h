/* Unqork's interface: tokens, the list of an hour's files, and the files. docs/dialects/unqork.md. */
#ifndef STELE_API_DIALECT_UNQORK_H
#define STELE_API_DIALECT_UNQORK_H

#include "base/buf.h"
#include "base/err.h"
#include "service/pack.h"
#include "service/part.h"

struct request;

/* A file as its location names it: t_<from>_<to>_<first>_<next>.ndjson.gz, times in microseconds. */
struct unqork_file {
	struct period period;
	struct part part;
	enum pack_kind kind;
};

#define UNQORK_FILE_NAME_MAX 128
#define UNQORK_FILE_FOLDER   "/fbu/files/audit-logs/"

void unqork_file_put(const struct unqork_file *file, struct buf *to);

/* Whether the request's Accept header names ZIP. */
bool unqork_wants_zip(struct request *r);

/* Counts a request of its address. E_RATE past what the vendor allows. */
int unqork_admit(struct request *r, struct err *err) __attribute__((warn_unused_result));

/* Adds how many requests are left to an answer. */
void unqork_add_limits(struct request *r);

#endif
