/* Keys, roles and narrowing queries that were looked up. */
#include "service/key_cache.h"

#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/hash.h"
#include "base/mem.h"
#include "service/role.h"

#define US_PER_S INT64_C(1000000)

/* ---- narrowing queries ---- */

static int parse_narrow(struct span text, struct query **ret, struct err *err)
{
	static const int64_t one_time = 0, another_time = INT64_C(86400) * US_PER_S;
	struct buf one = BUF_INIT, another = BUF_INIT;
	struct query *query = NULL, *again = NULL;
	int rc;

	if ((rc = query_parse(text, one_time, &query, err)) < 0)
		goto out;
	if ((rc = query_parse(text, another_time, &again, err)) < 0)
		goto out;
	query_print(query, &one);
	query_print(again, &another);
	if (!buf_ok(&one) || !buf_ok(&another))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for a query");
	else if (!span_eq(buf_span(&one), buf_span(&another)))
		rc = err_set(err, E_INVALID, "what a key may see cannot depend on 'now'; give times as they are");
out:
	buf_release(&one);
	buf_release(&another);
	query_free(again);
	if (rc < 0)
		query_free(query);
	else
		*ret = query;
	return rc;
}

/* `ret_count`: how many the org has, when it is none of them. */
static const struct narrow *find_narrow_locked(const struct service *s, int64_t org, const char *text,
					       unsigned *ret_count)
{
	*ret_count = 0;
	for (const struct narrow *n = s->narrows; n; n = n->next) {
		if (n->org != org)
			continue;
		++*ret_count;
		if (strcmp(n->text, text) == 0)
			return n;
	}
	return NULL;
}

static const struct narrow *find_narrow(struct service *s, int64_t org, const char *text, unsigned *ret_count)
{
	const struct narrow *found;

	mutex_lock(&s->mu);
	found = find_narrow_locked(s, org, text, ret_count);
	mutex_unlock(&s->mu);
	return found;
}

static struct narrow *free_narrow(struct narrow *n)
{
	if (!n)
		return NULL;
	query_free(n->query);
	free(n->text);
	free(n);
	return NULL;
}

/* Keeps `made`, unless there is one of this text by now. */
static const struct narrow *keep_narrow(struct service *s, struct narrow *made)
{
	const struct narrow *found;
	unsigned ignored;

	mutex_lock(&s->mu);
	found = find_narrow_locked(s, made->org, made->text, &ignored);
	if (!found) {
		made->next = s->narrows;
		s->narrows = made;
	}
	mutex_unlock(&s->mu);
	if (!found)
		return made;
	free_narrow(made);
	return found;
}

int service__narrow(struct service *s, int64_t org, const char *text, const struct narrow **ret, struct err *err)
{
	const struct narrow *found;
	struct narrow *made;
	struct query *query;
	unsigned ignored;
	int rc;

	*ret = NULL;
	if (text[0] == '\0')
		return 0;
	found = find_narrow(s, org, text, &ignored);
	if (!found) {
		if ((rc = parse_narrow(span_str(text), &query, err)) < 0)
			return rc;
		made = xalloc(sizeof(*made));
		made->org = org;
		made->query = query;
		made->text = xstrdup(text);
		found = keep_narrow(s, made);
	}
	*ret = found;
	return 0;
}

int service__narrow_check(struct service *s, int64_t org, const char *text, struct err *err)
{
	struct query *query;
	unsigned count;
	int rc;

	if (text[0] == '\0' || find_narrow(s, org, text, &count))
		return 0;
	if (count >= NARROWS_MAX)
		return err_set(
			err, E_QUOTA,
			"the keys of this org had %u different queries since the server was started, and it keeps "
			"them all; use one of them, or start it again",
			NARROWS_MAX);
	if ((rc = parse_narrow(span_str(text), &query, err)) == 0)
		query_free(query);
	return rc;
}

/* ---- keys ---- */

