/* What all of Unqork's interface has: the form of its errors, and how many requests an address may make. */
#include "api/dialect_unqork.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/dialect.h"
#include "api/request.h"
#include "api/utf8.h"
#include "base/clock.h"

#define US_PER_SECOND 1000000

/* {"code":400,"message":"…"}. Of credentials nothing more is said than that they are not right, as by the vendor. */
void unqork_error(struct reply *r, const struct err *err)
{
	const char *message = err->message[0] ? err->message : err_meaning(err->code);
	int status = err_http_status(err->code);

	reply_json(r, status);
	r->wants_key = status == 401;
	r->wants_retry = status == 503 || status == 429;
	r->retry_s = err->retry_s;
	buf_printf(&r->body, "{\"code\":%d,\"message\":", status);
	utf8_put_json(&r->body, status == 401 ? SPAN_LIT("Unauthorized") : span_str(message));
	buf_put_str(&r->body, "}\n");
}

int unqork_admit(struct request *r, struct err *err)
{
	int64_t now_s = clock_wall_us() / US_PER_SECOND;

	r->rate = recents_add(r->server->unqork_rates, r->who.caller.ip, now_s);
	if (r->rate.count <= UNQORK_RATE)
		return 0;
	err->retry_s = (uint32_t)(r->rate.ends_s - now_s);
	return err_set(err, E_RATE, "more than %u requests within %u seconds; go on in %u", UNQORK_RATE, UNQORK_RATE_S,
		       err->retry_s);
}

static void add_number(struct request *r, const char *name, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	reply_add_header(&r->reply, name, text);
}

/* Of the address's requests, or of the key's or org's limit when that is closer to its end. */
void unqork_add_limits(struct request *r)
{
	int64_t now_s = clock_wall_us() / US_PER_SECOND;
	const struct quota *q = &r->quota;
	uint32_t left;

	if (r->rate.ends_s == 0) /* it was refused before it was counted */
		r->rate = recents_look(r->server->unqork_rates, r->who.caller.ip, now_s);
	left = r->rate.count < UNQORK_RATE ? UNQORK_RATE - r->rate.count : 0;
	if (q->limit > 0 && q->left < left) {
		add_number(r, "x-ratelimit-limit", q->limit);
		add_number(r, "x-ratelimit-remaining", q->left);
		add_number(r, "x-ratelimit-reset", now_s + q->reset_s);
		return;
	}
	add_number(r, "x-ratelimit-limit", UNQORK_RATE);
	add_number(r, "x-ratelimit-remaining", left);
	add_number(r, "x-ratelimit-reset", r->rate.ends_s);
}
