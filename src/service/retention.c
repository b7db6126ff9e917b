/* Retention: what holds for an org, and changing it. */
#include "service/retention.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/rand.h"
#include "codec/json_text.h"
#include "service/act.h"
#include "service/retention_priv.h"
#include "service/service_priv.h"

const char *const retention_source_names[] = {"default", "plan", "own"};

static int name_member(const char *member, int rc, struct err *err)
{
	err_set_field(err, member, strlen(member));
	return rc;
}

/* ---- reading ---- */

static int64_t days_of_plan(const struct control_plan *plans, size_t count, const char *account_type,
			    enum retention_source *ret_source)
{
	*ret_source = RETENTION_DEFAULT;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(plans[i].account_type, account_type) == 0) {
			*ret_source = RETENTION_OF_PLAN;
			return plans[i].days;
		}
	}
	return RETENTION_FOREVER;
}

int retention__days(struct service *s, const struct control_retention *set, int64_t *ret_days,
		    enum retention_source *ret_source, struct err *err)
{
	struct control_plan plans[RETENTION_PLANS_MAX];
	size_t count;
	int rc;

	if (set->days != RETENTION_BY_PLAN) {
		*ret_days = set->days;
		*ret_source = RETENTION_OWN;
		return 0;
	}
	if ((rc = control_plans(s->control, plans, &count, err)) < 0)
		return rc;
	*ret_days = days_of_plan(plans, count, set->account_type, ret_source);
	return 0;
}

static int fill_view(struct service *s, struct org *org, struct retention_view *v, struct err *err)
{
	struct control_expiry pending;
	int rc;

	if ((rc = control_retention_get(s->control, org->control.id, &v->set, err)) < 0)
		return rc;
	if ((rc = control_plans(s->control, v->plans, &v->plan_count, err)) < 0)
		return rc;
	if ((rc = retention__days(s, &v->set, &v->days, &v->source, err)) < 0)
		return rc;
	if ((rc = control_hold_list(s->control, org->control.id, &v->holds, &v->hold_count, err)) < 0)
		return rc;
	if ((rc = control_expiry_get(s->control, org->control.ledger[LEDGER_MAIN], &pending, err)) < 0)
		return rc;
	v->is_pending = rc > 0;
	v->is_held = v->hold_count > 0 && v->holds[0].released_us == 0; /* those that hold come first */
	v->size = ledger_size(org->ledger[LEDGER_MAIN]);
	return retention__due(s, org, &v->due, err);
}

int service_retention_get(struct service *s, const struct principal *who, struct retention_view *ret, struct err *err)
{
	int rc;

	*ret = (struct retention_view){.holds = NULL};
	mutex_lock(&s->retention->mutex);
	rc = fill_view(s, who->org, ret, err);
	mutex_unlock(&s->retention->mutex);
	if (rc < 0)
		retention_view_release(ret);
	return rc;
}

void retention_view_release(struct retention_view *v)
{
	free(v->holds);
	v->holds = NULL;
}

/* ---- checks ---- */

static bool is_account_type(struct span text)
{
	if (text.len > ACCOUNT_TYPE_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		      c == '-' || c == '.'))
			return false;
	}
	return true;
}

static int take_account_type(struct span text, char to[ACCOUNT_TYPE_MAX + 1], const char *member, struct err *err)
{
	if (!is_account_type(text))
		return name_member(member,
				   err_set(err, E_INVALID,
					   "an account type has at most %u of a-z, A-Z, 0-9, '.', '_' and '-'",
					   ACCOUNT_TYPE_MAX),
				   err);
	memcpy(to, text.p ? text.p : (const uint8_t *)"", text.len);
	to[text.len] = '\0';
	return 0;
}

int retention__take_account_type(struct span text, char to[ACCOUNT_TYPE_MAX + 1], struct err *err)
{
	return take_account_type(text, to, "account_type", err);
}

static bool take_days(struct span text, int64_t *ret)
{
	int64_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9' || n > RETENTION_DAYS_MAX)
			return false;
		n = n * 10 + (text.p[i] - '0');
	}
	*ret = n;
	return text.len > 0 && n <= RETENTION_DAYS_MAX;
}

