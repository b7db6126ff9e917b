/*
 * What makes an archive evidence (bundle.h): the leaf hashes of what was left out, the range's proof, the checkpoint.
 *
 * The range is what the period asked for takes up in the ledger: from the first record to the last whose time lies in
 * it, in order of arrival; from the ledger's beginning where no `from` was given, and to the end of what was looked at
 * where no `to` was. It does not depend on the query.
 *
 * A ledger with damage in the range, or one that nobody signs, cannot be proved. The records are written all the same,
 * and the manifest says why nothing proves them; no verifier takes that for good.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/reader.h"
#include "crypto/range_proof.h"
#include "service/bundle.h"
#include "service/export_zip_priv.h"
#include "service/proof_priv.h"

#define STEP_HASHES 2048u /* written at a time: 64 KiB */

static struct evidence *evidence_of(struct export *x)
{
	struct zip *z = x->state;

	return &z->evidence;
}

/* What cannot be proved is said in the manifest; memory and disk are another matter. */
static int note_unproved(struct evidence *e, int rc, const struct err *why, struct err *err)
{
	if (rc >= 0)
		return rc;
	if (rc == E_IO || rc == E_NO_MEMORY || rc == E_INTERNAL) {
		if (err)
			*err = *why;
		return rc;
	}
	snprintf(e->unproved, sizeof(e->unproved), "%s", why->message);
	e->is_over = true;
	return 0;
}

/* ---- the range ---- */

/* The first record of the period, in the given order; *ret_found false when there is none. */
static int find_end(struct export *x, const struct query *all, bool oldest_first, uint64_t *ret, bool *ret_found,
		    struct err *err)
{
	struct search_request r = {.query = all,
				   .from_us = x->spec.from_us,
				   .to_us = x->spec.to_us,
				   .oldest_first = oldest_first,
				   .limit = 1,
				   .size = x->spec.size,
				   .after = UINT64_MAX,
				   .total = SEARCH_TOTAL_NONE};
	struct search_answer answer = SEARCH_ANSWER_INIT;
	int rc = search_run(x->snapshot, &r, &answer, err);

	*ret_found = rc == 0 && answer.count > 0;
	if (*ret_found)
		*ret = answer.index[0];
	search_answer_release(&answer);
	return rc;
}

int evidence__open(struct export *x, struct err *err)
{
	struct evidence *e = evidence_of(x);
	uint64_t first = 0, last = x->spec.size - 1;
	struct query *all = NULL;
	bool is_found = x->spec.size > 0;
	int rc = query_parse(SPAN_LIT(""), x->spec.created_us, &all, err);

	e->answer = (struct search_answer)SEARCH_ANSWER_INIT;
	if (rc == 0 && is_found && x->spec.from_us != INT64_MIN)
		rc = find_end(x, all, true, &first, &is_found, err);
	if (rc == 0 && is_found && x->spec.to_us != INT64_MAX)
		rc = find_end(x, all, false, &last, &is_found, err);
	if (rc == 0 && is_found && first <= last) {
		e->first = first;
		e->next = last + 1;
	}
	query_free(all);
	return rc;
}

void evidence__close(struct evidence *e)
{
	tree_free(e->tree);
	snapshot_free(e->snapshot);
	search_stream_close(e->again);
	search_answer_release(&e->answer);
	buf_release(&e->checkpoint);
	buf_release(&e->vkey);
}

/* ---- the leaves ---- */

int evidence__begin(struct export *x, struct err *err)
{
	struct evidence *e = evidence_of(x);
	struct search_request r = {.query = x->query,
				   .from_us = x->spec.from_us,
				   .to_us = x->spec.to_us,
				   .oldest_first = true,
				   .size = x->spec.size,
				   .after = UINT64_MAX,
				   .total = SEARCH_TOTAL_NONE};

	e->at = e->first;
	e->hashes_end = e->first;
	e->withheld = e->next - e->first - x->records;
	e->tree = tree_new(x->snapshot);
	if (x->records == e->next - e->first) {
		e->shown = x->records;
		e->at = e->next;
		e->hashes_end = e->next;
	} else if (x->records > 0) {
		e->again = search_stream_open(x->snapshot, &r);
	}
	return zip__begin_file(x, BUNDLE_LEAVES, -1, err);
}