static struct known_key **bucket_of(struct service *s, const char *client_id)
{
	return &s->keys[hash64(client_id, strlen(client_id), 0) % KEY_BUCKETS];
}

static struct known_key *find_locked(struct service *s, const char *client_id)
{
	for (struct known_key *key = *bucket_of(s, client_id); key; key = key->next) {
		if (strcmp(key->principal.id, client_id) == 0)
			return key;
	}
	return NULL;
}

static int load_rights(struct service *s, const struct control_api_key *stored, struct principal *p, struct err *err)
{
	const struct narrow *narrow;
	int rc;

	if ((rc = service_role_permissions(s, stored->org, stored->role, &p->permissions, err)) < 0)
		return rc;
	if ((rc = service__narrow(s, stored->org, stored->narrow, &narrow, err)) < 0)
		return rc;
	p->narrow_text = "";
	if (!narrow)
		return 0;
	p->narrow = narrow->query;
	p->narrow_text = narrow->text;
	p->permissions &= ~(uint32_t)PERMISSIONS_WHOLE;
	return 0;
}

static int load_parts(struct service *s, const struct control_api_key *stored, struct known_key *key, struct err *err)
{
	char normal[NETWORKS_TEXT_MAX + 1];
	int rc;

	if (stored->revoked_us == 0 && (rc = load_rights(s, stored, &key->principal, err)) < 0)
		return rc;
	if ((rc = network_list_parse(span_str(stored->networks), &key->networks, normal, err)) < 0)
		return rc;
	return service__org(s, stored->org, &key->principal.org, err);
}

/* What cannot be understood is not taken for less than it was: the key does not work. A revoked one may do nothing, and
 * its role may be gone. */
static int load(struct service *s, const char *client_id, struct known_key *key, struct err *err)
{
	struct control_api_key stored;
	struct err why = ERR_INIT;
	int rc;

	if ((rc = control_api_key_get(s->control, client_id, &stored, err)) < 0)
		return rc;
	key->secret_hash = stored.secret_hash;
	key->previous_hash = stored.previous_hash;
	key->previous_until_us = stored.previous_until_us;
	key->expires_us = stored.expires_us;
	key->revoked_us = stored.revoked_us;
	key->rotated_us = stored.rotated_us;
	key->used_us = key->noted_us = stored.last_used_us;
	key->principal.request_rate = stored.request_rate;
	key->principal.event_rate = stored.event_rate;
	memcpy(key->principal.id, stored.client_id, sizeof(stored.client_id));
	memcpy(key->principal.name, stored.name, sizeof(stored.name));
	rc = load_parts(s, &stored, key, &why);
	if (rc == E_NOT_FOUND || rc == E_INVALID || rc == E_SYNTAX)
		return err_set(err, E_CORRUPT, "control.db: API key %s is of no use: %s", client_id, why.message);
	if (rc < 0 && err)
		*err = why;
	return rc;
}

/* Puts what was read in the place of what was there. */
static struct known_key *put_locked(struct service *s, struct known_key *loaded)
{
	struct known_key **bucket = bucket_of(s, loaded->principal.id);
	struct known_key *key = find_locked(s, loaded->principal.id);

	if (!key) {
		loaded->next = *bucket;
		*bucket = loaded;
		return loaded;
	}
	loaded->next = key->next;
	if (loaded->used_us < key->used_us)
		loaded->used_us = key->used_us;
	*key = *loaded;
	free(loaded);
	return key;
}

int service__key_take(struct service *s, const char *client_id, struct known_key **ret, struct err *err)
{
	struct known_key *loaded;
	uint64_t changes;
	int rc;

	mutex_lock(&s->mu);
	*ret = find_locked(s, client_id);
	if (*ret && !(*ret)->is_stale)
		return 0;
	changes = s->cache_changes;
	mutex_unlock(&s->mu);
	loaded = xalloc(sizeof(*loaded));
	if ((rc = load(s, client_id, loaded, err)) < 0) {
		free(loaded);
		return rc;
	}
	mutex_lock(&s->mu);
	loaded->is_stale = s->cache_changes != changes;
	*ret = put_locked(s, loaded);
	return 0;
}

