/*
 * What the files of the Kore.ai dialect share; docs/dialects/kore.md. Two interfaces stand on one path: that of AI for
 * Work, and that of AI for Service (XO), which is asked when one of its parameters is there.
 *
 *   dialect_kore.c         errors, and what rows are given
 *   dialect_kore_filter.c  parameters, as a search
 *   dialect_kore_search.c  GET
 *   dialect_kore_append.c  POST: rows that come in
 */
#ifndef STELE_API_DIALECT_KORE_H
#define STELE_API_DIALECT_KORE_H

#include "api/request.h"
#include "codec/kore.h"
#include "service/window.h"

#define KORE_ACCOUNT_LEN (sizeof("ac-6fd26567-2b99-5265-9b69-54fba448d26f") - 1)

/* The account id of the principal's org: "ac-" and a UUID made of its key. */
void kore__account_id(const struct principal *who, char ret[KORE_ACCOUNT_LEN + 1]);

/* A parameter of the URL; empty: it is not there. */
struct span kore__argument(const struct request *r, const char *name);

struct kore_search {
	bool is_xo;
	struct query *query;
	int64_t from_us, to_us;
	uint64_t start; /* rows before this page */
	uint32_t limit;
	struct span after; /* XO: the id of the row behind which to begin; empty: none */
};

/* Reads the parameters; each may be left out. E_INVALID with err->field. To be released. */
int kore__search_take(const struct request *r, struct kore_search *ret, struct err *err)
	__attribute__((warn_unused_result));
void kore__search_release(struct kore_search *s);

#endif
