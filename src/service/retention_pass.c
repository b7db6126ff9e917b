/* The pass over all orgs, and its thread. retention.h says in which order things become durable. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "control/ledger_epoch.h"
#include "query/search.h"
#include "service/retention_priv.h"
#include "service/self_event.h"
#include "service/service_priv.h"

#define US_PER_S INT64_C(1000000)
#define EXPIRED  "retention.expired" /* the action of a certificate */

static bool is_closing(struct service *s)
{
	bool is_set;

	mutex_lock(&s->retention->state_mutex);
	is_set = s->retention->is_closing;
	mutex_unlock(&s->retention->state_mutex);
	return is_set;
}

/* ---- how far merges go ---- */

static void set_span_of(struct org *org, int64_t days)
{
	ledger_set_merge_span_us(org->ledger[LEDGER_MAIN], days * DAY_US / RETENTION_SPAN_SHARE);
	ledger_set_merge_span_us(org->ledger[LEDGER_SELF], 0);
}

/* Keys of segments last as short as their records do, so that they can be destroyed soon after; 0 days: for ever. */
static int set_epoch(struct service *s, const struct org *org, int64_t days, struct err *err)
{
	uint32_t ledger = org->control.ledger[LEDGER_MAIN];
	int64_t seconds = days ? days * (DAY_US / US_PER_S) / RETENTION_SPAN_SHARE : LEDGER_EPOCH_S;
	int64_t now;
	int rc = control_ledger_epoch_seconds(s->control, ledger, &now, err);

	if (seconds < LEDGER_EPOCH_MIN_S)
		seconds = LEDGER_EPOCH_MIN_S;
	return rc < 0 || now == seconds ? rc : control_ledger_set_epoch_seconds(s->control, ledger, seconds, err);
}

typedef int org_fn(struct service *s, struct org *org, void *user, struct err *err);

/* Calls `fn` for each org until the service closes; what fails is logged, counted, and goes on with the next. */
static int each_org(struct service *s, org_fn *fn, void *user, uint64_t *ret_failed, struct err *err)
{
	int64_t *ids = NULL;
	size_t count = 0;
	int rc = control_org_ids(s->control, &ids, &count, err);

	*ret_failed = 0;
	for (size_t i = 0; i < count && rc == 0 && !is_closing(s); i++) {
		struct err why = ERR_INIT;
		struct org *org;
		int result = service__org(s, ids[i], &org, &why);

		if (result == 0)
			result = fn(s, org, user, &why);
		if (result < 0) {
			diag(DIAG_ERROR, "retention", "org=%" PRId64 ": %s file=%s", ids[i], why.message, why.field);
			++*ret_failed;
		}
	}
	free(ids);
	return rc;
}

static int days_of(struct service *s, struct org *org, int64_t *ret_days, struct control_retention *ret_set,
		   enum retention_source *ret_source, struct err *err)
{
	int rc = control_retention_get(s->control, org->control.id, ret_set, err);

	return rc < 0 ? rc : retention__days(s, ret_set, ret_days, ret_source, err);
}

static int set_span(struct service *s, struct org *org, void *user, struct err *err)
{
	struct control_retention set;
	enum retention_source source;
	int64_t days;
	int rc = days_of(s, org, &days, &set, &source, err);

	(void)user;
	if (rc == 0)
		set_span_of(org, days);
	return rc < 0 ? rc : set_epoch(s, org, days, err);
}

void retention__respan(struct service *s)
{
	struct err err = ERR_INIT;
	uint64_t failed;

	if (each_org(s, set_span, NULL, &failed, &err) < 0)
		diag(DIAG_ERROR, "retention", "%s", err.message);
}

/* ---- what may go ---- */

/* False when everything stays. */
static int find_limit(struct service *s, struct org *org, int64_t *ret_days, int64_t *ret_before_us, bool *ret_expires,
		      struct err *err)
{
	struct control_retention set;
	enum retention_source source;
	int64_t holds;
	int rc;

