/* A thin wrapper over OpenSSL. */
#include "crypto/hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/err.h"

void hmac_sha256(struct span key, struct span data, struct sha256 *ret)
{
	unsigned len = 0;

	/* An empty key is one like others; NULL would mean the key of the call before. */
	must(HMAC(EVP_sha256(), key.len ? (const void *)key.p : "", (int)key.len, data.p, data.len, ret->b, &len));
	must(len == SHA256_LEN);
}

bool sha256_eq_secret(const struct sha256 *a, const struct sha256 *b)
{
	return CRYPTO_memcmp(a->b, b->b, SHA256_LEN) == 0;
}