/* The run that has grown to `at` ends with the hashes of the records up to `end`. */
static int begin_hashes(struct export *x, uint64_t end, struct err *err)
{
	struct evidence *e = evidence_of(x);
	uint8_t head[BUNDLE_RUN_LEN];

	put_u64le(head, e->shown);
	put_u64le(head + 8, end - e->at);
	e->hashes_end = end;
	e->shown = 0;
	return zip__put(x->state, span_of(head, sizeof(head)), err);
}

static int put_hashes(struct export *x, struct err *err)
{
	struct evidence *e = evidence_of(x);
	uint64_t left = e->hashes_end - e->at;
	size_t n = left < STEP_HASHES ? (size_t)left : STEP_HASHES;
	struct sha256 hashes[STEP_HASHES];
	struct err why = ERR_INIT;
	int rc = tree_leaves(e->tree, e->at, n, hashes, &why);

	if (rc < 0)
		return note_unproved(e, rc, &why, err);
	e->at += n;
	return zip__put(x->state, span_of(hashes, n * SHA256_LEN), err);
}

/* Goes on to the next record that was shown, or to the range's end. */
static int find_shown(struct export *x, struct err *err)
{
	struct evidence *e = evidence_of(x);
	int rc = 0;

	while (e->again && e->answer_at < e->answer.count) {
		uint64_t index = e->answer.index[e->answer_at];

		if (index > e->at)
			return begin_hashes(x, index, err);
		e->answer_at++;
		e->shown++;
		e->at++;
	}
	if (e->again) {
		rc = search_stream_next(e->again, EXPORT_AGAIN_BYTES, &e->answer, err);
		e->answer_at = 0;
		e->answered += e->answer.count;
		if (rc < 0 || e->answer.count > 0)
			return rc;
		e->again = search_stream_close(e->again);
		if (e->answered != x->records)
			return note_unproved(e, E_CORRUPT, &(struct err){.message = "records cannot be read any more"},
					     err);
	}
	if (e->at < e->next || e->shown > 0)
		return begin_hashes(x, e->next, err);
	e->is_over = true;
	return 0;
}

int evidence__put_leaves(struct export *x, struct err *err)
{
	struct evidence *e = evidence_of(x);

	return e->at < e->hashes_end ? put_hashes(x, err) : find_shown(x, err);
}

/* ---- the proof ---- */

struct prover {
	struct tree *tree;
	struct err *err;
};

static int prove_node(void *user, unsigned level, uint64_t number, struct sha256 *ret)
{
	struct prover *p = user;

	return tree_node(p->tree, level, number, ret, p->err);
}

/* The checkpoint may be about more records than the export has seen. */
static int prove(struct export *x, struct range_proof *ret, struct err *err)
{
	struct evidence *e = evidence_of(x);
	struct prover p = {.err = err};
	int rc = service__log_head(x->service, x->org, x->spec.ledger, e->next, PROOF_WAIT_MS, &e->checkpoint, &e->head,
				   err);

	if (rc == 0)
		rc = service__log_vkey(x->service, x->org, x->spec.ledger, buf_span(&e->checkpoint), &e->vkey, err);
	if (rc == 0)
		rc = ledger_snapshot(x->org->ledger[x->spec.ledger], &e->snapshot, err);
	if (rc < 0)
		return rc;
	tree_free(e->tree);
	e->tree = tree_new(e->snapshot);
	p.tree = e->tree;
	ret->first = e->first;
	ret->next = e->next;
	rc = merkle_prove_range(e->first, e->next, e->head.size, prove_node, &p, &ret->path);
	if (rc == E_INVALID)
		rc = err_set(err, E_CORRUPT, "the checkpoint is about %llu records, fewer than the export",
			     (unsigned long long)e->head.size);
	return rc;
}

int evidence__put_texts(struct export *x, struct err *err)
{
	struct evidence *e = evidence_of(x);
	struct range_proof proof = {0};
	struct err why = ERR_INIT;
	struct buf text = BUF_INIT;
	int rc;

	if (e->unproved[0] != '\0')
		return 0;
	rc = note_unproved(e, prove(x, &proof, &why), &why, err);
	if (rc < 0 || e->unproved[0] != '\0')
		return rc;
	range_proof_put(&text, &proof);
	if (!buf_ok(&text))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for a proof");
	if (rc == 0)
		rc = zip__put_file(x, BUNDLE_PROOF, buf_span(&text), err);
	if (rc == 0)
		rc = zip__put_file(x, BUNDLE_CHECKPOINT, buf_span(&e->checkpoint), err);
	if (rc == 0)
		rc = zip__put_file(x, BUNDLE_VKEY, buf_span(&e->vkey), err);
	buf_release(&text);
	return rc;
}
