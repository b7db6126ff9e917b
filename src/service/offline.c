/* A data folder without a server: control data and keys, then the store without its threads. */
#include "service/offline.h"

#include <stdlib.h>

#include "base/diag.h"
#include "base/mem.h"
#include "control/control.h"
#include "control/secret.h"
#include "service/self_event.h"
#include "service/service_priv.h"

/* A folder is one of ours when it has a control.db; nothing is made where there is none. */
static int check_folder(struct io *io, const char *folder, struct err *err)
{
	char *path = xformat("%s/control.db", folder);
	struct io_stat st;
	int rc = io->stat(io, path, &st);

	free(path);
	return rc < 0 ? err_errno(err, -rc, "%s is no data folder: its control.db", folder) : 0;
}

/* As much of a service as the keys of ledgers need. */
static int open_keys(const struct offline *o, enum keys_open how, struct service *s, struct err *err)
{
	int rc;

	s->io = o->io;
	s->folder = xstrdup(o->folder);
	if ((rc = check_folder(o->io, o->folder, err)) < 0)
		return rc;
	if ((rc = control_open(o->folder, &s->control, err)) < 0)
		return rc;
	return service__keys_open(s, o->master_key, how, err);
}

static void close_keys(struct service *s)
{
	service__keys_close(s);
	control_close(s->control);
	free(s->folder);
}

static int open_store(struct service *s, struct err *err)
{
	struct store_config config = {.io = s->io,
				      .folder = s->folder,
				      .key = service__ledger_key,
				      .epoch = service__epoch,
				      .epoch_key = service__epoch_key,
				      .user = s,
				      .no_threads = true};

	return store_open(&config, &s->store, err);
}

int offline_seal(const struct offline *o, struct store_figures *ret, struct err *err)
{
	struct service s = {0};
	int rc;

	if ((rc = open_keys(o, KEYS_OPEN, &s, err)) < 0)
		goto out;
	if ((rc = open_store(&s, err)) < 0)
		goto out;
	if ((rc = store_seal(s.store, err)) < 0)
		goto out;
	store_figures(s.store, ret);
out:
	if (s.store)
		store_close(s.store);
	close_keys(&s);
	return rc;
}

int offline_verify(const struct offline *o, store_fault_fn *found, void *user, uint64_t *ret_records, struct err *err)
{
	struct err fault = ERR_INIT;
	struct service s = {0};
	int rc;

	s.team = team_start(team_helpers_for_machine());
	if ((rc = open_keys(o, KEYS_OPEN, &s, err)) < 0)
		goto out;
	if ((rc = open_store(&s, &fault)) < 0) {
		if (rc == E_CORRUPT)
			found(user, &fault);
		if (err)
			*err = fault;
		goto out;
	}
	rc = store_verify(s.store, s.team, found, user, ret_records, err);
out:
	if (s.store)
		store_close(s.store);
	close_keys(&s);
	team_stop(s.team);
	return rc;
}

int offline_retention(const struct offline *o, bool is_dry_run, struct retention_result *ret, struct err *err)
{
	const struct service_config config = {.io = o->io, .folder = o->folder, .url = "", .master_key = o->master_key};
	struct service *s = NULL;
	bool is_first;
	int rc;

	if ((rc = check_folder(o->io, o->folder, err)) < 0)
		return rc;
	if ((rc = service_open(&config, &s, &is_first, err)) < 0)
		return rc;
	rc = service_retention_run(s, is_dry_run, ret, err);
	service_close(s);
	return rc;
}

int offline_node_key(const struct offline *o, struct key *ret_key, struct err *err)
{
	struct service s = {0};
	int rc = open_keys(o, KEYS_READ, &s, err);

	if (rc == 0)
		*ret_key = s.node_key;
	close_keys(&s);
	return rc;
}

int offline_segment(const struct offline *o, uint32_t ledger, struct object *object, struct segment **ret,
		    struct err *err)
{
	struct service s = {0};
	struct segment_keys keys = {service__epoch_key, &s};
	uint8_t id_key[ID_KEY_LEN];
	struct key key;
	int rc;

	if ((rc = open_keys(o, KEYS_READ, &s, err)) == 0)
		rc = service__ledger_key(&s, ledger, &key, err);
	if (rc == 0) {
		key_derive(&key, "stele id v1", span_of(NULL, 0), id_key, ID_KEY_LEN); /* the label is ledger.c's */
		rc = segment_open_sealed(object, id_key, keys, ret, err);
	} else {
		object_close(object);
	}
	mem_wipe(&key, sizeof(key));
	mem_wipe(id_key, sizeof(id_key));
	close_keys(&s);
	return rc;
}

