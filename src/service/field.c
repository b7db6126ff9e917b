/* The list of a ledger's fields. */
#include "query/catalog.h"
#include "service/service_priv.h"
#include "service/sight.h"

int service_fields(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct span prefix,
		   uint32_t limit, struct catalog_answer *ret, struct err *err)
{
	struct snapshot *snapshot = NULL;
	int rc;

	(void)s;
	if ((rc = sight_ledger(who, ledger, err)) < 0)
		return rc;
	if ((rc = sight_whole(who, err)) < 0)
		return rc;
	if ((rc = ledger_snapshot(who->org->ledger[ledger], &snapshot, err)) < 0)
		return rc;
	rc = catalog_run(snapshot, prefix, limit, ret, err);
	snapshot_free(snapshot);
	return rc;
}
