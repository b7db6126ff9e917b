/*
 * The server's own org, where there is none, and the first start: an org, an API key with all rights, and
 * bootstrap.json, which is the only place where the secret is written. The file is made durable first; the transaction
 * in control.db is the commit point. A crash between the two leaves a file whose key does not exist, and the next start
 * replaces it.
 */
#include <string.h>

#include "base/clock.h"
#include "base/durable.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "service/service_priv.h"

#define FIRST_ORG_KEY   "default"
#define FIRST_ORG_NAME  "Default"
#define SYSTEM_ORG_NAME "The server itself"

struct credentials {
	char client_id[CLIENT_ID_LEN + 1];
	struct key_secret secret;
	struct sha256 hash;
};

int service__wrap_key(void *user, uint32_t ledger, uint8_t ret_wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	struct service *s = user;
	struct key key;
	int rc = key_ring_make(s->ring, ledger, &key, ret_wrapped, err);

	mem_wipe(&key, sizeof(key));
	return rc;
}

static void put_member(struct buf *to, const char *name, const char *value)
{
	buf_printf(to, "%s\n  \"%s\": ", to->len ? "," : "{", name);
	json_text_string(to, span_str(value));
}

static int write_file(struct service *s, const char *url, const struct credentials *made, struct err *err)
{
	char *path = xformat("%s/" BOOTSTRAP_NAME, s->folder);
	struct buf text = BUF_INIT;
	struct span part;
	int rc;

	put_member(&text, "url", url);
	put_member(&text, "org_key", FIRST_ORG_KEY);
	put_member(&text, "client_id", made->client_id);
	put_member(&text, "client_secret", made->secret.secret);
	put_member(&text, "api_key", made->secret.token);
	buf_put_str(&text, "\n}\n");
	part = buf_span(&text);
	rc = buf_ok(&text) ? durable_write(s->io, path, &part, 1, 0600, err) : err_set(err, E_NO_MEMORY, "no memory");
	mem_wipe(text.p, text.len);
	buf_release(&text);
	free(path);
	return rc;
}

static int create_locked(struct service *s, const struct credentials *made, struct err *err)
{
	struct control_org org = {.org_key = FIRST_ORG_KEY, .name = FIRST_ORG_NAME, .created_us = clock_wall_us()};
	struct control_api_key key = {.role = "operator", .created_us = clock_wall_us(), .version = API_KEY_VERSION};
	int rc;

	if ((rc = control_org_create(s->control, &org, service__wrap_key, s, err)) < 0)
		return rc;
	memcpy(key.client_id, made->client_id, sizeof(made->client_id));
	key.secret_hash = made->hash;
	key.org = org.id;
	return control_api_key_create(s->control, &key, err);
}

static int create(struct service *s, const struct credentials *made, struct err *err)
{
	int rc;

	if ((rc = control_begin(s->control, err)) < 0)
		return rc;
	if ((rc = create_locked(s, made, err)) < 0) {
		control_rollback(s->control);
		return rc;
	}
	return control_commit(s->control, err);
}

/* Orgs' ids follow each other, so the first org is there before it. */
static int make_system_org(struct service *s, struct err *err)
{
	struct control_org org = {.org_key = SYSTEM_ORG_KEY, .name = SYSTEM_ORG_NAME, .created_us = clock_wall_us()};
	int rc = control_org_find(s->control, SYSTEM_ORG_KEY, &org, NULL);

	if (rc == E_NOT_FOUND)
		rc = control_org_create(s->control, &org, service__wrap_key, s, err);
	else if (rc < 0)
		rc = control_org_find(s->control, SYSTEM_ORG_KEY, &org, err); /* says why */
	s->system_org = org.id;
	return rc;
}

static int make_first_org(struct service *s, const char *url, struct err *err)
{
	struct credentials made;
	int rc;

	key_id_make(made.client_id);
	key_secret_make(made.client_id, &made.secret, &made.hash);
	if ((rc = write_file(s, url, &made, err)) == 0)
		rc = create(s, &made, err);
	mem_wipe(&made, sizeof(made));
	return rc;
}

int service__bootstrap(struct service *s, const char *url, bool *ret_is_first, struct err *err)
{
	int64_t orgs;
	int rc;

	if ((rc = control_org_count(s->control, &orgs, err)) < 0)
		return rc;
	*ret_is_first = orgs == 0;
	if (orgs == 0 && (rc = make_first_org(s, url, err)) < 0)
		return rc;
	return make_system_org(s, err);
}
