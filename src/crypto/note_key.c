/* Keys of notes: their ids, their texts, and Ed25519 (RFC 8032). */
#include <openssl/evp.h>

#include "base/mem.h"
#include "crypto/base64.h"
#include "crypto/note_priv.h"

#define ID_DIGITS 8
#define TYPED_LEN (1 + NOTE_PUBLIC_LEN) /* type and public key */

struct note_signer {
	struct note_vkey vkey;
	EVP_PKEY *key;
	EVP_MD_CTX *ctx;
};

/* The first bytes of SHA-256(name ‖ LF ‖ type ‖ public key). */
static uint32_t key_id(struct span name, const uint8_t typed[TYPED_LEN])
{
	struct digest *d = digest_new();
	struct buf bytes = BUF_INIT;
	struct sha256 hash;

	buf_put_span(&bytes, name);
	buf_put_u8(&bytes, '\n');
	buf_put(&bytes, typed, TYPED_LEN);
	must(buf_ok(&bytes));
	digest_sha256(d, buf_span(&bytes), &hash);
	buf_release(&bytes);
	digest_free(d);
	return note__id_get(hash.b);
}

int note_vkey_make(struct span name, const uint8_t public_key[NOTE_PUBLIC_LEN], struct note_vkey *ret, struct err *err)
{
	uint8_t typed[TYPED_LEN] = {NOTE_ED25519};

	if (!note_name_is_valid(name))
		return err_set(err, E_INVALID,
			       "a key's name has 1 to %u bytes of UTF-8 without blanks and '+'; this is '%.*s'",
			       NOTE_NAME_MAX, (int)(name.len < 64 ? name.len : 64), (const char *)name.p);
	memcpy(typed + 1, public_key, NOTE_PUBLIC_LEN);
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->name, name.p, name.len);
	memcpy(ret->public_key, public_key, NOTE_PUBLIC_LEN);
	ret->id = key_id(name, typed);
	return 0;
}

static int digit_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool get_id(struct span digits, uint32_t *ret)
{
	uint32_t id = 0;

	if (digits.len != ID_DIGITS)
		return false;
	for (size_t i = 0; i < ID_DIGITS; i++) {
		int value = digit_value(digits.p[i]);

		if (value < 0)
			return false;
		id = id << 4 | (uint32_t)value;
	}
	*ret = id;
	return true;
}

/* Cuts at the first '+'; base64 may hold more of them. */
static bool cut(struct span *rest, struct span *ret)
{
	const uint8_t *plus = rest->len ? memchr(rest->p, '+', rest->len) : NULL;

	if (!plus)
		return false;
	*ret = span_of(rest->p, (size_t)(plus - rest->p));
	*rest = span_from(*rest, ret->len + 1);
	return true;
}

static int fail_vkey(struct err *err, const char *why)
{
	return err_set(err, E_SYNTAX, "this is no verifier key ('name+8 hex digits+base64'): %s", why);
}

int note_vkey_parse(struct span text, struct note_vkey *ret, struct err *err)
{
	uint8_t typed[NOTE_SIGNATURE_BYTES_MAX]; /* a key of another type may be long */
	struct span name, digits;
	struct note_vkey vkey;
	uint32_t id;
	size_t len;
	int rc;

	if (!cut(&text, &name) || !cut(&text, &digits) || !note_name_is_valid(name))
		return fail_vkey(err, "it has no name, or parts are missing");
	if (!get_id(digits, &id))
		return fail_vkey(err, "its id is not 8 hex digits in lower case");
	if (!base64_get(text, typed, sizeof(typed), &len) || len < 1)
		return fail_vkey(err, "its key is not base64");
	if (typed[0] != NOTE_ED25519)
		return err_set(err, E_UNSUPPORTED, "the key %.*s is of type 0x%02x; only Ed25519, 0x01, is supported",
			       (int)name.len, (const char *)name.p, typed[0]);
	if (len != TYPED_LEN)
		return fail_vkey(err, "an Ed25519 key has 32 bytes");
	rc = note_vkey_make(name, typed + 1, &vkey, err);
	if (rc == 0 && vkey.id != id)
		return fail_vkey(err, "its id is not that of its name and key");
	if (rc == 0)
		*ret = vkey;
	return rc;
}

void note_vkey_put(struct buf *to, const struct note_vkey *vkey)
{
	uint8_t typed[TYPED_LEN] = {NOTE_ED25519};

	memcpy(typed + 1, vkey->public_key, NOTE_PUBLIC_LEN);
	buf_printf(to, "%s+%08x+", vkey->name, (unsigned)vkey->id);
	base64_put(to, span_of(typed, sizeof(typed)));
}

/* ---- Ed25519 ---- */

bool note__verify(const struct note_vkey *key, struct span text, struct span base64)
{
	uint8_t bytes[NOTE_SIGNATURE_BYTES_MAX];
	EVP_PKEY *pkey;
	EVP_MD_CTX *ctx;
	size_t len;
	bool is_good;

	if (!note__signature_get(base64, bytes, &len) || len != NOTE_ID_LEN + NOTE_SIGNATURE_LEN)
		return false;
	pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->public_key, NOTE_PUBLIC_LEN);
	ctx = EVP_MD_CTX_new();
	must(ctx);
	is_good = pkey && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		  EVP_DigestVerify(ctx, bytes + NOTE_ID_LEN, NOTE_SIGNATURE_LEN, text.p, text.len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return is_good;
}

int note_signer_new(struct span name, const uint8_t seed[NOTE_SEED_LEN], struct note_signer **ret, struct err *err)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, NOTE_SEED_LEN);
	uint8_t public_key[NOTE_PUBLIC_LEN];
	size_t len = sizeof(public_key);
	struct note_signer *s;
	int rc;

	must(key && EVP_PKEY_get_raw_public_key(key, public_key, &len) == 1 && len == sizeof(public_key));
	s = xalloc(sizeof(*s));
	s->key = key;
	s->ctx = EVP_MD_CTX_new();
	must(s->ctx);
	rc = note_vkey_make(name, public_key, &s->vkey, err);
	if (rc < 0)
		note_signer_free(s);
	else
		*ret = s;
	return rc;
}

struct note_signer *note_signer_free(struct note_signer *s)
{
	if (s) {
		EVP_MD_CTX_free(s->ctx);
		EVP_PKEY_free(s->key); /* wipes the seed */
	}
	free(s);
	return NULL;
}

const struct note_vkey *note_signer_vkey(const struct note_signer *s)
{
	return &s->vkey;
}

void note_sign(struct note_signer *s, struct span text, struct buf *to)
{
	uint8_t bytes[NOTE_ID_LEN + NOTE_SIGNATURE_LEN];
	size_t len = NOTE_SIGNATURE_LEN;

	note__id_put(s->vkey.id, bytes);
	must(EVP_MD_CTX_reset(s->ctx) == 1 && EVP_DigestSignInit(s->ctx, NULL, NULL, NULL, s->key) == 1);
	must(EVP_DigestSign(s->ctx, bytes + NOTE_ID_LEN, &len, text.p, text.len) == 1 && len == NOTE_SIGNATURE_LEN);
	buf_printf(to, "\xe2\x80\x94 %s ", s->vkey.name);
	base64_put(to, span_of(bytes, sizeof(bytes)));
	buf_put_u8(to, '\n');
}