static int refuse_plans(struct err *err)
{
	return name_member("plans",
			   err_set(err, E_INVALID,
				   "'plans' is a list like free=30,team=365: at most %u account types, each once, with "
				   "0 (for ever) to %u days",
				   RETENTION_PLANS_MAX, RETENTION_DAYS_MAX),
			   err);
}

/* One "type=days"; false when it is none or its type is there already. */
static bool take_plan(struct span text, struct control_plan *plans, size_t count)
{
	const uint8_t *sign = text.len ? memchr(text.p, '=', text.len) : NULL;
	struct control_plan *p = &plans[count];
	size_t len = sign ? (size_t)(sign - text.p) : 0;

	if (count == RETENTION_PLANS_MAX || len == 0 ||
	    take_account_type(span_of(text.p, len), p->account_type, "plans", NULL) < 0 ||
	    !take_days(span_from(text, len + 1), &p->days))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(plans[i].account_type, p->account_type) == 0)
			return false;
	}
	return true;
}

static int take_plans(struct span text, struct control_plan plans[RETENTION_PLANS_MAX], size_t *ret_count,
		      struct err *err)
{
	size_t count = 0;

	while (text.len > 0) {
		const uint8_t *comma = memchr(text.p, ',', text.len);
		size_t len = comma ? (size_t)(comma - text.p) : text.len;

		if (!take_plan(span_of(text.p, len), plans, count))
			return refuse_plans(err);
		count++;
		text = span_from(text, comma ? len + 1 : len);
		if (comma && text.len == 0)
			return refuse_plans(err);
	}
	*ret_count = count;
	return 0;
}

static int check_days(int64_t days, struct err *err)
{
	if (days >= RETENTION_BY_PLAN && days <= RETENTION_DAYS_MAX)
		return 0;
	return name_member("days",
			   err_set(err, E_INVALID, "'days' is 'plan' or 0 (for ever) to %u", RETENTION_DAYS_MAX), err);
}

/* ---- changing the policy ---- */

static void put_policy(struct buf *to, const char *member, const struct control_retention *r,
		       const struct control_plan *plans, size_t count)
{
	buf_printf(to, ",\"%s\":{\"account_type\":", member);
	json_text_string(to, span_str(r->account_type));
	if (r->days == RETENTION_BY_PLAN)
		buf_put_str(to, ",\"days\":\"plan\",\"plans\":{");
	else
		buf_printf(to, ",\"days\":%lld,\"plans\":{", (long long)r->days);
	for (size_t i = 0; i < count; i++) {
		buf_put_str(to, i ? "," : "");
		json_text_string(to, span_str(plans[i].account_type));
		buf_printf(to, ":%lld", (long long)plans[i].days);
	}
	buf_put_str(to, "}}");
}

struct policy {
	struct control_retention set;
	struct control_plan plans[RETENTION_PLANS_MAX];
	size_t plan_count;
};

static int read_policy(struct service *s, int64_t org, struct policy *ret, struct err *err)
{
	int rc = control_retention_get(s->control, org, &ret->set, err);

	return rc < 0 ? rc : control_plans(s->control, ret->plans, &ret->plan_count, err);
}

static int apply_change(const struct principal *who, const struct retention_change *c, struct policy *p,
			struct err *err)
{
	int rc;

	if ((rc = retention__take_account_type(c->account_type, p->set.account_type, err)) < 0)
		return rc;
	if ((rc = check_days(c->days, err)) < 0)
		return rc;
	if (c->has_plans && (rc = take_plans(c->plans, p->plans, &p->plan_count, err)) < 0)
		return rc;
	p->set.days = c->days;
	p->set.updated_us = clock_wall_us();
	memcpy(p->set.updated_by, who->id, sizeof(p->set.updated_by));
	return 0;
}

/* ---- acting ---- */

/* Once no removal of the org is under way. */
static int act(struct service *s, const struct principal *who, const struct act *a, struct err *err)
{
	int rc;

	mutex_lock(&s->retention->mutex);
	rc = retention__finish(s, who->org, err);
	if (rc == 0)
		rc = service__act(s, who, a, err);
	mutex_unlock(&s->retention->mutex);
	return rc;
}

/* ---- the policy ---- */

struct policy_change {
	const struct retention_change *change;
	struct policy before, after;
};

