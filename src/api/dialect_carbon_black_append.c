/* POST /audit_log/v1/orgs/{org}/logs, which is ours: rows of either of the vendor's interfaces come in. */
#include "api/append.h"
#include "api/dialect_carbon_black.h"
#include "api/handler.h"

enum handled carbon_black__append(struct request *r)
{
	const struct append_rows rows = {ROW_FORMAT_CARBON_BLACK, principal_row_given(&r->who)};

	return append_run(r, &rows, append_answer);
}

enum handled handle_carbon_black_append(struct request *r)
{
	struct err err = ERR_INIT;

	if (carbon_black__check_org(r, &err) < 0)
		return carbon_black__fail(r, &err);
	return carbon_black__append(r);
}
