/*
 * A period of a ledger in parts of bounded numbers of records, to be fetched one by one, in any order and again.
 *
 * A part is a run of the ledger's numbers, so it costs nothing to say and to find, and records that arrive later change
 * no part that is full. Runs begin at round numbers: asking again gives the same parts, but for the last one while
 * records still arrive, and those that late ones are added in.
 */
#ifndef STELE_SERVICE_PART_H
#define STELE_SERVICE_PART_H

#include "query/search.h"
#include "service/service.h"

/* Which of a record's times lies in the period: when it happened, or when it was received. */
enum period_clock { PERIOD_TIME, PERIOD_RECEIVED, PERIOD_CLOCK_COUNT };

struct period {
	enum control_ledger_name ledger;
	enum period_clock clock;
	int64_t from_us; /* inclusive */
	int64_t to_us;   /* exclusive */
	uint64_t width;  /* numbers of a part; 0: PART_RECORDS */
};

/* The records of the period with numbers in [first, next). */
struct part {
	uint64_t first;
	uint64_t next;
};

struct part_list {
	struct part part[PARTS_MAX];
	size_t count;
};

/* The parts of a period that have records in them, in order: of `width` numbers each, or of as many times more that
 * there are at most PARTS_MAX. E_IO, E_NO_MEMORY, E_TIMEOUT. */
int service_parts(struct service *s, const struct principal *who, const struct period *period, struct part_list *ret,
		  struct err *err) __attribute__((warn_unused_result));

struct part_reader;

/* Begins to read a part, in order of arrival, in memory that does not grow with it. As service_parts. */
int part_open(struct service *s, const struct principal *who, const struct period *period, const struct part *part,
	      struct part_reader **ret, struct err *err) __attribute__((warn_unused_result));
/* The same of all that matches `query` in the org's main ledger, with times in [from_us, to_us), newest first. Takes
 * the query over, also when it fails. */
int part_open_search(struct service *s, const struct principal *who, struct query *query, int64_t from_us,
		     int64_t to_us, struct part_reader **ret, struct err *err) __attribute__((warn_unused_result));

struct part_reader *part_close(struct part_reader *x); /* returns NULL */

/* The next records, of about `bytes` bytes, as search_stream_next gives them; none at the end. What cannot be read is
 * left out, and the log says so. */
int part_next(struct part_reader *x, size_t bytes, struct search_answer *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
