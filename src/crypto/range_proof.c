/* The text of a range proof. */
#include "crypto/range_proof.h"

#include "crypto/proof_text_priv.h"

#define TITLE "stele/range-proof@v1"

void range_proof_put(struct buf *to, const struct range_proof *proof)
{
	buf_printf(to, TITLE "\nrange %llu %llu\n", (unsigned long long)proof->first, (unsigned long long)proof->next);
	proof_text__put_hashes(to, proof->path.hash, proof->path.count);
}

/* "range 12 34". */
static bool get_range(struct span line, struct range_proof *p)
{
	const uint8_t *space;
	struct span numbers;
	size_t len;

	if (!span_starts_with(line, SPAN_LIT("range ")))
		return false;
	numbers = span_from(line, sizeof("range ") - 1);
	space = numbers.len ? memchr(numbers.p, ' ', numbers.len) : NULL;
	if (!space)
		return false;
	len = (size_t)(space - numbers.p);
	return proof_text__number(span_of(numbers.p, len), &p->first) &&
	       proof_text__number(span_from(numbers, len + 1), &p->next) && p->first <= p->next;
}

int range_proof_get(struct span text, struct range_proof *ret, struct err *err)
{
	struct proof_text t = {text, 0};
	struct range_proof p = {0};
	struct span line;
	int rc;

	if (text.len > RANGE_PROOF_BYTES_MAX)
		return err_set(err, E_TOO_LARGE, "a range proof has at most %u bytes", RANGE_PROOF_BYTES_MAX);
	if ((rc = proof_text__line(&t, &line, err)) < 0)
		return rc;
	if (!span_eq_str(line, TITLE))
		return proof_text__fail(&t, "expected '" TITLE "'", err);
	if ((rc = proof_text__line(&t, &line, err)) < 0)
		return rc;
	if (!get_range(line, &p))
		return proof_text__fail(&t, "expected 'range', the first number, and the one behind the last", err);
	if ((rc = proof_text__hashes(&t, true, MERKLE_RANGE_MAX, p.path.hash, &p.path.count, err)) < 0)
		return rc;
	*ret = p;
	return 0;
}
