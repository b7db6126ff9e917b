/* The text of an inclusion proof. */
#include "crypto/tlog_proof.h"

#include "base/mem.h"
#include "crypto/base64.h"
#include "crypto/proof_text_priv.h"

#define TITLE "c2sp.org/tlog-proof@v1"

void tlog_proof_put(struct buf *to, const struct tlog_proof *proof)
{
	buf_put_str(to, TITLE "\n");
	if (proof->extra.len > 0) {
		buf_put_str(to, "extra ");
		buf_put_span(to, proof->extra);
		buf_put_u8(to, '\n');
	}
	buf_printf(to, "index %llu\n", (unsigned long long)proof->index);
	proof_text__put_hashes(to, proof->path.hash, proof->path.count);
	buf_put_u8(to, '\n');
	buf_put_span(to, proof->checkpoint);
}

/* Whether it is base64 of something. */
static bool is_base64(struct span text)
{
	uint8_t *bytes = text.len > 0 ? try_alloc(text.len) : NULL;
	size_t len;
	bool is_good = bytes && base64_get(text, bytes, text.len, &len);

	free(bytes);
	return is_good;
}

/* The line that says extra, when there is one, and the one that says index. */
static int get_names(struct proof_text *t, struct tlog_proof *p, struct err *err)
{
	struct span line;
	int rc;

	if ((rc = proof_text__line(t, &line, err)) < 0)
		return rc;
	if (span_starts_with(line, SPAN_LIT("extra "))) {
		p->extra = span_from(line, sizeof("extra ") - 1);
		if (!is_base64(p->extra))
			return proof_text__fail(t, "expected base64 after 'extra'", err);
		if ((rc = proof_text__line(t, &line, err)) < 0)
			return rc;
	}
	if (!span_starts_with(line, SPAN_LIT("index ")) ||
	    !proof_text__number(span_from(line, sizeof("index ") - 1), &p->index))
		return proof_text__fail(t, "expected 'index' and a number", err);
	return 0;
}

int tlog_proof_get(struct span text, struct tlog_proof *ret, struct err *err)
{
	struct proof_text t = {text, 0};
	struct tlog_proof p = {.extra = span_of(NULL, 0)};
	struct span line;
	int rc;

	if (text.len > TLOG_PROOF_BYTES_MAX)
		return err_set(err, E_TOO_LARGE, "a proof has at most %u bytes", TLOG_PROOF_BYTES_MAX);
	if ((rc = proof_text__line(&t, &line, err)) < 0)
		return rc;
	if (!span_eq_str(line, TITLE))
		return proof_text__fail(&t, "expected '" TITLE "'", err);
	if ((rc = get_names(&t, &p, err)) < 0)
		return rc;
	if ((rc = proof_text__hashes(&t, false, MERKLE_INCLUSION_MAX, p.path.hash, &p.path.count, err)) < 0)
		return rc;
	if (t.rest.len == 0 || t.rest.p[t.rest.len - 1] != '\n') {
		t.line++;
		return proof_text__fail(&t, "expected a checkpoint behind the hashes", err);
	}
	p.checkpoint = t.rest;
	*ret = p;
	return 0;
}

int tlog_proof_verify(struct digest *d, const struct sha256 *leaf, const struct tlog_proof *proof,
		      const struct note_vkey *keys, size_t key_count, struct checkpoint *ret, struct err *err)
{
	struct note *note = xalloc(sizeof(*note));
	struct checkpoint c;
	int rc = checkpoint_open(proof->checkpoint, keys, key_count, note, &c, err);

	free(note);
	if (rc < 0)
		return rc;
	if (!merkle_verify_inclusion(d, proof->index, c.size, leaf, proof->path.hash, proof->path.count, &c.root))
		return err_set(err, E_CORRUPT,
			       "the record is not what the log has at index %llu: it was changed, or the proof is "
			       "another record's",
			       (unsigned long long)proof->index);
	*ret = c;
	return 0;
}
