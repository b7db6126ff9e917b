/*
 * Values to search for, drawn from a file of generated events: frequent actors (the most seen of a sample), rare ones
 * (seen once in it) and request ids.
 */
#ifndef STELE_BENCH_SAMPLE_H
#define STELE_BENCH_SAMPLE_H

#include "corpus.h"

#define SAMPLE_TEXT_MAX     64
#define SAMPLE_FREQUENT_MAX 10
#define SAMPLE_RARE_MAX     100

enum sample_kind { SAMPLE_NONE, SAMPLE_ACTOR_FREQUENT, SAMPLE_ACTOR_RARE, SAMPLE_REQUEST_ID };

struct sample_actor {
	char id[SAMPLE_TEXT_MAX];
	uint32_t seen;
};

struct sample {
	const struct corpus *corpus; /* borrowed */
	struct rng rng;
	struct sample_actor frequent[SAMPLE_FREQUENT_MAX];
	size_t n_frequent;
	struct sample_actor rare[SAMPLE_RARE_MAX];
	size_t n_rare;
};

/* E_INVALID when the events have no actor. */
int sample_init(struct sample *s, const struct corpus *corpus, uint64_t seed, struct err *err)
	__attribute__((warn_unused_result));

/* The next value of a kind; "" for SAMPLE_NONE. */
void sample_next(struct sample *s, enum sample_kind kind, char to[SAMPLE_TEXT_MAX]);

#endif
