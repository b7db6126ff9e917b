/*
 * Other stores, given the same events and asked the same questions as Stele. One table of functions for each; the
 * library of a store is opened when it runs (but SQLite's, which Stele links), so that building needs none of them.
 *
 * Each gets what a careful user would give it: typed columns or native nested ones, indexes for the questions asked
 * (time, actor, action, entity, request id, words of the description), batches as large as Stele's bodies, a commit to
 * disk for each batch.
 */
#ifndef STELE_BENCH_PEER_H
#define STELE_BENCH_PEER_H

#include <sys/types.h>

#include "corpus.h"
#include "question.h"

#define PEER_BATCH_BYTES (4u << 20)

struct peer;

struct peer_answer {
	uint64_t rows;
	uint64_t sum; /* of the counts, where counts were asked for */
};

struct peer_ops {
	const char *name;
	const char *summary; /* what it was given, for the table */
	/* Makes the tables in an empty folder or database. */
	int (*open)(struct peer *p, struct err *err);
	/* Takes all events; when it returns they are on disk. */
	int (*load)(struct peer *p, const struct corpus *corpus, struct err *err);
	/* Does what the store would do in time by itself: merge, checkpoint, vacuum. */
	int (*settle)(struct peer *p, struct err *err);
	/* Fetches all that the question asks for. */
	int (*query)(struct peer *p, const struct question *q, struct peer_answer *ret, struct err *err);
	int (*disk_bytes)(struct peer *p, double *ret, struct err *err);
	int64_t (*cpu_ns)(struct peer *p); /* so far, without this program's own share where it is another process */
	void (*close)(struct peer *p);     /* accepts one that did not open */
};

extern const struct peer_ops peer_clickhouse;
extern const struct peer_ops peer_clickhouse_zstd;
extern const struct peer_ops peer_duckdb;
extern const struct peer_ops peer_postgres;
extern const struct peer_ops peer_postgres_gin;
extern const struct peer_ops peer_sqlite;

struct peer {
	const struct peer_ops *ops;
	const char *events;     /* path of the file that the corpus is */
	const char *folder;     /* where the data goes */
	const char *library;    /* path of the store's library */
	const char *connection; /* PostgreSQL: connection string */
	pid_t pid;              /* PostgreSQL: of the postmaster */
	void *state;            /* the store's own */
};

/* The columns that stores with plain tables get beside the whole text. Borrowed from the line. */
struct peer_row {
	struct span time;
	struct span actor_id;
	struct span action;
	struct span entity_type;
	struct span entity_id;
	struct span outcome_type;
	struct span request_id;
	struct span description;
	struct span text;
};

void peer_row_read(struct span line, struct peer_row *ret);

/* A function of a library that dlopen gave. E_UNSUPPORTED when it has none of that name. */
int peer_symbol(void *library, const char *name, void *ret_function, struct err *err)
	__attribute__((warn_unused_result));

/* Allocated bytes of the folder. */
int peer_folder_bytes(struct peer *p, double *ret, struct err *err);

/* CPU time of this process, for stores that run in it. */
int64_t peer_own_cpu_ns(struct peer *p);

#endif
