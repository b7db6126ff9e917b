/* The list of a ledger's fields. */
#include "query/catalog.h"
#include "service/read_event_priv.h"
#include "service/service_priv.h"
#include "service/sight.h"

static int tell(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct span prefix,
		struct err *err)
{
	const struct read_event e = {.action = "fields.listed", .ledger = ledger};
	struct buf event = BUF_INIT;
	int rc;

	read_event__begin(&event, who, &e);
	read_event__put_text(&event, "prefix", prefix);
	rc = read_event__tell(s, who, &event, err);
	buf_release(&event);
	return rc;
}

int service_fields(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct span prefix,
		   uint32_t limit, struct catalog_answer *ret, struct err *err)
{
	struct snapshot *snapshot = NULL;
	int rc;

	if ((rc = sight_ledger(who, ledger, err)) < 0)
		return rc;
	if ((rc = sight_whole(who, err)) < 0)
		return rc;
	if ((rc = ledger_snapshot(who->org->ledger[ledger], &snapshot, err)) < 0)
		return rc;
	rc = tell(s, who, ledger, prefix, err);
	if (rc == 0)
		rc = catalog_run(snapshot, prefix, limit, ret, err);
	snapshot_free(snapshot);
	return rc;
}
