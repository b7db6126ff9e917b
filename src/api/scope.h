/*
 * What a request that searches is about: parameters that many resources take, each read in this one place.
 *
 * A resource lists PARAMS_SCOPE in route.tbl and begins with scope_take.
 */
#ifndef STELE_API_SCOPE_H
#define STELE_API_SCOPE_H

#include "api/param.h"
#include "service/service.h"

#define PARAMS_SCOPE (PARAM_BIT(QUERY) | PARAM_BIT(FROM) | PARAM_BIT(TO) | PARAM_BIT(LEDGER))

/* Sets ledger, query, from and to; leaves the rest of *ret alone. E_INVALID. */
int scope_take(const struct params *given, struct search_params *ret, struct err *err)
	__attribute__((warn_unused_result));

/* `ledger`: main unless it is given. E_INVALID. */
int scope_ledger(const struct params *given, enum control_ledger_name *ret, struct err *err)
	__attribute__((warn_unused_result));

/* `order`: newest, oldest, desc or asc. E_INVALID. */
int scope_order(const struct params *given, bool fallback_oldest, bool *ret_oldest_first, struct err *err)
	__attribute__((warn_unused_result));

#endif
