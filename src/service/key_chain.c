/*
 * The keys of a data folder: the master key, and with it those of ledgers, of epochs and of the node. The master key is
 * tried on what it wraps before anything else of the folder is touched.
 *
 * Rotating a key that lies in a file writes the new one next to it, then control.db in one transaction, then renames. A
 * crash in between leaves control.db under either key; so when the file's does not fit, the one next to it is tried,
 * and if it does the rename is made up for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/reader.h"
#include "control/ledger_epoch.h"
#include "control/secret.h"
#include "service/service_priv.h"

#define NODE_SECRET  "node"
#define TOKEN_LABEL  "stele access token v1"
#define FIRST_LEDGER 1u /* the first org has it */
#define US_PER_S     INT64_C(1000000)

/* ---- the master key ---- */

/* 0 when the ring has wrapped what is in control.db, or when there is nothing yet. */
static int check_ring(struct service *s, struct key_ring *ring, struct err *err)
{
	uint8_t wrapped[KEY_WRAPPED_LEN];
	struct err why = ERR_INIT;
	struct key key;
	int rc = control_ledger_key(s->control, FIRST_LEDGER, wrapped, &why);

	if (rc == E_NOT_FOUND)
		return 0;
	if (rc == 0)
		rc = key_ring_unwrap(ring, FIRST_LEDGER, wrapped, &key, &why);
	mem_wipe(&key, sizeof(key));
	if (rc < 0 && err)
		*err = why;
	return rc;
}

int service__keys_check(struct service *s, struct err *err)
{
	return check_ring(s, s->ring, err);
}

static int rename_key(struct service *s, const char *from, const char *to, struct err *err)
{
	char *folder = xstrdup(to);
	char *slash = strrchr(folder, '/');
	int rc = s->io->rename(s->io, from, to);

	if (slash)
		slash[slash == folder] = '\0';
	if (rc == 0)
		rc = s->io->sync_folder(s->io, slash ? folder : ".");
	if (rc < 0)
		rc = err_errno(err, -rc, "renaming %s to %s", from, to);
	free(folder);
	return rc;
}

/* The key that a rotation was about to put in the place of the file: taken when it fits. */
static int take_next(struct service *s, const char *source, struct key_ring **ret, struct err *err)
{
	char *path = key_ring_path(s->folder, source);
	char *next = path ? xformat("%s%s", path, MASTER_KEY_NEXT) : NULL;
	char *next_source = path ? xformat("file:%s", next) : NULL;
	struct key_ring *ring = NULL;
	int rc = path ? key_ring_open(s->io, s->folder, next_source, false, &ring, NULL) : E_NOT_FOUND;

	if (rc == 0)
		rc = check_ring(s, ring, NULL);
	if (rc == 0)
		rc = rename_key(s, next, path, err);
	if (rc == 0)
		*ret = ring;
	else
		key_ring_close(ring);
	free(next_source);
	free(next);
	free(path);
	return rc;
}

int service__ring_open(struct service *s, const char *source, bool may_create, struct key_ring **ret, struct err *err)
{
	struct key_ring *ring = NULL;
	int rc = key_ring_open(s->io, s->folder, source, may_create, &ring, err);

	if (rc < 0)
		return rc;
	rc = check_ring(s, ring, err);
	if (rc == E_CRYPTO) {
		ring = key_ring_close(ring);
		rc = take_next(s, source, &ring, NULL);
		if (rc < 0)
			rc = err_set(err, E_CRYPTO,
				     "the master key is not the one that the keys in %s/control.db are wrapped with; "
				     "nothing was changed",
				     s->folder);
	}
	if (rc == 0)
		*ret = ring;
	else
		key_ring_close(ring);
	return rc;
}

/* ---- the node's key ---- */

static int make_node_key(struct service *s, struct err *err)
{
	uint8_t sealed[KEY_WRAPPED_LEN];
	struct key key;
	int rc;

	rand_bytes(key.b, sizeof(key.b));
	rc = key_ring_seal(s->ring, KEY_LABEL_SECRET, span_str(NODE_SECRET), span_of(key.b, sizeof(key.b)), sealed,
			   err);
	if (rc == 0)
		rc = control_secret_create(s->control, NODE_SECRET, span_of(sealed, sizeof(sealed)), err);
	if (rc == 0)
		s->node_key = key;
	mem_wipe(&key, sizeof(key));
	return rc;
}

static int read_node_key(struct service *s, struct err *err)
{
	struct buf sealed = BUF_INIT;
	int rc = control_secret_get(s->control, NODE_SECRET, &sealed, err);

	if (rc == 0 && sealed.len != KEY_WRAPPED_LEN)
		rc = err_set(err, E_CORRUPT, "control.db has a node key of %zu bytes", sealed.len);
	if (rc == 0)
		rc = key_ring_unseal(s->ring, KEY_LABEL_SECRET, span_str(NODE_SECRET), buf_span(&sealed), s->node_key.b,
				     err);
	buf_release(&sealed);
	return rc;
}

