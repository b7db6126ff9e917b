/* POST /v1/seal: writes every head to segments and frees the journal; answers when it is done. */
#include <inttypes.h>

#include "api/handler.h"
#include "api/request.h"

enum handled handle_seal(struct request *r)
{
	struct store_figures figures;
	struct err err = ERR_INIT;

	if (service_seal(r->server->service, &err) < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	service_figures(r->server->service, &figures);
	reply_json(&r->reply, 200);
	buf_printf(&r->reply.body,
		   "{\"segments\":%" PRIu64 ",\"segment_bytes\":%" PRIu64 ",\"journal_bytes\":%" PRIu64
		   ",\"head_records\":%" PRIu64 "}\n",
		   figures.segment_count, figures.segment_bytes, figures.journal_bytes, figures.head_records);
	return HANDLED_NOW;
}
