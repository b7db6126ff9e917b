/*
 * Running a query over a snapshot of one ledger.
 *
 * Segments are pruned by time and token index, blocks by time, then predicates run on codes and dictionaries; only
 * matching rows are rebuilt; a page that is full stops early. A record matches when query_matches says so of its JSON,
 * wherever it is stored: tests/query/naive.h is the slow twin that both are held against.
 */
#ifndef STELE_QUERY_SEARCH_H
#define STELE_QUERY_SEARCH_H

#include "query/query.h"
#include "store/store.h"

enum search_total {
	SEARCH_TOTAL_CHEAP, /* exact when counting costs little more than the page, else a lower bound */
	SEARCH_TOTAL_EXACT,
	SEARCH_TOTAL_NONE,
};

struct search_request {
	const struct query *query;
	int64_t from_us;   /* of the record's time, inclusive; INT64_MIN: none */
	int64_t to_us;     /* exclusive; INT64_MAX: none */
	bool oldest_first; /* order is by index (the order of arrival): newest first unless set */
	uint32_t limit;    /* <= PAGE_MAX; 0: only the total */
	uint64_t size;     /* look only at records below this index: a page's cursor carries it; UINT64_MAX: all */
	uint64_t after;    /* continue behind this index in the given order; UINT64_MAX: from the start */
	enum search_total total;
};

struct search_figures {
	uint32_t segments, segments_pruned;
	uint32_t blocks, blocks_pruned;
	uint64_t rows_examined;
};

struct search_answer {
	struct buf events; /* canonical records of the page, back to back */
	uint32_t *len;     /* [count] length of each */
	uint64_t *index;   /* [count] */
	uint32_t count;
	bool more;        /* there are matches behind the page */
	uint64_t total;   /* of all records below `size`, those before `after` too */
	bool total_exact; /* else there may be more */
	struct search_figures figures;
};

#define SEARCH_ANSWER_INIT                                                                                             \
	{                                                                                                              \
		BUF_INIT, NULL, NULL, 0, false, 0, false,                                                              \
		{                                                                                                      \
			0                                                                                              \
		}                                                                                                      \
	}

/* E_CORRUPT when a part that had to be read is damaged. What the snapshot lists as damaged is passed over: then no
 * total is exact. */
int search_run(struct snapshot *s, const struct search_request *r, struct search_answer *ret, struct err *err)
	__attribute__((warn_unused_result));
void search_answer_release(struct search_answer *a);

#endif
