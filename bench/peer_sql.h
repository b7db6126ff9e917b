/* The questions in SQL, as they are alike in all stores but for the words of a dialect. */
#ifndef STELE_BENCH_PEER_SQL_H
#define STELE_BENCH_PEER_SQL_H

#include "base/buf.h"
#include "question.h"

struct peer_words {
	const char *record; /* what is selected as a whole record */
	const char *actor_id;
	const char *entity_type;
	const char *outcome_type;
	const char *request_id;
	const char *hour; /* of the time */
	/* Conditions on the description. */
	void (*put_phrase)(struct buf *to, const char *phrase);
	void (*put_regex)(struct buf *to, const char *regex);
};

/* The statement and a NUL. Counts come in the second column, the regular expression's in the only one. */
void peer_sql_put(struct buf *to, const struct peer_words *w, const struct question *q);

#endif
