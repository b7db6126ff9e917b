/* A stored frontier and proofs from anywhere: what is read is written back the same, and no proof of noise holds. */
#include "crypto/merkle.h"
#include "crypto/merkle_proof.h"

#define PATH_MAX_LEN 80

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_frontier(struct digest *d, struct span in)
{
	struct reader r = reader_of(in);
	struct merkle_frontier f;
	struct buf out = BUF_INIT;
	struct sha256 root;

	if (merkle_frontier_get(&r, &f, NULL) < 0)
		return;
	merkle_root(&f, d, &root);
	merkle_frontier_put(&out, &f);
	must(span_eq(buf_span(&out), span_of(in.p, in.len - reader_left(&r))));
	buf_release(&out);
}

static void check_proofs(struct digest *d, struct span in)
{
	struct reader r = reader_of(in);
	uint64_t a = reader_u64(&r);
	uint64_t size = reader_u64(&r);
	struct sha256 path[PATH_MAX_LEN];
	struct sha256 root = {{1}}, other = {{2}};
	size_t n = 0;

	while (n < PATH_MAX_LEN && reader_left(&r) >= SHA256_LEN)
		memcpy(&path[n++], reader_bytes(&r, SHA256_LEN).p, SHA256_LEN);
	must(!merkle_verify_inclusion(d, a, size, &other, path, n, &root));
	must(!merkle_verify_consistency(d, a, size, path, n, &other, &root));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest *d = digest_new();

	check_frontier(d, span_of(data, size));
	check_proofs(d, span_of(data, size));
	digest_free(d);
	return 0;
}
