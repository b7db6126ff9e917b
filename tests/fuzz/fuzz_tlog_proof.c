/* Proofs as text: what is taken is written back the same, and no proof of noise holds. */
#include "crypto/range_proof.h"
#include "crypto/tlog_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sha256 leaf = {{1}};
static const struct sha256 root = {{2}};

static void check_inclusion(struct digest *d, struct span in)
{
	struct err err = ERR_INIT;
	struct buf out = BUF_INIT;
	struct tlog_proof p;

	if (tlog_proof_get(in, &p, &err) < 0) {
		must(err.message[0] != '\0');
		return;
	}
	tlog_proof_put(&out, &p);
	must(span_eq(buf_span(&out), in));
	must(!merkle_verify_inclusion(d, p.index, p.index + 1, &leaf, p.path.hash, p.path.count, &root));
	buf_release(&out);
}

static void check_range(struct digest *d, struct span in)
{
	struct buf out = BUF_INIT;
	struct merkle_range r;
	struct range_proof p;

	if (range_proof_get(in, &p, NULL) < 0)
		return;
	range_proof_put(&out, &p);
	must(span_eq(buf_span(&out), in));
	if (merkle_range_begin(&r, p.first, p.next, p.next + p.path.count, p.path.hash, p.path.count))
		must(!merkle_range_add(&r, d, &leaf, 1) || !merkle_range_end(&r, d, &root));
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest *d = digest_new();

	check_inclusion(d, span_of(data, size));
	check_range(d, span_of(data, size));
	digest_free(d);
	return 0;
}
