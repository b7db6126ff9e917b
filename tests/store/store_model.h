/*
 * A store next to what it must hold: tests append through the model, which keeps every acknowledged record, and ask it
 * to compare. Failed appends may be found accepted when the store is opened again, whole and in order, unless the
 * journal was resumed after them.
 *
 * Include after <cmocka.h>: it fails tests by itself.
 */
#ifndef STELE_TESTS_STORE_MODEL_H
#define STELE_TESTS_STORE_MODEL_H

#include "base/rand.h"
#include "simdisk.h"
#include "store/store.h"

#define MODEL_LEDGERS 4

struct model_records {
	struct buf bytes;
	uint32_t *len;
	size_t count;
	size_t cap;
};

struct model_expected {
	struct model_records sure;  /* acknowledged */
	struct model_records *open; /* whole batches that may follow */
	size_t open_count;
};

struct model {
	struct simdisk *disk;
	struct io *io; /* the disk's, or another */
	const char *folder;
	struct store *store;
	struct ledger *ledger[MODEL_LEDGERS]; /* number i + 1; NULL until used */
	struct model_expected expected[MODEL_LEDGERS];
	uint64_t pruned[MODEL_LEDGERS];  /* records that are gone for sure */
	uint64_t pruning[MODEL_LEDGERS]; /* and those that may be */
	struct record_parser *parser;
	uint64_t events; /* made so far */
	bool with_threads;
	uint32_t block_rows;
	uint64_t journal_file_bytes;
	uint64_t journal_bytes_max;
	uint64_t head_raw_bytes_max;
};

uint64_t model_seed(void); /* STELE_SEED, or a new one; printed */

void model_init(struct model *m, struct simdisk *disk);
void model_release(struct model *m); /* the store, if open, too */

int model_try_open(struct model *m, struct err *err);
/* Opens and compares everything. */
void model_open(struct model *m);
void model_close(struct model *m);

struct ledger *model_ledger(struct model *m, size_t i);

/* A batch of `count` records, each a little different. */
void model_batch(struct model *m, struct rng *r, size_t count, struct record_batch *to);

/* An append that is waited for. */
struct model_append {
	struct ledger_append a; /* first */
	struct record_batch batch;
	struct model_wait *wait;
};

/* Appends `count` batches of random sizes up to rows_max to random ledgers, all at once, and waits. Returns how many
 * were acknowledged. */
size_t model_append(struct model *m, struct rng *r, size_t count, size_t rows_max);
/* The same to one ledger with a batch of exactly `rows`; returns the append's rc. */
int model_append_to(struct model *m, struct rng *r, unsigned ledger, size_t rows);

/* Removes the files of a ledger before record `before`; returns the call's rc. */
int model_prune(struct model *m, size_t i, uint64_t before);

/* Goes on after a failed journal; what failed before is void then. True when it goes on. */
bool model_resume(struct model *m);

/* What the store shows is what was acknowledged, and root and ids are right. */
void model_compare(struct model *m);
/* store_verify finds nothing. */
void model_verify(struct model *m);

/* The root of RFC 6962 by its recursion. */
void model_naive_root(const struct sha256 *leaves, size_t count, struct sha256 *ret);

#endif
