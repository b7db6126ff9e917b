/* Proofs: the newest checkpoint, a snapshot that reaches as far, and a path between them. */
#include "service/proof.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "codec/json_text.h"
#include "crypto/tlog_proof.h"
#include "service/log_reading_priv.h"
#include "service/proof_priv.h"
#include "service/sight.h"
#include "store/tree.h"

/* ---- the head ---- */

static int parse_head(const struct buf *text, struct checkpoint *ret, struct err *err)
{
	struct note *note = xalloc(sizeof(*note));
	int rc = note_parse(buf_span(text), note, err);

	if (rc == 0)
		rc = checkpoint_parse(note->text, ret, err);
	free(note);
	return rc;
}

static int wait_for_head(struct service *s, uint32_t number, uint64_t size, int wait_ms, struct err *err)
{
	int rc = log_signer_wait(s->signer, number, size, wait_ms, err);

	if (rc == E_TIMEOUT)
		rc = err_set(err, E_UNAVAILABLE,
			     "no checkpoint covers %" PRIu64
			     " records yet; one is signed every second, so try again in one",
			     size);
	return rc;
}

int service__log_head(struct service *s, struct org *org, enum control_ledger_name ledger, uint64_t size, int wait_ms,
		      struct buf *ret_note, struct checkpoint *ret, struct err *err)
{
	uint32_t number = org->control.ledger[ledger];
	uint64_t signed_size;
	int rc = size > 0 ? wait_for_head(s, number, size, wait_ms, err) : 0;

	if (rc == 0)
		rc = log_signer_checkpoint(s->signer, number, ret_note, &signed_size, err);
	if (rc == 0 && !buf_ok(ret_note))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for a checkpoint");
	return rc < 0 ? rc : parse_head(ret_note, ret, err);
}

static bool has_signed(const struct note *n, const struct note_vkey *vkey)
{
	for (size_t i = 0; i < n->signature_count; i++) {
		if (n->signature[i].id == vkey->id && span_eq_str(n->signature[i].name, vkey->name))
			return true;
	}
	return false;
}

int service__log_vkey(struct service *s, struct org *org, enum control_ledger_name ledger, struct span note,
		      struct buf *to, struct err *err)
{
	struct note *n = xalloc(sizeof(*n));
	struct log_key *keys = NULL;
	size_t count = 0, at;
	int rc = note_parse(note, n, err);

	if (rc == 0)
		rc = log_signer_keys(s->signer, org->control.ledger[ledger], &keys, &count, err);
	for (at = count; at > 0 && !has_signed(n, &keys[at - 1].vkey);)
		at--;
	if (rc == 0 && at == 0)
		rc = err_set(err, E_NOT_FOUND, "no key of the log has signed its checkpoint");
	if (rc == 0) {
		note_vkey_put(to, &keys[at - 1].vkey);
		buf_put_u8(to, '\n');
		if (!buf_ok(to))
			rc = err_set(err, E_NO_MEMORY, "not enough memory for a verifier key");
	}
	log_keys_free(keys, count);
	free(n);
	return rc;
}

bool service_is_settled(struct service *s, const struct principal *who, enum control_ledger_name ledger, uint64_t size)
{
	return log_signer_wait(s->signer, who->org->control.ledger[ledger], size, 0, NULL) != E_TIMEOUT;
}

int service_signed_size(struct service *s, const struct principal *who, enum control_ledger_name ledger, uint64_t *ret,
			struct err *err)
{
	struct buf note = BUF_INIT;
	int rc = log_signer_checkpoint(s->signer, who->org->control.ledger[ledger], &note, ret, err);

	buf_release(&note);
	return rc;
}

/* ---- proofs ---- */

/* What proofs under one checkpoint share. */
struct prover {
	struct buf note;
	struct checkpoint head;
	struct snapshot *snapshot;
	struct tree *tree;
};

