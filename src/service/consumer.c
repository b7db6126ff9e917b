/* Consumers of an org: making, finding, moving and removing them; consumer_read.c reads. */
#include "service/consumer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "service/act.h"
#include "service/consumer_priv.h"
#include "service/sight.h"

void consumer_view_release(struct consumer_view *v)
{
	control_consumer_release(&v->consumer);
}

struct mutex *consumer__lock(struct service *s, const struct principal *who, const char *client_id, const char *name)
{
	uint64_t hash = hash64(name, strlen(name), (uint64_t)who->org->control.id);

	return &s->consumer_mu[hash64(client_id, strlen(client_id), hash) % CONSUMER_LOCKS];
}

enum control_ledger_name consumer__ledger(const struct control_consumer *x)
{
	return strcmp(x->ledger, control_ledger_names[LEDGER_SELF]) == 0 ? LEDGER_SELF : LEDGER_MAIN;
}

uint64_t consumer__lag(const struct principal *who, const struct control_consumer *x, uint64_t position)
{
	struct ledger *l = who->org->ledger[consumer__ledger(x)];
	uint64_t first = ledger_first(l), size = ledger_size(l);

	if (position < first)
		position = first;
	return size > position ? size - position : 0;
}

static const char *narrow_of(const struct principal *who)
{
	return who->narrow_text ? who->narrow_text : "";
}

/* ---- finding ---- */

static bool is_name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
	       c == '-';
}

/* False when no consumer can have this name. */
static bool take_name(struct span name, char ret[CONSUMER_NAME_MAX + 1])
{
	if (name.len == 0 || name.len > CONSUMER_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (!is_name_byte(name.p[i]))
			return false;
	}
	memcpy(ret, name.p, name.len);
	ret[name.len] = '\0';
	return true;
}

static int not_found(struct err *err)
{
	return err_set(err, E_NOT_FOUND, "there is no consumer of this name");
}

static bool may_see(const struct principal *who, const struct control_consumer *x)
{
	return sight_covers(who, x->ledger, x->narrow);
}

static int find(struct service *s, const struct principal *who, struct span name, struct control_consumer *ret,
		struct err *err)
{
	char text[CONSUMER_NAME_MAX + 1];
	int rc;

	if (!take_name(name, text))
		return not_found(err);
	if ((rc = control_consumer_get(s->control, who->org->control.id, "", text, ret, err)) < 0)
		return rc;
	if (may_see(who, ret))
		return 0;
	control_consumer_release(ret);
	return not_found(err);
}

int consumer__find_locked(struct service *s, const struct principal *who, struct span name, struct mutex **ret_lock,
			  struct control_consumer *ret, struct err *err)
{
	char text[CONSUMER_NAME_MAX + 1];
	int rc;

	if (!take_name(name, text))
		return not_found(err);
	*ret_lock = consumer__lock(s, who, "", text);
	mutex_lock(*ret_lock);
	if ((rc = find(s, who, name, ret, err)) < 0)
		mutex_unlock(*ret_lock);
	return rc;
}

static void fill_view(const struct principal *who, struct consumer_view *v)
{
	v->size = ledger_size(who->org->ledger[consumer__ledger(&v->consumer)]);
	v->lag = consumer__lag(who, &v->consumer, (uint64_t)v->consumer.position);
}

int service_consumer_get(struct service *s, const struct principal *who, struct span name, struct consumer_view *ret,
			 struct err *err)
{
	int rc = find(s, who, name, &ret->consumer, err);

	if (rc == 0)
		fill_view(who, ret);
	return rc;
}

int service_consumer_list(struct service *s, const struct principal *who, struct consumer_view **ret, size_t *ret_count,
			  struct err *err)
{
	struct control_consumer *list;
	size_t count, seen = 0;
	int rc = control_consumer_list(s->control, who->org->control.id, &list, &count, err);

	if (rc < 0)
		return rc;
	*ret = xarray(count + 1, sizeof(**ret));
	for (size_t i = 0; i < count; i++) {
		if (!may_see(who, &list[i])) {
			control_consumer_release(&list[i]);
			continue;
		}
		(*ret)[seen].consumer = list[i];
		fill_view(who, &(*ret)[seen++]);
	}
	free(list);
	*ret_count = seen;
	return 0;
}

/* ---- changes, each told of ---- */

struct change {
	struct control_consumer *consumer;
	const char *action;
	int64_t before; /* its position */
	int (*apply)(struct control *c, const struct control_consumer *x, struct err *err);
};

static int apply_change(struct service *s, const struct principal *who, void *user, struct err *err)
{
	const struct change *c = user;

	(void)who;
	return c->apply(s->control, c->consumer, err);
}

static void put_state(struct buf *to, const char *member, const struct control_consumer *x, int64_t position)
{
	buf_printf(to, ",\"%s\":{\"ledger\":\"%s\",\"position\":%lld,\"query\":", member, x->ledger,
		   (long long)position);
	json_text_string(to, span_str(x->query));
	buf_put_u8(to, '}');
}

static void put_change_event(const struct principal *who, const void *user, struct buf *to)
{
	const struct change *c = user;

	self_event_begin(to, c->action, who);
	buf_printf(to, ",\"entity\":{\"type\":\"consumer\",\"id\":\"%s\"}", c->consumer->name);
	if (c->apply != control_consumer_create)
		put_state(to, "before", c->consumer, c->before);
	if (c->apply != control_consumer_delete)
		put_state(to, "after", c->consumer, c->consumer->position);
	buf_put_u8(to, '}');
}

