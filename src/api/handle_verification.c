/* GET /v1/verification: what the verification in the background has found, and how far it is. */
#include <inttypes.h>
#include <stdlib.h>

#include "api/handler.h"
#include "api/request.h"
#include "api/time_json.h"
#include "api/utf8.h"
#include "service/verification.h"

static void put_fault(struct buf *to, const struct control_fault *f)
{
	buf_put_str(to, "{\"file\":");
	utf8_put_json(to, span_str(f->file));
	buf_printf(to, ",\"offset\":%" PRId64 ",\"message\":", f->offset);
	utf8_put_json(to, span_str(f->message));
	time_put_json(to, "found", f->found_us);
	time_put_json(to, "seen", f->seen_us);
	buf_put_u8(to, '}');
}

static void put_passes(struct buf *to, const struct control_verification *v)
{
	buf_put_str(to, ",\"last_pass\":");
	if (v->finished_us == 0) {
		buf_put_str(to, "null");
	} else {
		buf_printf(to, "{\"records\":%" PRId64 ",\"bytes\":%" PRId64, v->finished_records, v->finished_bytes);
		time_put_json(to, "began", v->finished_began_us);
		time_put_json(to, "ended", v->finished_us);
		buf_put_u8(to, '}');
	}
	buf_put_str(to, ",\"pass\":");
	if (v->begun_us == 0) {
		buf_put_str(to, "null");
	} else {
		buf_printf(to, "{\"records\":%" PRId64 ",\"bytes\":%" PRId64, v->records, v->bytes);
		time_put_json(to, "began", v->begun_us);
		buf_put_u8(to, '}');
	}
}

enum handled handle_verification(struct request *r)
{
	struct buf *to = &r->reply.body;
	struct verification_figures f;
	struct control_fault *faults = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;

	if (service_verification_faults(r->server->service, &r->who, &faults, &count, &err) < 0) {
		request_fail(r, &err);
		return HANDLED_NOW;
	}
	service_verification_figures(r->server->service, &f);
	reply_json(&r->reply, 200);
	buf_printf(to, "{\"sound\":%s,\"rate_mib\":%u,\"passes\":%" PRId64,
		   f.faults == 0 && count == 0 ? "true" : "false", f.rate_mib, f.state.passes);
	put_passes(to, &f.state);
	buf_put_str(to, ",\"faults\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_put_u8(to, ',');
		put_fault(to, &faults[i]);
	}
	buf_put_str(to, "]}\n");
	free(faults);
	request_charge_answer(r);
	return HANDLED_NOW;
}