static int apply_policy(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct policy_change *p = user;
	int rc;

	if ((rc = read_policy(s, who->org->control.id, &p->before, err)) < 0)
		return rc;
	p->after = p->before;
	if ((rc = apply_change(who, p->change, &p->after, err)) < 0)
		return rc;
	if ((rc = control_retention_set(s->control, &p->after.set, err)) < 0)
		return rc;
	return p->change->has_plans ? control_plans_set(s->control, p->after.plans, p->after.plan_count, err) : 0;
}

static void put_policy_event(const struct principal *who, const void *user, struct buf *to)
{
	const struct policy_change *p = user;

	self_event_begin(to, "retention.changed", who);
	put_policy(to, "before", &p->before.set, p->before.plans, p->before.plan_count);
	put_policy(to, "after", &p->after.set, p->after.plans, p->after.plan_count);
	buf_put_u8(to, '}');
}

int service_retention_put(struct service *s, const struct principal *who, const struct retention_change *change,
			  struct err *err)
{
	struct policy_change p = {.change = change};
	const struct act a = {apply_policy, put_policy_event, &p};
	int rc = act(s, who, &a, err);

	if (rc == 0)
		retention__respan(s);
	return rc;
}

/* ---- holds ---- */

static void put_hold(struct buf *to, const char *member, const struct control_hold *h, bool is_released)
{
	buf_printf(to, ",\"%s\":{\"id\":\"%s\",\"reason\":", member, h->id);
	json_text_string(to, span_str(h->reason));
	buf_printf(to, ",\"released\":%s}", is_released ? "true" : "false");
}

static void put_hold_event(const struct principal *who, const void *user, struct buf *to)
{
	const struct control_hold *h = user;
	bool is_released = h->released_us != 0;

	self_event_begin(to, is_released ? "retention.hold_released" : "retention.hold_created", who);
	buf_printf(to, ",\"entity\":{\"id\":\"%s\",\"type\":\"legal_hold\"}", h->id);
	if (is_released)
		put_hold(to, "before", h, false);
	put_hold(to, "after", h, is_released);
	buf_put_u8(to, '}');
}

static int apply_hold(struct service *s, const struct principal *who, void *user, struct err *err)
{
	(void)who;
	return control_hold_create(s->control, user, err);
}

static bool is_line(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return false;
	}
	return true;
}

int service_hold_create(struct service *s, const struct principal *who, struct span reason, struct control_hold *ret,
			struct err *err)
{
	struct control_hold h = {.org = who->org->control.id, .created_us = clock_wall_us()};
	const struct act a = {apply_hold, put_hold_event, &h};
	uint8_t id[HOLD_ID_LEN / 2];
	int rc;

	if (reason.len == 0 || reason.len > HOLD_REASON_MAX || !is_line(reason))
		return name_member("reason",
				   err_set(err, E_INVALID, "a legal hold has a 'reason' of 1 to %u bytes in one line",
					   HOLD_REASON_MAX),
				   err);
	memcpy(h.reason, reason.p, reason.len);
	memcpy(h.created_by, who->id, sizeof(h.created_by));
	rand_bytes(id, sizeof(id));
	for (size_t i = 0; i < sizeof(id); i++)
		snprintf(h.id + 2 * i, 3, "%02x", id[i]);
	rc = act(s, who, &a, err);
	if (rc == 0)
		*ret = h;
	return rc;
}

static int apply_release(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct control_hold *h = user;
	int rc;

	if ((rc = control_hold_get(s->control, who->org->control.id, h->id, h, err)) < 0)
		return rc;
	if (h->released_us != 0)
		return err_set(err, E_NOT_FOUND, "the legal hold was released before");
	h->released_us = clock_wall_us();
	memcpy(h->released_by, who->id, sizeof(h->released_by));
	return control_hold_release(s->control, h, err);
}

int service_hold_release(struct service *s, const struct principal *who, struct span id, struct control_hold *ret,
			 struct err *err)
{
	struct control_hold h = {.org = who->org->control.id};
	const struct act a = {apply_release, put_hold_event, &h};
	int rc;

	if (id.len != HOLD_ID_LEN || memchr(id.p, 0, id.len))
		return err_set(err, E_NOT_FOUND, "there is no legal hold with this id");
	memcpy(h.id, id.p, id.len);
	rc = act(s, who, &a, err);
	if (rc == 0)
		*ret = h;
	return rc;
}
