/*
 * The modes of stele-load. Each runs against a server that is up, adds its figures to a report, and fails on the first
 * answer that is not the expected one: a figure of a run with errors would mean nothing.
 */
#ifndef STELE_BENCH_LOAD_H
#define STELE_BENCH_LOAD_H

#include "corpus.h"
#include "report.h"
#include "target.h"

struct load {
	struct target target;
	struct corpus corpus;
	uint32_t connections;
	uint64_t body_bytes; /* bulk: at most this much a body */
	uint32_t repeat;     /* bulk: the whole file so many times */
	uint64_t count;      /* of events at most; fill, search, prove: exactly */
	uint32_t seconds;    /* search: about so long alone, and under load; prove: about so long */
	uint64_t rate;       /* search: events a second under load; 0: not at all */
	bool may_miss;       /* search: the server need not have everything */
	uint64_t seed;
	int settle_s; /* how long to wait for background work to end */
};

/* Bodies of many events over a few connections, one thread each. */
int load_bulk(struct load *l, struct report *r, struct err *err) __attribute__((warn_unused_result));

/* One event a request over many connections, one thread. */
int load_single(struct load *l, struct report *r, struct err *err) __attribute__((warn_unused_result));

/* The first events of the counted stream (census.h), in their order. */
int load_fill(struct load *l, struct report *r, struct err *err) __attribute__((warn_unused_result));

/* Questions about a server that load_fill filled with `count` events, one after another over one connection. */
int load_search(struct load *l, struct report *r, struct err *err) __attribute__((warn_unused_result));

/* Proofs, tiles and entries of a server that load_fill filled with `count` events. */
int load_prove(struct load *l, struct report *r, struct err *err) __attribute__((warn_unused_result));

/* What a run of appends cost, measured around it. */
struct load_cost {
	struct target_usage before;
	int64_t client_cpu_ns;
};

void load_cost_begin(const struct load *l, struct load_cost *c);

/* Adds rates, CPU time per event (until the last answer, and until the server has nothing left to do), commits, memory
 * and disk. */
int load_cost_end(const struct load *l, struct load_cost *c, uint64_t events, uint64_t bytes, struct report *r,
		  struct err *err) __attribute__((warn_unused_result));

#endif
