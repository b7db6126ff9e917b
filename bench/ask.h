/* A question put to the server over a kept connection, and whether the answer is right. */
#ifndef STELE_BENCH_ASK_H
#define STELE_BENCH_ASK_H

#include "question.h"
#include "target.h"
#include "wire_drain.h"

/* What may be in an answer: no less than `least`, no more than `most`; the same counts when nothing comes in. */
struct ask_bounds {
	const struct census_counts *least;
	const struct census_counts *most;
	const struct census *newest; /* then a page must be these records in this order; NULL: not known */
};

struct ask {
	const struct target *target;
	int fd;
	struct buf request;
	struct wire_reply reply;     /* of pages and counts */
	struct wire_drained drained; /* of an export */
};

int ask_open(struct ask *a, const struct target *target, struct err *err) __attribute__((warn_unused_result));
void ask_close(struct ask *a);

/* Sends and receives; `ret_ns` from before the first byte is sent until the last one is there. */
int ask_put(struct ask *a, const struct question *q, int64_t *ret_ns, struct err *err)
	__attribute__((warn_unused_result));

/* Prints how the server went about a question with a page, where it tells (explain=true). */
void ask_explain(struct ask *a, const struct question *q);

/* Whether the server has no such endpoint, or refuses the query's language. */
bool ask_is_missing(const struct ask *a, const struct question *q);

/* E_INTERNAL when the last answer is wrong. */
int ask_check(const struct ask *a, const struct question *q, const struct question_source *source,
	      const struct ask_bounds *bounds, struct err *err) __attribute__((warn_unused_result));

#endif
