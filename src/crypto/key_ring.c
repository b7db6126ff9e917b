/* The ring: what the master key wraps, and what is derived from what it wrapped. */
#include "crypto/key_ring.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/key_ring_priv.h"

#define BOUND_MAX 64 /* label and context together */

_Static_assert(KEY_SEAL_LEN == AEAD_NONCE_LEN + AEAD_TAG_LEN, "the header says it without aead.h");

struct key_ring {
	struct key master; /* never changes while the ring is open */
};

int key_ring_open(struct io *io, const char *folder, const char *source, bool may_create, struct key_ring **ret,
		  struct err *err)
{
	struct key_ring *r = xalloc(sizeof(*r));
	int rc = key_ring__master(io, folder, source, may_create, &r->master, err);

	if (rc < 0)
		r = key_ring_close(r);
	else
		*ret = r;
	return rc;
}

struct key_ring *key_ring_close(struct key_ring *r)
{
	if (r)
		mem_wipe(r, sizeof(*r));
	free(r);
	return NULL;
}

/* What a secret is good for, as additional data. */
static struct span bind(const char *label, struct span context, uint8_t to[BOUND_MAX])
{
	size_t len = strlen(label);

	must(len + context.len <= BOUND_MAX);
	memcpy(to, label, len);
	if (context.len)
		memcpy(to + len, context.p, context.len);
	return span_of(to, len + context.len);
}

int key_ring_seal(struct key_ring *r, const char *label, struct span context, struct span secret, uint8_t *to,
		  struct err *err)
{
	struct aead *a = aead_new(&r->master);
	uint8_t nonce[AEAD_NONCE_LEN], bound[BOUND_MAX];
	int rc;

	rand_bytes(nonce, sizeof(nonce));
	rc = aead_seal(a, nonce, bind(label, context, bound), secret, to + AEAD_NONCE_LEN);
	memcpy(to, nonce, sizeof(nonce));
	aead_free(a);
	return rc < 0 ? err_set(err, rc, "sealing a secret (%s) failed", label) : 0;
}

int key_ring_unseal(struct key_ring *r, const char *label, struct span context, struct span sealed, uint8_t *to,
		    struct err *err)
{
	struct aead *a = aead_new(&r->master);
	uint8_t bound[BOUND_MAX];
	int rc = sealed.len < KEY_SEAL_LEN
			 ? E_CORRUPT
			 : aead_open(a, sealed.p, bind(label, context, bound), span_from(sealed, AEAD_NONCE_LEN), to);

	aead_free(a);
	if (rc == 0)
		return 0;
	return err_set(err, E_CRYPTO, "a secret (%s) does not unwrap: it is damaged or of another master key", label);
}

int key_ring_make(struct key_ring *r, uint32_t ledger, struct key *ret_key, uint8_t ret_wrapped[KEY_WRAPPED_LEN],
		  struct err *err)
{
	uint8_t number[4], wrapped[KEY_WRAPPED_LEN];
	struct key key;
	int rc;

	put_u32le(number, ledger);
	rand_bytes(key.b, sizeof(key.b));
	rc = key_ring_seal(r, KEY_LABEL_LEDGER, span_of(number, sizeof(number)), span_of(key.b, sizeof(key.b)), wrapped,
			   err);
	if (rc == 0) {
		*ret_key = key;
		memcpy(ret_wrapped, wrapped, sizeof(wrapped));
	}
	mem_wipe(&key, sizeof(key));
	return rc;
}

int key_ring_unwrap(struct key_ring *r, uint32_t ledger, const uint8_t wrapped[KEY_WRAPPED_LEN], struct key *ret_key,
		    struct err *err)
{
	uint8_t number[4];
	struct key key;
	int rc;

	put_u32le(number, ledger);
	rc = key_ring_unseal(r, KEY_LABEL_LEDGER, span_of(number, sizeof(number)), span_of(wrapped, KEY_WRAPPED_LEN),
			     key.b, NULL);
	if (rc == 0)
		*ret_key = key;
	else
		rc = err_set(err, E_CRYPTO,
			     "the key of ledger %u does not unwrap: it is damaged or of another "
			     "master key",
			     (unsigned)ledger);
	mem_wipe(&key, sizeof(key));
	return rc;
}

/* A parameter that OpenSSL only reads. */
static OSSL_PARAM param_of(const char *name, struct span s)
{
	return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)s.p, s.len);
}

void key_ring__hkdf(struct span secret, struct span salt, struct span info, uint8_t *to, size_t len)
{
	EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = hkdf ? EVP_KDF_CTX_new(hkdf) : NULL;
	OSSL_PARAM param[5];
	size_t n = 0;

	must(ctx && len > 0 && len <= KEY_DERIVED_MAX);
	param[n++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char[]){"SHA256"}, 0);
	param[n++] = param_of(OSSL_KDF_PARAM_KEY, secret);
	if (salt.len) /* none is the same as 32 zero bytes, section 2.2 */
		param[n++] = param_of(OSSL_KDF_PARAM_SALT, salt);
	if (info.len)
		param[n++] = param_of(OSSL_KDF_PARAM_INFO, info);
	param[n] = OSSL_PARAM_construct_end();
	must(EVP_KDF_derive(ctx, to, len, param) == 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(hkdf);
}

void key_derive(const struct key *from, const char *label, struct span context, uint8_t *to, size_t len)
{
	struct buf info = BUF_INIT;

	buf_put_str(&info, label);
	buf_put_u8(&info, 0);
	buf_put_span(&info, context);
	must(buf_ok(&info));
	key_ring__hkdf(span_of(from->b, sizeof(from->b)), span_of(NULL, 0), buf_span(&info), to, len);
	buf_release(&info);
}
