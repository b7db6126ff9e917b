/* Whether the server's answers are what the counted stream says. All fail with E_INTERNAL and say what is wrong. */
#ifndef STELE_BENCH_ANSWER_H
#define STELE_BENCH_ANSWER_H

#include "ask.h"

int answer_expect(const char *what, uint64_t found, uint64_t least, uint64_t most, struct err *err);

/* A page of /v1/events: as many records as match, at most a page of them, and the newest where they are known. */
int answer_check_page(struct span body, const struct question *q, const struct ask_bounds *bounds, struct err *err)
	__attribute__((warn_unused_result));

/* The exact total of /v1/events?total=exact. */
int answer_check_total(struct span body, const struct question *q, const struct ask_bounds *bounds, struct err *err)
	__attribute__((warn_unused_result));

/* /v1/facets of actions or of actors: each value's count, their order, how many there are, and the total. */
int answer_check_facets(struct span body, const struct question *q, const struct event_stream *stream,
			const struct ask_bounds *bounds, struct err *err) __attribute__((warn_unused_result));

/* /v1/histogram by hour: each hour's count, and no hour missing. */
int answer_check_hours(struct span body, const struct ask_bounds *bounds, struct err *err)
	__attribute__((warn_unused_result));

#endif