void service__key_changed(struct service *s, const char *client_id)
{
	struct known_key *key;

	mutex_lock(&s->mu);
	s->cache_changes++;
	key = find_locked(s, client_id);
	if (key)
		key->is_stale = true;
	mutex_unlock(&s->mu);
}

static void forget_roles_locked(struct service *s, int64_t org)
{
	struct known_role **at = &s->roles;

	while (*at) {
		struct known_role *r = *at;

		if (r->org != org) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		free(r);
	}
}

void service__role_changed(struct service *s, int64_t org)
{
	mutex_lock(&s->mu);
	s->cache_changes++;
	forget_roles_locked(s, org);
	for (size_t i = 0; i < KEY_BUCKETS; i++) {
		for (struct known_key *key = s->keys[i]; key; key = key->next) {
			if (key->principal.org->control.id == org)
				key->is_stale = true;
		}
	}
	mutex_unlock(&s->mu);
}

/* ---- when keys were used ---- */

int64_t service__key_used(struct service *s, const char *client_id, int64_t noted_us)
{
	const struct known_key *key;
	int64_t used = noted_us;

	mutex_lock(&s->mu);
	key = find_locked(s, client_id);
	if (key && key->used_us > used)
		used = key->used_us;
	mutex_unlock(&s->mu);
	return used;
}

struct use {
	char client_id[CLIENT_ID_MAX + 1];
	int64_t us;
};

/* Those that are due, at most KEY_USES_NOTED. */
static size_t collect_uses(struct service *s, bool all, struct use *uses)
{
	int64_t due = all ? INT64_MAX : clock_wall_us() - KEY_USE_NOTED_S * US_PER_S;
	size_t n = 0;

	mutex_lock(&s->mu);
	for (size_t i = 0; i < KEY_BUCKETS; i++) {
		for (struct known_key *key = s->keys[i]; key && n < KEY_USES_NOTED; key = key->next) {
			if (key->used_us <= key->noted_us || key->noted_us > due)
				continue;
			memcpy(uses[n].client_id, key->principal.id, sizeof(uses[n].client_id));
			uses[n++].us = key->used_us;
			key->noted_us = key->used_us;
		}
	}
	mutex_unlock(&s->mu);
	return n;
}

static int note_uses(struct service *s, const struct use *uses, size_t count, struct err *err)
{
	int rc = control_begin(s->control, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = control_api_key_used(s->control, uses[i].client_id, uses[i].us, err);
	if (rc == 0)
		return control_commit(s->control, err);
	control_rollback(s->control);
	return rc;
}

void service__keys_note_use(struct service *s, bool all)
{
	struct use uses[KEY_USES_NOTED];
	struct err err = ERR_INIT;
	size_t count;

	do {
		count = collect_uses(s, all, uses);
		if (count > 0 && note_uses(s, uses, count, &err) < 0)
			diag(DIAG_WARNING, "service", "when keys were used last is not written down: %s code=%s",
			     err.message, err_wire(err.code));
	} while (count == KEY_USES_NOTED);
}

/* ---- the end ---- */

void service__key_cache_free(struct service *s)
{
	for (size_t i = 0; i < KEY_BUCKETS; i++) {
		struct known_key *next;

		for (struct known_key *key = s->keys[i]; key; key = next) {
			next = key->next;
			free(key);
		}
	}
	while (s->roles) {
		struct known_role *role = s->roles;

		s->roles = role->next;
		free(role);
	}
	while (s->narrows) {
		struct narrow *narrow = s->narrows;

		s->narrows = narrow->next;
		free_narrow(narrow);
	}
}
