/* Events of the self ledger. */
#include "service/self_event.h"

#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "codec/json_text.h"
#include "service/service_priv.h"

struct waiter {
	struct mutex mutex;
	struct cond done;
	bool is_done;
};

static void on_done(struct ledger_append *a)
{
	struct waiter *w = a->user;

	mutex_lock(&w->mutex);
	w->is_done = true;
	cond_signal(&w->done);
	mutex_unlock(&w->mutex);
}

/* w->done is what the append's `done` wakes. */
static int append_and_wait(struct ledger *l, struct ledger_append *a, struct waiter *w, struct err *err)
{
	mutex_init(&w->mutex);
	cond_init(&w->done);
	a->done = on_done;
	a->user = w;
	ledger_append(l, a);
	mutex_lock(&w->mutex);
	while (!w->is_done)
		cond_wait(&w->done, &w->mutex);
	mutex_unlock(&w->mutex);
	cond_release(&w->done);
	mutex_release(&w->mutex);
	if (a->rc < 0 && err)
		*err = a->err;
	return a->rc;
}

static int append(struct ledger *l, struct span json, struct span key, struct err *err)
{
	struct record_parser *parser = record_parser_new();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct ledger_append a = {.batch = &batch, .idempotency_key = key};
	struct waiter w = {.is_done = false};
	int rc = record_parse(parser, json, clock_wall_us(), &batch, err);

	a.fingerprint = hash64(json.p, json.len, 0);
	if (rc == 0)
		rc = append_and_wait(l, &a, &w, err);
	record_batch_release(&batch);
	record_parser_free(parser);
	return rc;
}

/* No record is taken into a log that is refused, be it one of our own. */
static int append_to_log(struct service *s, struct org *org, struct span json, struct span key, struct err *err)
{
	int rc = log_signer_refusal(s->signer, org->control.ledger[LEDGER_SELF], err);

	if (rc < 0 && err)
		err->code = E_UNAVAILABLE;
	return rc < 0 ? E_UNAVAILABLE : append(org->ledger[LEDGER_SELF], json, key, err);
}

int service_self_append(struct service *s, struct org *org, struct span json, struct err *err)
{
	return append_to_log(s, org, json, span_of(NULL, 0), err);
}

int service_self_append_once(struct service *s, struct org *org, struct span json, const char *key, struct err *err)
{
	return append_to_log(s, org, json, span_str(key), err);
}

int self_ledger_append(struct ledger *self, struct span json, struct err *err)
{
	return append(self, json, span_of(NULL, 0), err);
}

static void put_actor(struct buf *to, const struct principal *who)
{
	static const char *const types[] = {[PRINCIPAL_KEY] = "api_key", [PRINCIPAL_USER] = "user"};

	buf_put_str(to, ",\"actor\":{\"id\":");
	json_text_string(to, span_str(who ? who->id : "stele"));
	if (who && who->name[0] != '\0') {
		buf_put_str(to, ",\"name\":");
		json_text_string(to, span_str(who->name));
	}
	buf_printf(to, ",\"type\":\"%s\"}", who ? types[who->kind] : "system");
}

static void put_context(struct buf *to, const struct principal *who)
{
	const struct caller *c = &who->caller;
	const struct {
		const char *name;
		struct span value;
	} members[] = {{"ip", c->ip},
		       {"method", c->method ? span_str(c->method) : SPAN_LIT("")},
		       {"session", span_str(who->session)},
		       {"url", c->route ? span_str(c->route) : SPAN_LIT("")},
		       {"user_agent", c->user_agent}};
	const char *separator = ",\"context\":{";

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (members[i].value.len == 0)
			continue;
		buf_printf(to, "%s\"%s\":", separator, members[i].name);
		json_text_string(to, members[i].value);
		separator = ",";
	}
	if (separator[1] == '\0')
		buf_put_u8(to, '}');
}

void self_event_begin(struct buf *to, const char *action, const struct principal *who)
{
	buf_put_str(to, "{\"action\":");
	json_text_string(to, span_str(action));
	put_actor(to, who);
	if (who)
		put_context(to, who);
}
