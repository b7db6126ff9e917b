/* OpenSSL's digest context: it uses the CPU's instructions by itself, and a run is long. */
#include "crypto/sha256_run.h"

#include <openssl/evp.h>

#include "base/err.h"
#include "base/mem.h"

struct sha256_run {
	EVP_MD_CTX *ctx;
};

struct sha256_run *sha256_run_new(void)
{
	struct sha256_run *run = xalloc(sizeof(*run));

	run->ctx = EVP_MD_CTX_new();
	must(run->ctx && EVP_DigestInit_ex(run->ctx, EVP_sha256(), NULL) == 1);
	return run;
}

struct sha256_run *sha256_run_free(struct sha256_run *run)
{
	if (run)
		EVP_MD_CTX_free(run->ctx);
	free(run);
	return NULL;
}

void sha256_run_feed(struct sha256_run *run, struct span piece)
{
	must(EVP_DigestUpdate(run->ctx, piece.p, piece.len) == 1);
}

void sha256_run_finish(struct sha256_run *run, struct sha256 *ret)
{
	must(EVP_DigestFinal_ex(run->ctx, ret->b, NULL) == 1);
}