	if ((rc = days_of(s, org, ret_days, &set, &source, err)) < 0)
		return rc;
	if ((rc = control_hold_count(s->control, org->control.id, &holds, err)) < 0)
		return rc;
	*ret_expires = *ret_days != RETENTION_FOREVER && holds == 0;
	*ret_before_us = clock_wall_us() - *ret_days * DAY_US;
	return 0;
}

int retention__due(struct service *s, struct org *org, struct ledger_expiry *ret, struct err *err)
{
	struct ledger *l = org->ledger[LEDGER_MAIN];
	int64_t days, before_us;
	bool expires;
	int rc;

	if ((rc = find_limit(s, org, &days, &before_us, &expires, err)) < 0)
		return rc;
	*ret = (struct ledger_expiry){.first = ledger_first(l), .next = ledger_first(l)};
	return expires ? ledger_expiry(l, before_us, ret, err) : 0;
}

/* A head that fills slowly would keep its records beyond their time: it becomes a file once it spans as much as files
 * may. */
static int seal_old_head(struct org *org, int64_t days, struct err *err)
{
	struct ledger *l = org->ledger[LEDGER_MAIN];
	int64_t since_us;
	int rc = ledger_head_since(l, &since_us, err);

	if (rc == 0 && since_us < clock_wall_us() - days * DAY_US / RETENTION_SPAN_SHARE)
		rc = ledger_seal(l, err);
	return rc;
}

/* ---- removing ---- */

static void put_time(struct buf *to, const char *name, int64_t us)
{
	uint8_t text[TIMESTAMP_LEN];

	timestamp_format(us, text);
	buf_printf(to, ",\"%s\":\"%.*s\"", name, TIMESTAMP_LEN, (const char *)text);
}

static void put_root(struct buf *to, const struct sha256 *root)
{
	buf_put_str(to, ",\"root\":\"");
	for (size_t i = 0; i < SHA256_LEN; i++)
		buf_printf(to, "%02x", root->b[i]);
	buf_put_u8(to, '"');
}

/* What went, and why: with the tree's root over all records up to the last that went, which the hashes that stay give
 * again. */
static void put_certificate(struct buf *to, const struct ledger_expiry *x, const struct control_retention *set,
			    int64_t days, enum retention_source source)
{
	self_event_begin(to, EXPIRED, NULL);
	buf_put_str(to, ",\"entity\":{\"id\":\"main\",\"type\":\"ledger\"},\"attributes\":{");
	buf_printf(to,
		   "\"first_index\":%" PRIu64 ",\"last_index\":%" PRIu64 ",\"records\":%" PRIu64
		   ",\"segments\":%u,\"bytes\":%" PRIu64,
		   x->first, x->next - 1, x->next - x->first, x->segments, x->bytes);
	put_time(to, "received_from", x->received_min);
	put_time(to, "received_to", x->received_max);
	buf_printf(to, ",\"tree_size\":%" PRIu64, x->next);
	put_root(to, &x->root);
	buf_printf(to, ",\"policy\":{\"days\":%" PRId64 ",\"source\":\"%s\",\"account_type\":", days,
		   retention_source_names[source]);
	json_text_string(to, span_str(set->account_type));
	buf_put_str(to, "}}}");
}

static int plan(struct service *s, struct org *org, const struct ledger_expiry *x, struct err *err)
{
	struct control_expiry row = {
		.org = org->control.id, .ledger = org->control.ledger[LEDGER_MAIN], .next = (int64_t)x->next};
	struct control_retention set;
	enum retention_source source;
	struct buf event = BUF_INIT;
	int64_t days;
	int rc = days_of(s, org, &days, &set, &source, err);

	if (rc == 0) {
		put_certificate(&event, x, &set, days, source);
		if (!buf_ok(&event) || event.len > EXPIRY_EVENT_MAX)
			rc = err_set(err, E_NO_MEMORY, "not enough memory for a certificate");
	}
	if (rc == 0) {
		memcpy(row.event, event.p, event.len);
		snprintf(row.key, sizeof(row.key), "retention %u %" PRIu64 "-%" PRIu64 " %" PRId64, row.ledger,
			 x->first, x->next, clock_wall_us());
		rc = control_expiry_plan(s->control, &row, err);
	}
	buf_release(&event);
	return rc;
}

