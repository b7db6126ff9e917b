/*
 * Where clients that page by number are: a page that begins where another one of the same search ended goes on there,
 * over the same records, instead of counting rows again in a ledger that has grown meanwhile. Forgetting costs time,
 * and lets rows shift; so the last PAGINGS_MAX are kept for PAGING_KEEP_S. Of one search PAGING_PLACES_MAX are: some
 * clients ask for several pages at once, and for a page again when its answer got lost. For many threads.
 */
#ifndef STELE_API_PAGING_H
#define STELE_API_PAGING_H

#include "base/span.h"

struct paging_place {
	uint64_t size;  /* of the ledger when the first page was asked for */
	int64_t now_us; /* what "now" meant in it */
	uint64_t total;
	uint64_t next;  /* rows of this page and those before */
	uint64_t after; /* the last record of this page; only right for who goes on at `next` */
};

struct paging;
struct paging *paging_new(void);
struct paging *paging_free(struct paging *p); /* returns NULL */

/* A search is told from others by `binding`: any bytes, with who asks among them. Finds the place of one that got as
 * far as `start`, or else of the newest, whose `after` then is UINT64_MAX. */
bool paging_find(struct paging *p, struct span binding, uint64_t start, struct paging_place *ret);

/* The place to count from: that of one that got as far as `start`, or else, of those that look at the same records as
 * the newest, the last before `start`. When none is, `next` is 0 and `after` UINT64_MAX. */
bool paging_near(struct paging *p, struct span binding, uint64_t start, struct paging_place *ret);

/* The page that began at `start` was answered. */
void paging_put(struct paging *p, struct span binding, uint64_t start, const struct paging_place *place);

#endif
