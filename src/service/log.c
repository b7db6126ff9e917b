/* Logs as clients see them, and changes of their keys, which are events of the self ledger before they are made. */
#include "service/log.h"

#include "base/diag.h"
#include "codec/json_text.h"
#include "service/log_reading_priv.h"
#include "service/self_event.h"
#include "service/service_priv.h"
#include "service/sight.h"
#include "store/tree.h"

/* A refusal is a state of the server, and not the client's fault. */
static int as_unavailable(int rc, struct err *err)
{
	if (rc != E_CONFLICT)
		return rc;
	if (err)
		err->code = E_UNAVAILABLE;
	return E_UNAVAILABLE;
}

int service_log_find(const struct principal *who, struct span org_key, struct span ledger,
		     enum control_ledger_name *ret, struct err *err)
{
	for (int i = 0; i < LEDGER_NAME_COUNT && span_eq_str(org_key, who->org->control.org_key); i++) {
		if (span_eq_str(ledger, control_ledger_names[i])) {
			*ret = (enum control_ledger_name)i;
			return 0;
		}
	}
	return err_set(err, E_NOT_FOUND, "this org's logs are /log/%s/main and /log/%s/self", who->org->control.org_key,
		       who->org->control.org_key);
}

int service_log_checkpoint(struct service *s, const struct principal *who, enum control_ledger_name ledger,
			   struct buf *to, struct err *err)
{
	uint64_t size;
	int rc = log_reading_tell(s, who, ledger, LOG_READ_CHECKPOINT, 0, 0, err);

	if (rc < 0)
		return rc;
	return as_unavailable(log_signer_checkpoint(s->signer, who->org->control.ledger[ledger], to, &size, err), err);
}

/* A bundle of entries gives out records. */
static int tell_tile(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		     const struct tile_path *tile, struct err *err)
{
	uint64_t first = tile->number * TILE_WIDTH;

	return log_reading_tell(s, who, ledger, tile->is_entries ? LOG_READ_ENTRIES : LOG_READ_TILE, first,
				first + tile->width, err);
}

static int put_tile(struct tree *t, const struct tile_path *tile, struct buf *to, struct err *err)
{
	struct sha256 hash[TILE_WIDTH];
	int rc;

	if (tile->is_entries)
		return tree_entries(t, tile->number, tile->width, to, err);
	rc = tree_tile(t, tile->level, tile->number, tile->width, hash, err);
	if (rc == 0)
		buf_put(to, hash, tile->width * sizeof(hash[0]));
	return rc;
}

int service_log_tile(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		     const struct tile_path *tile, struct buf *to, struct err *err)
{
	struct buf checkpoint = BUF_INIT;
	struct snapshot *snapshot;
	struct tree *tree;
	uint64_t size;
	int rc;

	if (tile->is_entries && ((rc = sight_ledger(who, ledger, err)) < 0 || (rc = sight_whole(who, err)) < 0))
		return rc;
	rc = log_signer_checkpoint(s->signer, who->org->control.ledger[ledger], &checkpoint, &size, err);
	buf_release(&checkpoint);
	if (rc < 0)
		return as_unavailable(rc, err);
	if (tile_width_at(tile->level, tile->number, size) < tile->width)
		return err_set(err, E_NOT_FOUND, "the checkpoint of %llu records has no such tile",
			       (unsigned long long)size);
	if ((rc = tell_tile(s, who, ledger, tile, err)) < 0)
		return rc;
	if ((rc = ledger_snapshot(who->org->ledger[ledger], &snapshot, err)) < 0)
		return rc;
	tree = tree_new(snapshot);
	rc = put_tile(tree, tile, to, err);
	tree_free(tree);
	snapshot_free(snapshot);
	return rc;
}

int service_log_keys(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		     struct log_key **ret, size_t *ret_count, struct err *err)
{
	int rc = log_reading_tell(s, who, ledger, LOG_READ_KEYS, 0, 0, err);

	if (rc < 0)
		return rc;
	return log_signer_keys(s->signer, who->org->control.ledger[ledger], ret, ret_count, err);
}

/* ---- a change of keys ---- */

struct rotation {
	struct service *service;
	const struct principal *who;
	enum control_ledger_name ledger;
	bool is_told;
};

static void begin_event(const struct rotation *r, const char *action, struct buf *to)
{
	self_event_begin(to, action, r->who);
	buf_printf(to, ",\"entity\":{\"id\":\"%s\",\"type\":\"ledger\"}", control_ledger_names[r->ledger]);
}

static void put_vkey(struct buf *to, const char *member, const struct note_vkey *vkey)
{
	struct buf line = BUF_INIT;

	note_vkey_put(&line, vkey);
	buf_printf(to, ",\"%s\":{\"vkey\":", member);
	json_text_string(to, buf_span(&line));
	buf_put_u8(to, '}');
	to->failed |= line.failed;
	buf_release(&line);
}

static int tell(const struct rotation *r, struct buf *event, struct err *err)
{
	int rc = buf_ok(event) ? service_self_append(r->service, r->who->org, buf_span(event), err)
			       : err_set(err, E_NO_MEMORY, "not enough memory for an event");

	buf_release(event);
	return rc;
}

static int tell_rotated(void *user, const struct note_vkey *before, const struct note_vkey *after, struct err *err)
{
	struct rotation *r = user;
	struct buf event = BUF_INIT;
	int rc;

	begin_event(r, "log.key_rotated", &event);
	put_vkey(&event, "before", before);
	put_vkey(&event, "after", after);
	buf_put_u8(&event, '}');
	rc = tell(r, &event, err);
	r->is_told = rc == 0;
	return rc;
}

/* The event told of a key that was then not put in place. */
static void take_back(const struct rotation *r, const struct err *why)
{
	struct buf event = BUF_INIT;
	struct err err = ERR_INIT;

	begin_event(r, "log.key_rotation_failed", &event);
	buf_put_str(&event, ",\"description\":\"the change of keys told of before this was not made\"}");
	if (tell(r, &event, &err) < 0)
		diag(DIAG_ERROR, "log", "a change of keys was told of and not made: %s", why->message);
}

int service_log_rotate(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct err *err)
{
	struct rotation r = {.service = s, .who = who, .ledger = ledger};
	struct err why = ERR_INIT;
	bool is_changed;
	int rc = log_signer_rotate(s->signer, who->org->control.ledger[ledger], tell_rotated, &r, &is_changed, &why);

	if (rc < 0 && r.is_told && !is_changed)
		take_back(&r, &why);
	if (rc < 0 && err)
		*err = why;
	return as_unavailable(rc, err);
}

/* ---- */

void service_log_figures(struct service *s, struct log_figures *ret)
{
	log_signer_figures(s->signer, ret);
}
