/* A small table of who was refused; the thread that watches (watch.c) makes events of it. */
#include "service/refusal.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "control/api_key.h"
#include "service/refusal_priv.h"
#include "service/self_event.h"
#include "service/service_priv.h"

#define IP_MAX    46
#define US_PER_MS INT64_C(1000)

struct refusal {
	const char *action; /* NULL: the place is free */
	struct org *org;
	char client_id[CLIENT_ID_MAX + 1];
	char ip[IP_MAX + 1]; /* "": several */
	uint64_t count;      /* not told yet */
	int64_t told_us;     /* when the last event was; 0: never */
};

struct refusals {
	struct mutex mu; /* a leaf */
	struct refusal at[REFUSALS_MAX];
};

struct refusals *refusals__new(void)
{
	struct refusals *r = xalloc(sizeof(*r));

	mutex_init(&r->mu);
	return r;
}

struct refusals *refusals__free(struct refusals *r)
{
	if (r)
		mutex_release(&r->mu);
	free(r);
	return NULL;
}

/* Also when the clock was set back. */
static bool is_due(const struct refusal *x, int64_t now_us)
{
	return now_us < x->told_us || now_us - x->told_us >= REFUSAL_EVERY_MS * US_PER_MS;
}

/* Nothing of it is left to be told, and it was told long enough ago. */
static bool is_over(const struct refusal *x, int64_t now_us)
{
	return !x->action || (x->count == 0 && is_due(x, now_us));
}

static struct refusal *find_locked(struct refusals *r, const char *action, const char *client_id, const char *ip)
{
	for (size_t i = 0; i < REFUSALS_MAX; i++) {
		struct refusal *x = &r->at[i];

		if (x->action == action && strcmp(x->client_id, client_id) == 0 && (!ip || strcmp(x->ip, ip) == 0))
			return x;
	}
	return NULL;
}

static struct refusal *free_locked(struct refusals *r, int64_t now_us)
{
	for (size_t i = 0; i < REFUSALS_MAX; i++) {
		struct refusal *x = &r->at[i];

		if (is_over(x, now_us))
			return x;
	}
	return NULL;
}

/* Whether the org and the key have fewer places than they may have. */
static bool has_share_locked(const struct refusals *r, const struct org *org, const char *client_id, int64_t now_us)
{
	unsigned of_org = 0, of_key = 0;

	for (size_t i = 0; i < REFUSALS_MAX; i++) {
		const struct refusal *x = &r->at[i];

		if (is_over(x, now_us) || x->org != org)
			continue;
		of_org++;
		of_key += strcmp(x->client_id, client_id) == 0;
	}
	return of_org < REFUSALS_ORG_MAX && of_key < REFUSALS_KEY_MAX;
}

/* Counts one that has its place already. */
static bool count(struct refusals *r, const char *action, const char *client_id, const char *ip)
{
	struct refusal *x;

	mutex_lock(&r->mu);
	x = find_locked(r, action, client_id, ip);
	if (x)
		x->count++;
	mutex_unlock(&r->mu);
	return x != NULL;
}

/* When all its places are taken it is counted with the same key's from another address, if there is such. */
static void add(struct refusals *r, const char *action, struct org *org, const char *client_id, const char *ip)
{
	int64_t now_us = clock_wall_us();
	struct refusal *x;

	mutex_lock(&r->mu);
	x = has_share_locked(r, org, client_id, now_us) ? free_locked(r, now_us) : NULL;
	if (x) {
		*x = (struct refusal){.action = action, .org = org, .count = 1};
		snprintf(x->client_id, sizeof(x->client_id), "%s", client_id);
		snprintf(x->ip, sizeof(x->ip), "%s", ip);
	} else if ((x = find_locked(r, action, client_id, NULL)) != NULL) {
		x->ip[0] = '\0';
		x->count++;
	}
	mutex_unlock(&r->mu);
}

static bool copy_text(struct span from, char *to, size_t size)
{
	if (from.len >= size)
		return false;
	if (from.len > 0)
		memcpy(to, from.p, from.len);
	to[from.len] = '\0';
	return strlen(to) == from.len;
}

static void note(struct service *s, const char *action, struct span client_id, const struct caller *from)
{
	char id[CLIENT_ID_MAX + 1], ip[IP_MAX + 1];
	struct control_api_key key;
	struct org *org;

	if (!copy_text(client_id, id, sizeof(id)) || !copy_text(from->ip, ip, sizeof(ip)) ||
	    count(s->refusals, action, id, ip))
		return;
	if (control_api_key_get(s->control, id, &key, NULL) < 0 || service__org(s, key.org, &org, NULL) < 0)
		return;
	add(s->refusals, action, org, id, ip);
}

int service_refuse(struct service *s, enum guess_kind kind, struct span client_id, const struct caller *from,
		   struct err *err)
{
	struct guess guess = {.kind = kind, .account = client_id, .ip = from->ip};
	int rc = guess_check(s->guesses, &guess, err);

	note(s, kind == GUESS_TOKEN ? "token.refused" : "key.refused", client_id, from);
	if (rc == 0)
		guess_failed(s->guesses, &guess);
	return rc < 0 ? rc : E_UNAUTHORIZED;
}

/* ---- telling ---- */

static int append(struct service *s, const struct refusal *x, struct err *err)
{
	struct principal who = {.org = x->org, .kind = PRINCIPAL_KEY, .caller = {.ip = span_str(x->ip)}};
	struct buf event = BUF_INIT;
	int rc;

	snprintf(who.id, sizeof(who.id), "%s", x->client_id);
	self_event_begin(&event, x->action, &who);
	buf_put_str(&event, ",\"entity\":{\"type\":\"api_key\",\"id\":");
	json_text_string(&event, span_str(x->client_id));
	buf_printf(&event,
		   "},\"outcome\":{\"type\":\"failure\",\"reason\":\"authentication\"},"
		   "\"attributes\":{\"count\":%" PRIu64 "}}",
		   x->count);
	rc = buf_ok(&event) ? service_self_append(s, x->org, buf_span(&event), err)
			    : err_set(err, E_NO_MEMORY, "not enough memory for an event");
	buf_release(&event);
	return rc;
}

/* Takes out what is to be told at a place; false when nothing is. */
static bool take(struct refusals *r, size_t i, bool is_last, struct refusal *ret)
{
	int64_t now_us = clock_wall_us();
	struct refusal *x = &r->at[i];
	bool ok;

	mutex_lock(&r->mu);
	ok = x->action && x->count > 0 && (is_last || is_due(x, now_us));
	*ret = *x;
	if (ok) {
		x->count = 0;
		x->told_us = now_us;
	}
	mutex_unlock(&r->mu);
	return ok;
}

static void put_back(struct refusals *r, size_t i, uint64_t untold)
{
	mutex_lock(&r->mu);
	r->at[i].count += untold;
	mutex_unlock(&r->mu);
}

void refusals__tell(struct service *s, bool is_last)
{
	struct err err = ERR_INIT;
	struct refusal x;

	for (size_t i = 0; i < REFUSALS_MAX; i++) {
		if (!take(s->refusals, i, is_last, &x))
			continue;
		if (append(s, &x, &err) == 0)
			continue;
		put_back(s->refusals, i, x.count);
		diag(DIAG_WARNING, "service", "refused credentials are not in the self ledger yet: %s", err.message);
		return;
	}
}