static int act(struct service *s, const struct principal *who, struct change *c, struct err *err)
{
	const struct act a = {apply_change, put_change_event, c};

	return service__act(s, who, &a, err);
}

static int name_field(struct err *err, const char *field, int rc)
{
	err_set_field(err, field, strlen(field));
	return rc;
}

static int check_params(const struct principal *who, const struct consumer_params *p, struct control_consumer *x,
			struct err *err)
{
	struct query *query = NULL;
	int rc;

	if (!take_name(p->name, x->name))
		return name_field(err, "name",
				  err_set(err, E_INVALID,
					  "a consumer has a 'name' of 1 to %u letters, digits, '.', '_' and '-'",
					  CONSUMER_NAME_MAX));
	if ((rc = sight_ledger(who, p->ledger, err)) < 0)
		return rc;
	if (p->query.len > 0 && memchr(p->query.p, 0, p->query.len))
		return name_field(err, "query", err_set(err, E_INVALID, "'query' holds a NUL character"));
	rc = query_parse(p->query, clock_wall_us(), &query, err);
	query_free(query);
	return rc < 0 ? name_field(err, "query", rc) : 0;
}

int service_consumer_create(struct service *s, const struct principal *who, const struct consumer_params *p,
			    struct consumer_view *ret, struct err *err)
{
	struct control_consumer x = {.org = who->org->control.id, .created_us = clock_wall_us(), .version = 1};
	struct change c = {&x, "consumer.created", 0, control_consumer_create};
	uint64_t position;
	int rc;

	if ((rc = check_params(who, p, &x, err)) < 0)
		return rc;
	if ((rc = consumer__resolve(s, who, p->ledger, &p->place, 0, &position, err)) < 0)
		return rc;
	x.position = (int64_t)position;
	x.query = xformat("%.*s", (int)p->query.len, p->query.len > 0 ? (const char *)p->query.p : "");
	x.narrow = xstrdup(narrow_of(who));
	snprintf(x.ledger, sizeof(x.ledger), "%s", control_ledger_names[p->ledger]);
	memcpy(x.created_by, who->id, sizeof(x.created_by));
	if ((rc = act(s, who, &c, err)) < 0) {
		control_consumer_release(&x);
		return rc;
	}
	ret->consumer = x;
	fill_view(who, ret);
	return 0;
}

static int check_version(const struct control_consumer *x, int64_t version, struct err *err)
{
	if (version == 0 || version == x->version)
		return 0;
	return err_set(err, E_CHANGED, "the consumer has version %lld by now; read it again and decide anew",
		       (long long)x->version);
}

int service_consumer_delete(struct service *s, const struct principal *who, struct span name, int64_t version,
			    struct err *err)
{
	struct control_consumer x;
	struct change c = {&x, "consumer.removed", 0, control_consumer_delete};
	struct mutex *lock;
	int rc = consumer__find_locked(s, who, name, &lock, &x, err);

	if (rc < 0)
		return rc;
	c.before = x.position;
	rc = check_version(&x, version, err);
	if (rc == 0)
		rc = act(s, who, &c, err);
	mutex_unlock(lock);
	control_consumer_release(&x);
	return rc;
}

/* ---- moving ---- */

/* Gives the lock back; the view is of the consumer as it was left, unless that failed. */
static int leave(const struct principal *who, struct mutex *lock, int rc, struct control_consumer *x,
		 struct consumer_view *ret)
{
	mutex_unlock(lock);
	if (rc < 0) {
		control_consumer_release(x);
		return rc;
	}
	ret->consumer = *x;
	fill_view(who, ret);
	return 0;
}

int service_consumer_ack(struct service *s, const struct principal *who, struct span name, uint64_t position,
			 struct consumer_view *ret, struct err *err)
{
	struct control_consumer x;
	struct mutex *lock;
	uint64_t size;
	int rc;

	if ((rc = consumer__find_locked(s, who, name, &lock, &x, err)) < 0)
		return rc;
	size = ledger_size(who->org->ledger[consumer__ledger(&x)]);
	if (position > size)
		rc = name_field(err, "position",
				err_set(err, E_INVALID, "there are %llu records; acknowledge what was read",
					(unsigned long long)size));
	if (rc == 0 && position > (uint64_t)x.position) {
		x.position = (int64_t)position;
		rc = control_consumer_move(s->control, &x, err);
	}
	return leave(who, lock, rc, &x, ret);
}

int service_consumer_seek(struct service *s, const struct principal *who, struct span name, int64_t version,
			  const struct consumer_place *place, struct consumer_view *ret, struct err *err)
{
	struct control_consumer x;
	struct change c = {&x, "consumer.changed", 0, control_consumer_move};
	struct mutex *lock;
	uint64_t position = UINT64_MAX;
	int rc;

	if ((rc = consumer__find_locked(s, who, name, &lock, &x, err)) < 0)
		return rc;
	c.before = x.position;
	rc = check_version(&x, version, err);
	if (rc == 0)
		rc = consumer__resolve(s, who, consumer__ledger(&x), place, UINT64_MAX, &position, err);
	if (rc == 0 && position == UINT64_MAX)
		rc = err_set(err, E_INVALID, "say where to go on: 'position', 'from' or 'after'");
	if (rc == 0) {
		x.position = (int64_t)position;
		x.version++;
		rc = act(s, who, &c, err);
	}
	return leave(who, lock, rc, &x, ret);
}