/* ---- another master key ---- */

struct rotation {
	struct key_ring *old;
	struct key_ring *new;
};

static int reseal(void *user, const char *label, struct span context, struct span old, uint8_t *to, struct err *err)
{
	struct rotation *r = user;
	uint8_t *secret = xalloc(old.len);
	int rc = key_ring_unseal(r->old, label, context, old, secret, err);

	if (rc == 0)
		rc = key_ring_seal(r->new, label, context, span_of(secret, old.len - KEY_SEAL_LEN), to, err);
	mem_wipe(secret, old.len);
	free(secret);
	return rc;
}

/* Where the new key is: the source that was given, or a file next to the old one's. Freed by the caller. */
static char *next_source(const struct service *s, const struct offline *o, const char *new_key, struct err *err)
{
	char *path = new_key ? NULL : key_ring_path(s->folder, o->master_key);
	char *source = path ? xformat("file:%s%s", path, MASTER_KEY_NEXT) : NULL;

	if (!new_key && !path)
		err_set(err, E_INVALID, "where is the new master key? It is made here only when the old one is a file");
	free(path);
	return new_key ? xstrdup(new_key) : source;
}

static int tell_org(struct service *s, int64_t id, struct span event, struct err *err)
{
	struct control_org org;
	struct ledger *self = NULL;
	int rc = control_org_get(s->control, id, &org, err);

	if (rc == 0)
		rc = store_ledger(s->store, org.ledger[LEDGER_SELF], &self, err);
	return rc < 0 ? rc : self_ledger_append(self, event, err);
}

/* The key is every org's. */
static int tell_orgs(struct service *s, const char *action, const char *description, struct err *err)
{
	struct buf event = BUF_INIT;
	int64_t *ids = NULL;
	size_t count = 0;
	int rc = control_org_ids(s->control, &ids, &count, err);

	self_event_begin(&event, action, NULL);
	buf_printf(&event, ",\"entity\":{\"id\":\"master\",\"type\":\"key\"},\"description\":\"%s\"}", description);
	if (rc == 0 && !buf_ok(&event))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for an event");
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = tell_org(s, ids[i], buf_span(&event), err);
	free(ids);
	buf_release(&event);
	return rc;
}

/* Told before it is done, and taken back when it then is not; what cannot be recorded is not done. */
static int reseal_all(struct service *s, struct rotation *r, uint64_t *ret_count, struct err *err)
{
	int rc = tell_orgs(s, "key.rotated", "the master key was changed with stele key rotate-master", err);

	if (rc < 0)
		return rc;
	rc = control_reseal(s->control, reseal, r, ret_count, err);
	if (rc < 0 && tell_orgs(s, "key.rotation_failed", "the change told of before this was not made", NULL) < 0)
		diag(DIAG_ERROR, "keys", "a change of the master key was told of and not made");
	return rc;
}

static int rotate(struct service *s, const struct offline *o, const char *new_key, uint64_t *ret_count, struct err *err)
{
	struct rotation r = {.old = s->ring};
	char *source = next_source(s, o, new_key, err);
	struct key_ring *same = NULL;
	int rc = source ? key_ring_open(s->io, s->folder, source, true, &r.new, err) : E_INVALID;

	if (rc == 0 && new_key && service__ring_open(s, new_key, false, &same, NULL) == 0)
		rc = err_set(err, E_INVALID, "the new master key is the one that is in use");
	if (rc == 0)
		rc = reseal_all(s, &r, ret_count, err);
	if (rc == 0 && !new_key) { /* opening finds out that the file is to be renamed */
		s->ring = key_ring_close(s->ring);
		rc = service__ring_open(s, o->master_key, false, &s->ring, err);
	}
	key_ring_close(same);
	key_ring_close(r.new);
	free(source);
	return rc;
}

int offline_rotate(const struct offline *o, const char *new_key, uint64_t *ret_count, struct err *err)
{
	struct service s = {0};
	int rc = open_keys(o, KEYS_OPEN, &s, err);

	if (rc == 0)
		rc = open_store(&s, err);
	if (rc == 0)
		rc = service__keys_check(&s, err);
	if (rc == 0)
		rc = rotate(&s, o, new_key, ret_count, err);
	if (s.store)
		store_close(s.store);
	close_keys(&s);
	return rc;
}
