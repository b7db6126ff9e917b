/*
 * Orgs that were asked for, with their ledgers open. An org is kept from its first request on: what a request points to
 * lives as long as the service. What may change of it is in its atomic members.
 */
#include "base/mem.h"
#include "service/service_priv.h"

static void set_changeable(struct org *org, const struct control_org *stored)
{
	org->is_disabled = stored->disabled_us != 0;
	org->request_rate = stored->request_rate;
	org->event_rate = stored->event_rate;
}

static int open_parts(struct service *s, struct org *org, struct err *err)
{
	struct key key;
	int rc;

	for (int i = 0; i < LEDGER_NAME_COUNT; i++) {
		if ((rc = store_ledger(s->store, org->control.ledger[i], &org->ledger[i], err)) < 0)
			return rc;
	}
	if ((rc = service__ledger_key(s, org->control.ledger[LEDGER_MAIN], &key, err)) < 0)
		return rc;
	key_derive(&key, "stele cursor v1", span_of(NULL, 0), org->cursor_key.b, KEY_LEN);
	mem_wipe(&key, sizeof(key));
	return 0;
}

static struct org *find_locked(const struct service *s, int64_t id)
{
	struct org *org = s->orgs;

	while (org && org->control.id != id)
		org = org->next;
	return org;
}

static struct org *find(struct service *s, int64_t id, uint64_t *ret_changes)
{
	struct org *org;

	mutex_lock(&s->mu);
	org = find_locked(s, id);
	*ret_changes = s->cache_changes;
	mutex_unlock(&s->mu);
	return org;
}

/* Into the table, unless another thread was faster, which *ret is then; false when something changed since it was
 * read. */
static bool put(struct service *s, struct org *org, uint64_t changes, struct org **ret)
{
	bool is_current;

	mutex_lock(&s->mu);
	*ret = find_locked(s, org->control.id);
	is_current = s->cache_changes == changes;
	if (is_current && !*ret) {
		org->next = s->orgs;
		s->orgs = org;
		*ret = org;
	}
	mutex_unlock(&s->mu);
	return *ret || is_current;
}

static struct org *free_org(struct org *org)
{
	if (!org)
		return NULL;
	mem_wipe(&org->cursor_key, sizeof(org->cursor_key));
	free(org);
	return NULL;
}

int service__org(struct service *s, int64_t id, struct org **ret, struct err *err)
{
	struct org *org = NULL, *kept = NULL;
	uint64_t changes;
	int rc = 0;

	*ret = find(s, id, &changes);
	if (*ret)
		return 0;
	org = xalloc(sizeof(*org));
	do {
		(void)find(s, id, &changes);
		rc = control_org_get(s->control, id, &org->control, err);
		if (rc == 0)
			rc = open_parts(s, org, err);
		if (rc == 0)
			set_changeable(org, &org->control);
	} while (rc == 0 && !put(s, org, changes, &kept));
	if (kept != org)
		free_org(org);
	if (rc == 0)
		*ret = kept;
	return rc;
}

void service__org_changed(struct service *s, const struct control_org *stored)
{
	struct org *org;

	mutex_lock(&s->mu);
	s->cache_changes++;
	org = find_locked(s, stored->id);
	if (org)
		set_changeable(org, stored);
	mutex_unlock(&s->mu);
}

void service__org_cache_free(struct service *s)
{
	while (s->orgs) {
		struct org *org = s->orgs;

		s->orgs = org->next;
		free_org(org);
	}
}
