/* The parameters of an export. Nobody wants an export of a format by default: it is always named. */
#include "api/export_param.h"

#include <string.h>

#include "api/scope.h"

static int take_format(const struct params *given, enum export_format *ret, struct err *err)
{
	int format;
	int rc;

	if (!param_is_given(given, PARAM_FORMAT)) {
		err_set_field(err, "format", strlen("format"));
		return err_set(err, E_INVALID,
			       "'format' is missing; it takes one of csv, json, ndjson, zip, "
			       "carbon-black-csv, carbon-black-json");
	}
	if ((rc = param_word(given, PARAM_FORMAT, export_format_names, 0, &format, err)) < 0)
		return rc;
	*ret = (enum export_format)format;
	return 0;
}

int export_param_take(const struct params *given, struct export_params *ret, struct err *err)
{
	struct search_params scope = {0};
	bool oldest_first;
	int rc;

	if ((rc = scope_take(given, &scope, err)) < 0)
		return rc;
	if ((rc = scope_order(given, true, &oldest_first, err)) < 0)
		return rc;
	*ret = (struct export_params){.ledger = scope.ledger,
				      .newest_first = !oldest_first,
				      .query = scope.query,
				      .from = scope.from,
				      .to = scope.to,
				      .columns = given->value[PARAM_COLUMNS]};
	return take_format(given, &ret->format, err);
}