static int open_node_key(struct service *s, enum keys_open how, struct err *err)
{
	struct err why = ERR_INIT;
	int rc = read_node_key(s, &why);

	if (rc == E_NOT_FOUND && how != KEYS_READ)
		return make_node_key(s, err);
	if (rc < 0 && rc != E_NOT_FOUND && err)
		*err = why;
	return rc == E_NOT_FOUND ? 0 : rc; /* a folder of before there was one has nothing that needs it */
}

int service__keys_open(struct service *s, const char *source, enum keys_open how, struct err *err)
{
	int64_t orgs;
	int rc;

	/* A master key is made for a new folder only: a lost one must not be replaced in silence. */
	if ((rc = control_org_count(s->control, &orgs, err)) < 0)
		return rc;
	if ((rc = service__ring_open(s, source, how == KEYS_MAKE && orgs == 0, &s->ring, err)) < 0)
		return rc;
	if ((rc = open_node_key(s, how, err)) < 0)
		return rc;
	key_derive(&s->node_key, TOKEN_LABEL, span_of(NULL, 0), s->token_key.b, KEY_LEN);
	return 0;
}

void service__keys_close(struct service *s)
{
	if (s->ring)
		s->ring = key_ring_close(s->ring);
	mem_wipe(&s->node_key, sizeof(s->node_key));
	mem_wipe(&s->token_key, sizeof(s->token_key));
}

/* ---- keys of ledgers ---- */

int service__ledger_key(void *user, uint32_t ledger, struct key *ret_key, struct err *err)
{
	struct service *s = user;
	uint8_t wrapped[KEY_WRAPPED_LEN];
	int rc;

	if (ledger == STORE_NODE) {
		*ret_key = s->node_key;
		return 0;
	}
	if ((rc = control_ledger_key(s->control, ledger, wrapped, err)) < 0)
		return rc;
	return key_ring_unwrap(s->ring, ledger, wrapped, ret_key, err);
}

static struct span bind_epoch(uint32_t ledger, uint32_t epoch, uint8_t to[8])
{
	put_u32le(to, ledger);
	put_u32le(to + 4, epoch);
	return span_of(to, 8);
}

int service__epoch_key(void *user, uint32_t ledger, uint32_t epoch, struct key *ret_key, struct err *err)
{
	struct service *s = user;
	uint8_t wrapped[KEY_WRAPPED_LEN], bound[8];
	int rc = control_epoch_key(s->control, ledger, epoch, wrapped, err);

	if (rc < 0)
		return rc;
	return key_ring_unseal(s->ring, KEY_LABEL_EPOCH, bind_epoch(ledger, epoch, bound),
			       span_of(wrapped, sizeof(wrapped)), ret_key->b, err);
}

static int wrap_epoch(void *user, uint32_t ledger, uint32_t epoch, uint8_t ret_wrapped[KEY_WRAPPED_LEN],
		      struct err *err)
{
	struct service *s = user;
	uint8_t bound[8];
	struct key key;
	int rc;

	rand_bytes(key.b, sizeof(key.b));
	rc = key_ring_seal(s->ring, KEY_LABEL_EPOCH, bind_epoch(ledger, epoch, bound), span_of(key.b, sizeof(key.b)),
			   ret_wrapped, err);
	mem_wipe(&key, sizeof(key));
	return rc;
}

/* The store has removed the records before `first`: no copy of their files is to be read any more. What fails is tried
 * again with the next removal, or when the store is opened. */
void service__pruned(void *user, uint32_t ledger, uint64_t first)
{
	struct service *s = user;
	struct err err = ERR_INIT;
	uint32_t count = 0;

	if (control_epoch_destroy(s->control, ledger, first, &count, &err) < 0)
		diag(DIAG_WARNING, "keys", "keys of expired records are not destroyed yet: %s code=%s", err.message,
		     err_wire(err.code));
	else if (count > 0)
		diag(DIAG_INFO, "keys", "keys of expired records are destroyed: ledger=%u count=%u", ledger, count);
}

/* Whether records that are sealed now begin another epoch. */
static int is_over(struct service *s, const struct control_epoch *e, int64_t now_us, bool *ret, struct err *err)
{
	int64_t seconds;
	int rc = control_ledger_epoch_seconds(s->control, e->ledger, &seconds, err);

	if (rc == 0)
		*ret = now_us - e->created_us >= seconds * US_PER_S;
	return rc;
}

/* A merged file goes under the key of its last record: then whatever holds a record is under that record's epoch or a
 * later one, and all of it goes when that one's key does. */
int service__epoch(void *user, uint32_t ledger, uint64_t first, uint64_t next, bool is_new, uint32_t *ret_epoch,
		   struct err *err)
{
	struct service *s = user;
	struct control_epoch e;
	struct err why = ERR_INIT;
	int64_t now_us = clock_wall_us();
	bool is_due = false;
	int rc = control_epoch_find(s->control, ledger, next - 1, &e, &why);

	if (rc == 0 && is_new)
		rc = is_over(s, &e, now_us, &is_due, &why);
	if (rc == E_NOT_FOUND || is_due) {
		e = (struct control_epoch){.ledger = ledger, .first = is_new ? first : 0, .created_us = now_us};
		rc = control_epoch_create(s->control, &e, wrap_epoch, s, &why);
	}
	if (rc == 0)
		*ret_epoch = e.epoch;
	else if (err)
		*err = why;
	return rc;
}
