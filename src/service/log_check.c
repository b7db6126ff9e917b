/*
 * Whether a tree extends the one that was signed: a consistency proof, made from the ledger's records, and verified.
 *
 * The half of the proof that lies in the old tree is made of its frontier, which this process keeps from its last
 * signing; so a second's growth costs reading that growth alone, and the first signing after a start reads stored
 * hashes and one group of records.
 */
#include <inttypes.h>

#include "service/log_signer_priv.h"
#include "store/tree.h"

struct prover {
	const struct merkle_frontier *old; /* NULL: none is known */
	struct tree *tree;
	struct err *err;
};

static int get_node(void *user, unsigned level, uint64_t number, struct sha256 *ret)
{
	const struct prover *p = user;

	if (p->old && (p->old->size >> level & 1) && number == (p->old->size >> level) - 1) {
		*ret = p->old->node[level];
		return 0;
	}
	return tree_node(p->tree, level, number, ret, p->err);
}

static int fail_size(const struct log *log, uint64_t size, uint64_t signed_size, struct err *err)
{
	return err_set(err, E_CONFLICT,
		       "the ledger %s has %" PRIu64 " records, and a checkpoint of %" PRIu64
		       " was signed: this is an old copy of the data folder",
		       log->label, size, signed_size);
}

static int fail_root(const struct log *log, uint64_t signed_size, struct err *err)
{
	return err_set(err, E_CONFLICT,
		       "the first %" PRIu64 " records of the ledger %s are not those whose checkpoint was signed: this "
		       "is another history than the one that was published",
		       signed_size, log->label);
}

/* Proves that `tree` begins with `size` records of the root. */
static int prove(struct log_signer *s, const struct log *log, struct prover *p, uint64_t size,
		 const struct sha256 *root, const struct merkle_frontier *tree, struct err *err)
{
	struct merkle_proof proof;
	struct sha256 new_root;
	int rc;

	if (size > tree->size)
		return fail_size(log, tree->size, size, err);
	merkle_root(tree, s->digest, &new_root);
	rc = merkle_prove_consistency(s->digest, size, tree->size, get_node, p, &proof);
	if (rc < 0)
		return rc;
	if (!merkle_verify_consistency(s->digest, size, tree->size, proof.hash, proof.count, root, &new_root))
		return fail_root(log, size, err);
	return 0;
}

/* What this process has signed is proved already, and so is what it found: then only the last head counts. */
static int prove_all(struct log_signer *s, const struct log *log, struct tree *tree, const struct merkle_frontier *now,
		     struct err *err)
{
	const struct head_state_entry *state = s->state ? head_state_get(s->state, log->number) : NULL;
	struct prover p = {log->frontier, tree, err};
	int rc = 0;

	if (log->has_head)
		rc = prove(s, log, &p, log->head.size, &log->head.root, now, err);
	p.old = NULL;
	if (rc == 0 && state && !log->is_proved)
		rc = prove(s, log, &p, state->size, &state->root, now, err);
	return rc;
}

int log__check_size(struct log_signer *s, const struct log *log, struct err *err)
{
	const struct head_state_entry *state = s->state ? head_state_get(s->state, log->number) : NULL;
	uint64_t size = ledger_size(log->ledger);

	if (log->has_head && log->head.size > size)
		return fail_size(log, size, log->head.size, err);
	if (state && state->size > size)
		return fail_size(log, size, state->size, err);
	return 0;
}

int log__check(struct log_signer *s, struct log *log, const struct merkle_frontier *now, struct err *err)
{
	struct snapshot *snapshot;
	struct tree *tree;
	int rc = log__check_size(s, log, err);

	if (rc < 0)
		return rc;
	if ((rc = ledger_snapshot(log->ledger, &snapshot, err)) < 0)
		return rc;
	tree = tree_new(snapshot);
	rc = prove_all(s, log, tree, now, err);
	tree_free(tree);
	snapshot_free(snapshot);
	if (rc == 0)
		log->is_proved = true;
	return rc;
}