static void close_prover(struct prover *p)
{
	tree_free(p->tree);
	snapshot_free(p->snapshot);
	buf_release(&p->note);
}

static int open_prover(struct service *s, struct org *org, enum control_ledger_name ledger, uint64_t size,
		       struct prover *p, struct err *err)
{
	int rc = service__log_head(s, org, ledger, size, 0, &p->note, &p->head, err);

	if (rc == 0)
		rc = ledger_snapshot(org->ledger[ledger], &p->snapshot, err);
	if (rc == 0)
		p->tree = tree_new(p->snapshot);
	return rc;
}

static int put_proof(struct prover *p, uint64_t index, struct buf *to, struct err *err)
{
	struct tlog_proof proof = {.index = index, .checkpoint = buf_span(&p->note)};
	int rc = tree_prove_inclusion(p->tree, index, p->head.size, &proof.path, err);

	if (rc == 0)
		tlog_proof_put(to, &proof);
	if (rc == 0 && !buf_ok(to))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for a proof");
	return rc;
}

static int check_index(struct ledger *l, uint64_t first, uint64_t count, struct err *err)
{
	uint64_t size = ledger_size(l);

	if (first < size && count <= size - first)
		return 0;
	return err_set(err, E_NOT_FOUND, "there is no record %" PRIu64 "; the ledger has %" PRIu64, first + count - 1,
		       size);
}

int service_prove(struct service *s, const struct principal *who, enum control_ledger_name ledger, uint64_t index,
		  struct buf *to, struct err *err)
{
	struct prover p = {.note = BUF_INIT};
	int rc = check_index(who->org->ledger[ledger], index, 1, err);

	if (rc == 0)
		rc = log_reading_tell(s, who, ledger, LOG_READ_PROOF, 0, 0, err);
	if (rc == 0)
		rc = open_prover(s, who->org, ledger, index + 1, &p, err);
	if (rc == 0)
		rc = put_proof(&p, index, to, err);
	close_prover(&p);
	return rc;
}

int service_prove_run(struct service *s, const struct principal *who, enum control_ledger_name ledger, uint64_t first,
		      uint64_t count, struct buf *to, struct err *err)
{
	struct prover p = {.note = BUF_INIT};
	struct buf text = BUF_INIT;
	int rc = check_index(who->org->ledger[ledger], first, count, err);

	if (rc == 0)
		rc = open_prover(s, who->org, ledger, first + count, &p, err);
	for (uint64_t i = 0; i < count && rc == 0; i++) {
		buf_reset(&text);
		rc = put_proof(&p, first + i, &text, err);
		if (i > 0)
			buf_put_u8(to, ',');
		json_text_string(to, buf_span(&text));
	}
	if (rc == 0 && !buf_ok(to))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for %" PRIu64 " proofs", count);
	buf_release(&text);
	close_prover(&p);
	return rc;
}

int service_index(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct span id,
		  uint64_t *ret, struct err *err)
{
	int rc = sight_index(s, who, ledger, id, ret, err);

	if (rc != E_NOT_FOUND)
		return rc;
	return err_set(err, E_NOT_FOUND, "there is no event %.*s in ledger %s", (int)(id.len < 64 ? id.len : 64), id.p,
		       control_ledger_names[ledger]);
}

int service_prove_growth(struct service *s, const struct principal *who, enum control_ledger_name ledger,
			 uint64_t old_size, uint64_t size, struct merkle_proof *ret, struct err *err)
{
	struct snapshot *snapshot = NULL;
	struct tree *tree;
	int rc = log_reading_tell(s, who, ledger, LOG_READ_CONSISTENCY, 0, 0, err);

	if (rc < 0)
		return rc;
	if ((rc = ledger_snapshot(who->org->ledger[ledger], &snapshot, err)) < 0)
		return rc;
	tree = tree_new(snapshot);
	rc = tree_prove_consistency(tree, old_size, size, ret, err);
	tree_free(tree);
	snapshot_free(snapshot);
	return rc;
}
