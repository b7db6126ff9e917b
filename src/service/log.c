#include "service/log.h"

#include "service/service_priv.h"
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

	return as_unavailable(log_signer_checkpoint(s->signer, who->org->control.ledger[ledger], to, &size, err), err);
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
	int rc = log_signer_checkpoint(s->signer, who->org->control.ledger[ledger], &checkpoint, &size, err);

	buf_release(&checkpoint);
	if (rc < 0)
		return as_unavailable(rc, err);
	if (tile_width_at(tile->level, tile->number, size) < tile->width)
		return err_set(err, E_NOT_FOUND, "the checkpoint of %llu records has no such tile",
			       (unsigned long long)size);
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
	return log_signer_keys(s->signer, who->org->control.ledger[ledger], ret, ret_count, err);
}

int service_log_rotate(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct err *err)
{
	return as_unavailable(log_signer_rotate(s->signer, who->org->control.ledger[ledger], err), err);
}

void service_log_figures(struct service *s, struct log_figures *ret)
{
	log_signer_figures(s->signer, ret);
}