/* Whether the self ledger has the certificate of the removal of all records before `next`: there is one such removal.
 */
static int find_certificate(struct org *org, int64_t next, bool *ret_found, struct err *err)
{
	struct search_request r = {.from_us = INT64_MIN,
				   .to_us = INT64_MAX,
				   .limit = 1,
				   .size = UINT64_MAX,
				   .after = UINT64_MAX,
				   .total = SEARCH_TOTAL_NONE};
	struct search_answer answer = SEARCH_ANSWER_INIT;
	struct snapshot *snapshot = NULL;
	struct query *query = NULL;
	char *text = xformat("action:\"" EXPIRED "\" attributes.tree_size:%" PRId64, next);
	int rc = query_parse(span_str(text), clock_wall_us(), &query, err);

	r.query = query;
	if (rc == 0)
		rc = ledger_snapshot(org->ledger[LEDGER_SELF], &snapshot, err);
	if (rc == 0)
		rc = search_run(snapshot, &r, &answer, err);
	*ret_found = rc == 0 && answer.count > 0;
	search_answer_release(&answer);
	snapshot_free(snapshot);
	query_free(query);
	free(text);
	return rc;
}

/* A crash may have come between the certificate and the note of it, and the start long after. The key keeps two from
 * being written where the one is damaged and not found. */
static int certify(struct service *s, struct org *org, const struct control_expiry *x, struct err *err)
{
	bool is_there;
	int rc = find_certificate(org, x->next, &is_there, err);

	if (rc == 0 && !is_there)
		rc = service_self_append_once(s, org, span_str(x->event), x->key, err); /* from here on it must go */
	return rc < 0 ? rc : control_expiry_certify(s->control, x->ledger, err);
}

int retention__finish(struct service *s, struct org *org, struct err *err)
{
	uint32_t ledger = org->control.ledger[LEDGER_MAIN];
	struct control_expiry x;
	uint64_t first;
	int rc = control_expiry_get(s->control, ledger, &x, err);

	if (rc <= 0)
		return rc;
	if (!x.is_certified && (rc = certify(s, org, &x, err)) < 0)
		return rc;
	if ((rc = ledger_prune(org->ledger[LEDGER_MAIN], (uint64_t)x.next, &first, err)) < 0)
		return rc;
	return control_expiry_done(s->control, ledger, err);
}

/* ---- the pass ---- */

struct pass {
	struct retention_result result;
	bool is_dry_run;
};

static void add_due(struct pass *p, const struct ledger_expiry *x)
{
	p->result.segments += x->segments;
	p->result.records += x->next - x->first;
	p->result.bytes += x->bytes;
}

static int look(struct service *s, struct org *org, void *user, struct err *err)
{
	struct pass *p = user;
	struct ledger_expiry x;
	int rc = retention__due(s, org, &x, err);

	p->result.orgs++;
	if (rc == 0)
		add_due(p, &x);
	return rc;
}

static int expire(struct service *s, struct org *org, void *user, struct err *err)
{
	struct pass *p = user;
	struct ledger_expiry x;
	int64_t days, before_us;
	bool expires;
	int rc;

	p->result.orgs++;
	if ((rc = retention__finish(s, org, err)) < 0)
		return rc;
	if ((rc = find_limit(s, org, &days, &before_us, &expires, err)) < 0)
		return rc;
	set_span_of(org, days);
	if ((rc = set_epoch(s, org, days, err)) < 0)
		return rc;
	if (!expires)
		return 0;
	if ((rc = seal_old_head(org, days, err)) < 0)
		return rc;
	if ((rc = ledger_expiry(org->ledger[LEDGER_MAIN], before_us, &x, err)) < 0)
		return rc;
	if (x.is_blocked)
		diag(DIAG_WARNING, "retention",
		     "org=%" PRId64 ": a damaged segment at record %" PRIu64 " keeps what is behind it",
		     org->control.id, x.next);
	if (x.segments == 0)
		return 0;
	if ((rc = plan(s, org, &x, err)) < 0)
		return rc;
	if ((rc = retention__finish(s, org, err)) < 0)
		return rc;
	add_due(p, &x);
	diag(DIAG_INFO, "retention", "org=%" PRId64 ": removed records %" PRIu64 " to %" PRIu64 ", %" PRIu64 " bytes",
	     org->control.id, x.first, x.next - 1, x.bytes);
	return 0;
}

