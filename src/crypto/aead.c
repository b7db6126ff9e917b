/* NIST SP 800-38D by OpenSSL; a context each way keeps the key, so that a message costs a nonce and no key schedule. */
#include "crypto/aead.h"

#include <openssl/evp.h>

#include "base/mem.h"

#define PIECE_MAX (1u << 30) /* OpenSSL counts in int */

struct aead {
	EVP_CIPHER_CTX *seal;
	EVP_CIPHER_CTX *open;
};

struct aead *aead_new(const struct key *key)
{
	struct aead *a = xalloc(sizeof(*a));
	EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);

	a->seal = EVP_CIPHER_CTX_new();
	a->open = EVP_CIPHER_CTX_new();
	must(gcm && a->seal && a->open);
	must(EVP_CIPHER_get_iv_length(gcm) == AEAD_NONCE_LEN);
	must(EVP_EncryptInit_ex2(a->seal, gcm, key->b, NULL, NULL) == 1);
	must(EVP_DecryptInit_ex2(a->open, gcm, key->b, NULL, NULL) == 1);
	EVP_CIPHER_free(gcm);
	return a;
}

struct aead *aead_free(struct aead *a)
{
	if (a) {
		EVP_CIPHER_CTX_free(a->seal); /* both wipe their key schedule */
		EVP_CIPHER_CTX_free(a->open);
	}
	free(a);
	return NULL;
}

/* Runs `in` through the context, into `to` or, when that is NULL, into the tag alone. */
static bool update(EVP_CIPHER_CTX *ctx, struct span in, uint8_t *to)
{
	size_t done = 0;

	while (done < in.len) {
		size_t n = in.len - done < PIECE_MAX ? in.len - done : PIECE_MAX;
		int len = 0;

		if (EVP_CipherUpdate(ctx, to ? to + done : NULL, &len, in.p + done, (int)n) != 1 || len != (int)n)
			return false;
		done += n;
	}
	return true;
}

int aead_seal_apart(struct aead *a, const uint8_t nonce[AEAD_NONCE_LEN], struct span extra, struct span plain,
		    uint8_t *to, uint8_t tag[AEAD_TAG_LEN])
{
	int len = 0;
	bool is_ok = EVP_EncryptInit_ex2(a->seal, NULL, NULL, nonce, NULL) == 1 && update(a->seal, extra, NULL) &&
		     update(a->seal, plain, to) && EVP_EncryptFinal_ex(a->seal, tag, &len) == 1 &&
		     EVP_CIPHER_CTX_ctrl(a->seal, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, tag) == 1;

	return is_ok ? 0 : E_CRYPTO;
}

int aead_seal(struct aead *a, const uint8_t nonce[AEAD_NONCE_LEN], struct span extra, struct span plain, uint8_t *to)
{
	return aead_seal_apart(a, nonce, extra, plain, to, to + plain.len);
}

int aead_open(struct aead *a, const uint8_t nonce[AEAD_NONCE_LEN], struct span extra, struct span box, uint8_t *to)
{
	uint8_t tag[AEAD_TAG_LEN];
	struct span sealed;
	int len = 0;
	bool is_ok;

	if (box.len < AEAD_TAG_LEN)
		return E_CORRUPT;
	sealed = span_of(box.p, box.len - AEAD_TAG_LEN);
	memcpy(tag, box.p + sealed.len, sizeof(tag));
	is_ok = EVP_DecryptInit_ex2(a->open, NULL, NULL, nonce, NULL) == 1 && update(a->open, extra, NULL) &&
		update(a->open, sealed, to) &&
		EVP_CIPHER_CTX_ctrl(a->open, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, tag) == 1 &&
		EVP_DecryptFinal_ex(a->open, tag, &len) == 1;
	if (!is_ok)
		mem_wipe(to, sealed.len);
	return is_ok ? 0 : E_CORRUPT;
}
