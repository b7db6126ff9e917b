/* Parameters that many resources take. */
#include "api/scope.h"

int scope_ledger(const struct params *given, enum control_ledger_name *ret, struct err *err)
{
	static const char *const ledgers[] = {"main", "self", NULL}; /* enum control_ledger_name */
	int ledger;
	int rc;

	if ((rc = param_word(given, PARAM_LEDGER, ledgers, LEDGER_MAIN, &ledger, err)) < 0)
		return rc;
	*ret = (enum control_ledger_name)ledger;
	return 0;
}

int scope_order(const struct params *given, bool fallback_oldest, bool *ret_oldest_first, struct err *err)
{
	static const char *const orders[] = {"newest", "oldest", "desc", "asc", NULL};
	int order;
	int rc;

	if ((rc = param_word(given, PARAM_ORDER, orders, fallback_oldest, &order, err)) < 0)
		return rc;
	*ret_oldest_first = order % 2 == 1;
	return 0;
}

int scope_take(const struct params *given, struct search_params *ret, struct err *err)
{
	int rc;

	if ((rc = scope_ledger(given, &ret->ledger, err)) < 0)
		return rc;
	ret->query = given->value[PARAM_QUERY];
	ret->from = given->value[PARAM_FROM];
	ret->to = given->value[PARAM_TO];
	return 0;
}