/* The journal may hold what is gone from the segments: it is freed. */
static int free_journal(struct service *s, const struct pass *p, struct err *err)
{
	return p->result.records > 0 && !p->is_dry_run ? store_seal(s->store, err) : 0;
}

int service_retention_run(struct service *s, bool is_dry_run, struct retention_result *ret, struct err *err)
{
	struct retention *t = s->retention;
	struct pass p = {.is_dry_run = is_dry_run, .result.began_us = clock_wall_us()};
	uint64_t failed = 0;
	int rc;

	mutex_lock(&t->mutex);
	rc = each_org(s, is_dry_run ? look : expire, &p, &failed, err);
	if (rc == 0)
		rc = free_journal(s, &p, err);
	p.result.failed = failed;
	mutex_unlock(&t->mutex);
	if (rc < 0)
		return rc;
	if (!is_dry_run) {
		mutex_lock(&t->state_mutex);
		t->last = p.result;
		mutex_unlock(&t->state_mutex);
	}
	*ret = p.result;
	return 0;
}

void service_retention_last(struct service *s, struct retention_result *ret)
{
	mutex_lock(&s->retention->state_mutex);
	*ret = s->retention->last;
	mutex_unlock(&s->retention->state_mutex);
}

/* ---- the thread ---- */

/* False once the service closes. */
static bool wait_for_pass(struct retention *t, int64_t ms)
{
	int64_t until_ns = clock_mono_ns() + ms * 1000000;
	bool goes_on;

	mutex_lock(&t->state_mutex);
	while (!t->is_closing && clock_mono_ns() < until_ns)
		(void)cond_wait_for(&t->changed, &t->state_mutex, (until_ns - clock_mono_ns()) / 1000000 + 1);
	goes_on = !t->is_closing;
	mutex_unlock(&t->state_mutex);
	return goes_on;
}

static void *run(void *arg)
{
	struct service *s = arg;
	int64_t wait_ms = RETENTION_FIRST_MS;

	while (wait_for_pass(s->retention, wait_ms)) {
		struct retention_result result;
		struct err err = ERR_INIT;

		if (service_retention_run(s, false, &result, &err) < 0)
			diag(DIAG_ERROR, "retention", "%s", err.message);
		wait_ms = RETENTION_PASS_MS;
	}
	return NULL;
}

static int carry_on(struct service *s, struct org *org, void *user, struct err *err)
{
	int rc = retention__finish(s, org, err);

	return rc < 0 ? rc : set_span(s, org, user, err);
}

int service__retention_start(struct service *s, struct err *err)
{
	struct retention *t = xalloc(sizeof(*t));
	uint64_t failed;
	int rc;

	mutex_init(&t->mutex);
	mutex_init(&t->state_mutex);
	cond_init(&t->changed);
	s->retention = t;
	rc = each_org(s, carry_on, NULL, &failed, err); /* what fails is tried again in the next pass */
	if (rc < 0)
		return rc;
	thread_start(&t->thread, "retention", run, s);
	t->has_thread = true;
	return 0;
}

void service__retention_stop(struct service *s)
{
	struct retention *t = s->retention;

	if (!t)
		return;
	mutex_lock(&t->state_mutex);
	t->is_closing = true;
	cond_broadcast(&t->changed);
	mutex_unlock(&t->state_mutex);
	if (t->has_thread)
		thread_join(&t->thread);
	cond_release(&t->changed);
	mutex_release(&t->state_mutex);
	mutex_release(&t->mutex);
	free(t);
	s->retention = NULL;
}
