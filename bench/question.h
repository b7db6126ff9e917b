/*
 * The questions that every store is asked, with what they ask for and how many records a right answer is about. How a
 * question is put is the affair of each store.
 */
#ifndef STELE_BENCH_QUESTION_H
#define STELE_BENCH_QUESTION_H

#include "census.h"

#define QUESTION_LIMIT        100u /* records of a page */
#define QUESTION_TOP          10u  /* values of "top actors" */
#define QUESTION_TEXT_MAX     64
#define QUESTION_FREQUENT_MAX 10u

enum question_kind {
	QUESTION_NEWEST,       /* the newest 100 */
	QUESTION_ACTOR,        /* the newest 100 of one of the ten busiest actors */
	QUESTION_RARE_ACTOR,   /* all of a rare one */
	QUESTION_REQUEST_ID,   /* the one with this id */
	QUESTION_PHRASE,       /* the newest 100 with two words side by side in the description */
	QUESTION_PHRASE_NAME,  /* the same, the words being an actor's name */
	QUESTION_THREE_FIELDS, /* the newest 100 failures of an action on a type of entity */
	QUESTION_BY_ACTION,    /* how many of each action */
	QUESTION_BY_HOUR,      /* how many in each hour */
	QUESTION_TOP_ACTORS,   /* how many of each of the ten busiest actors */
	QUESTION_EXPORT,       /* all of one type of entity, the oldest first */
	QUESTION_REGEX,        /* how many descriptions hold what no description holds */
};

#define QUESTION_KINDS (QUESTION_REGEX + 1)

struct question {
	enum question_kind kind;
	uint32_t actor;
	uint32_t action;
	uint32_t entity;
	uint64_t request_key;         /* first half of the request id */
	char text[QUESTION_TEXT_MAX]; /* actor id, request id, phrase or regular expression */
};

/* Where questions are drawn from; borrows both. */
struct question_source {
	const struct event_stream *stream;
	const struct census *census;
	struct rng rng;
	uint32_t frequent[QUESTION_FREQUENT_MAX];
	uint32_t drawn; /* rare actors so far: each has its turn */
};

/* As a figure's name begins: "rare_actor". */
const char *question_name(enum question_kind kind);

/* Whether the answer is a page of records, and not counts or a stream. */
bool question_is_page(enum question_kind kind);

void question_source_init(struct question_source *s, const struct event_stream *stream, const struct census *census,
			  uint64_t seed);

/* Another one of this kind each time. */
void question_draw(struct question_source *s, enum question_kind kind, struct question *ret);

/* How many of the counted records it is about. */
uint64_t question_matches(const struct question *q, const struct census_counts *c);

/* The newest records that a page must hold; NULL when the kind has no page or only one record. */
const struct census_newest *question_newest(const struct question *q, const struct census *c);

#endif
