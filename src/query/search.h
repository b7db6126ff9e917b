/*
 * Running a query over a snapshot of one ledger.
 *
 * Segments are pruned by time and token index, blocks by time, then predicates run on codes and dictionaries; only
 * matching rows are rebuilt; a page that is full stops early. A record matches when query_matches says so of its JSON,
 * wherever it is stored: tests/query/naive.h is the slow twin that both are held against.
 *
 * Records that cannot be read are left out and listed, and no total is exact then.
 */
#ifndef STELE_QUERY_SEARCH_H
#define STELE_QUERY_SEARCH_H

#include "base/team.h"
#include "query/field.h"
#include "query/gap.h"
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
	struct team *team;   /* shares what is large; NULL: this thread alone. Not with search__run */
	struct buf *explain; /* gets the plan and what came of it, a JSON object (docs/api.md); NULL: not asked for */
	/* The order is by this field, as sort_priv.h has it, or by `time`; ascending with oldest_first. NULL: by index.
	 * `after` then is a record's index all the same, and must be there. */
	const struct field *sort;
	size_t bytes_max; /* with `sort`: the page ends early once it has so many bytes; 0: it does not */
};

/* What a search did. Blocks and segments that nothing asked for are not in it. */
struct search_figures {
	uint32_t segments, segments_pruned; /* pruned: by time, or all of their blocks by the index */
	uint32_t blocks, blocks_pruned;
	uint64_t blocks_read;
	uint64_t pieces_matched; /* blocks with matches, and runs of the tail */
	uint64_t rows_examined;
	uint64_t records_counted_free;                /* of the total: by dictionaries, or because all match */
	int64_t plan_ns, prune_ns, page_ns, count_ns; /* one after the other; prune_ns is within the two behind it */
	int64_t match_ns, rebuild_ns;                 /* of all threads together; only when it is explained */
};

struct search_answer {
	struct buf events; /* canonical records of the page, back to back */
	uint32_t *len;     /* [count] length of each */
	uint64_t *index;   /* [count] */
	uint32_t count;
	bool more;            /* there are matches behind the page */
	uint64_t total;       /* of all records below `size`, those before `after` too */
	bool total_exact;     /* else there may be more */
	struct gap_list gaps; /* records that could not be read and were left out */
	struct err damage;    /* the first fault met; code 0: none */
	struct search_figures figures;
};

#define SEARCH_ANSWER_INIT                                                                                             \
	{                                                                                                              \
		BUF_INIT, NULL, NULL, 0, false, 0, false, {NULL, 0}, ERR_INIT,                                         \
		{                                                                                                      \
			0                                                                                              \
		}                                                                                                      \
	}

/* E_IO, E_NO_MEMORY; with `sort` E_NOT_FOUND and E_CORRUPT when `after` cannot be read. */
int search_run(struct snapshot *s, const struct search_request *r, struct search_answer *ret, struct err *err)
	__attribute__((warn_unused_result));
void search_answer_release(struct search_answer *a);

#endif
