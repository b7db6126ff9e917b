#include "crypto/key_ring.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/durable.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/key_ring_priv.h"

#define FILE_NAME   "master.key"
#define FILE_LEN    (2 * KEY_LEN + 1) /* digits and LF */
#define FILE_MODE   0600
#define OTHERS_MODE 0077

#define WRAP_LABEL "stele ledger key v1"
#define BOUND_LEN  (sizeof(WRAP_LABEL) - 1 + 4)

_Static_assert(KEY_WRAPPED_LEN == AEAD_NONCE_LEN + KEY_LEN + AEAD_TAG_LEN, "the header says it without aead.h");

struct key_ring {
	struct key master; /* never changes while the ring is open */
};

/* The value of a hex digit of either case, for a key may be typed in; -1 when it is none. */
static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_key(const char *path, struct span text, struct key *ret, struct err *err)
{
	bool is_key = text.len == FILE_LEN && text.p[FILE_LEN - 1] == '\n';
	struct key key;

	for (size_t i = 0; is_key && i < KEY_LEN; i++) {
		int high = hex_value(text.p[2 * i]);
		int low = hex_value(text.p[2 * i + 1]);

		is_key = high >= 0 && low >= 0;
		key.b[i] = (uint8_t)(high * 16 + low);
	}
	if (is_key)
		*ret = key;
	mem_wipe(&key, sizeof(key));
	if (is_key)
		return 0;
	return err_set(err, E_CRYPTO, "%s is not a master key: it must hold %d hex digits and a line feed", path,
		       2 * KEY_LEN);
}

static void format_key(const struct key *key, uint8_t to[FILE_LEN])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < KEY_LEN; i++) {
		to[2 * i] = (uint8_t)digits[key->b[i] >> 4];
		to[2 * i + 1] = (uint8_t)digits[key->b[i] & 15];
	}
	to[FILE_LEN - 1] = '\n';
}

static int make_master(struct io *io, const char *path, struct key *ret, struct err *err)
{
	uint8_t text[FILE_LEN];
	struct span part = span_of(text, sizeof(text));
	struct key key;
	int rc;

	rand_bytes(key.b, sizeof(key.b));
	format_key(&key, text);
	rc = durable_write(io, path, &part, 1, FILE_MODE, err);
	if (rc == 0)
		*ret = key;
	mem_wipe(&key, sizeof(key));
	mem_wipe(text, sizeof(text));
	return rc;
}

static int check_mode(const char *path, uint32_t mode, struct err *err)
{
	if (!(mode & OTHERS_MODE))
		return 0;
	return err_set(err, E_FORBIDDEN, "%s has mode %04o, so others may use the master key; run: chmod 600 %s", path,
		       (unsigned)mode, path);
}

static int read_master(struct io *io, const char *path, struct key *ret, struct err *err)
{
	uint8_t *text = NULL;
	size_t len = 0;
	int rc = durable_read(io, path, FILE_LEN, &text, &len, err);

	if (rc == E_TOO_LARGE)
		rc = err_set(err, E_CRYPTO, "%s is not a master key: it has more than %d bytes", path, FILE_LEN);
	if (rc < 0)
		return rc;
	rc = parse_key(path, span_of(text, len), ret, err);
	mem_wipe(text, len);
	free(text);
	return rc;
}

static int open_master(struct io *io, const char *path, bool may_create, struct key *ret, struct err *err)
{
	struct io_stat st = {0};
	int rc = io->stat(io, path, &st);

	if (rc == -ENOENT && may_create)
		return make_master(io, path, ret, err);
	if (rc == -ENOENT)
		return err_set(err, E_NOT_FOUND, "there is no master key %s; without it nothing stored can be read",
			       path);
	if (rc < 0)
		return err_errno(err, -rc, "reading %s", path);
	rc = check_mode(path, st.mode, err);
	return rc < 0 ? rc : read_master(io, path, ret, err);
}

int key_ring_open(struct io *io, const char *folder, bool may_create, struct key_ring **ret, struct err *err)
{
	struct key_ring *r = xalloc(sizeof(*r));
	char *path = xformat("%s/%s", folder, FILE_NAME);
	int rc = open_master(io, path, may_create, &r->master, err);

	if (rc < 0)
		err_set_field(err, path, strlen(path));
	free(path);
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

/* What a wrapped key is good for, as additional data. */
static struct span bind_ledger(uint32_t ledger, uint8_t to[BOUND_LEN])
{
	memcpy(to, WRAP_LABEL, BOUND_LEN - 4);
	put_u32le(to + BOUND_LEN - 4, ledger);
	return span_of(to, BOUND_LEN);
}

int key_ring_make(struct key_ring *r, uint32_t ledger, struct key *ret_key, uint8_t ret_wrapped[KEY_WRAPPED_LEN],
		  struct err *err)
{
	struct aead *a = aead_new(&r->master);
	uint8_t wrapped[KEY_WRAPPED_LEN];
	uint8_t bound[BOUND_LEN];
	struct key key;
	int rc;

	rand_bytes(key.b, sizeof(key.b));
	rand_bytes(wrapped, AEAD_NONCE_LEN);
	rc = aead_seal(a, wrapped, bind_ledger(ledger, bound), span_of(key.b, sizeof(key.b)), wrapped + AEAD_NONCE_LEN);
	if (rc < 0) {
		rc = err_set(err, rc, "wrapping the key of ledger %u failed", (unsigned)ledger);
	} else {
		*ret_key = key;
		memcpy(ret_wrapped, wrapped, sizeof(wrapped));
	}
	mem_wipe(&key, sizeof(key));
	aead_free(a);
	return rc;
}

int key_ring_unwrap(struct key_ring *r, uint32_t ledger, const uint8_t wrapped[KEY_WRAPPED_LEN], struct key *ret_key,
		    struct err *err)
{
	struct aead *a = aead_new(&r->master);
	uint8_t bound[BOUND_LEN];
	struct key key;
	int rc = aead_open(a, wrapped, bind_ledger(ledger, bound),
			   span_of(wrapped + AEAD_NONCE_LEN, KEY_WRAPPED_LEN - AEAD_NONCE_LEN), key.b);

	if (rc == 0)
		*ret_key = key;
	else
		rc = err_set(err, E_CRYPTO,
			     "the key of ledger %u does not unwrap: it is damaged or of another "
			     "master key",
			     (unsigned)ledger);
	mem_wipe(&key, sizeof(key));
	aead_free(a);
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
