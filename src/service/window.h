/*
 * Pages by number: for dialects whose clients count rows instead of keeping a cursor. Who goes on where the page before
 * ended gives its last record; others' rows are passed over one by one.
 */
#ifndef STELE_SERVICE_WINDOW_H
#define STELE_SERVICE_WINDOW_H

#include "query/field.h"
#include "service/service.h"

/* What the org's self ledger is told that the page is. */
enum window_telling {
	WINDOW_SEARCH,
	WINDOW_EXPORT,  /* of a file */
	WINDOW_GOES_ON, /* of one that was told of by its first, whose query this is, narrowed by then */
};

struct window_params {
	enum control_ledger_name ledger;
	struct query *query; /* narrowed to what who asks may see */
	int64_t from_us;     /* INT64_MIN: none */
	int64_t to_us;       /* exclusive; INT64_MAX: none */
	bool oldest_first;
	const struct field *sort; /* NULL: in order of arrival */
	uint64_t size;            /* records of the ledger that are looked at: UINT64_MAX: all there are */
	uint64_t after;           /* the record to go on behind; UINT64_MAX: the first page */
	uint32_t skip;            /* rows passed over; skip + limit <= PAGE_MAX */
	uint32_t limit;
	uint64_t total_max; /* matches are counted, exactly up to so many; 0: not at all */
	enum window_telling telling;
};

struct window {
	struct page page; /* has_total when matches were counted */
	uint64_t size;    /* of the ledger as it was looked at */
	uint64_t last;    /* the page's last record; params.after when it has none */
};

void window_release(struct window *w);

/* A page may hold less than `limit` and not be the last (PAGE_BYTES_MAX). As service_search. */
int service_window(struct service *s, const struct principal *who, const struct window_params *p, struct window *ret,
		   struct err *err) __attribute__((warn_unused_result));

#endif
