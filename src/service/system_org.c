/* The server's own org. */
#include "service/system_org.h"

#include "service/self_event.h"
#include "service/service_priv.h"

int service_system_append(struct service *s, struct span json, struct err *err)
{
	struct org *org;
	int rc;

	if ((rc = service__org(s, s->system_org, &org, err)) < 0)
		return rc;
	if (log_signer_refusal(s->signer, org->control.ledger[LEDGER_MAIN], err) < 0) {
		if (err)
			err->code = E_UNAVAILABLE;
		return E_UNAVAILABLE;
	}
	return self_ledger_append(org->ledger[LEDGER_MAIN], json, err);
}

uint64_t service_disk_free(struct service *s)
{
	uint64_t bytes = 0;

	return s->io->free_bytes(s->io, s->folder, &bytes) < 0 ? 0 : bytes;
}
