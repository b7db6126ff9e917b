/* Hashes of passwords. */
#include "crypto/scrypt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/rand.h"
#include "crypto/base64.h"
#include "crypto/limits.h"

#define PREFIX   "$scrypt$"
#define LOG_N    16
#define R        8
#define P        1
#define SALT_LEN 16
#define HASH_LEN 32
#define OVERHEAD (1u << 20) /* that OpenSSL asks for beside the table */

struct parts {
	unsigned log_n, r, p;
	uint8_t salt[SALT_LEN];
	uint8_t hash[HASH_LEN];
};

bool scrypt_derive(struct span password, struct span salt, unsigned log_n, unsigned r, unsigned p, uint8_t *to,
		   size_t len)
{
	uint64_t n = UINT64_C(1) << log_n;
	uint64_t room = 128 * n * r + UINT64_C(128) * r * p + OVERHEAD;
	const char *text = password.p ? (const char *)password.p : "";

	return EVP_PBE_scrypt(text, password.len, salt.p ? salt.p : (const uint8_t *)"", salt.len, n, r, p, room, to,
			      len) == 1;
}

/* ---- text ---- */

/* Without the padding that base64_put adds. */
static void put_base64(struct buf *to, const uint8_t *p, size_t len)
{
	base64_put(to, span_of(p, len));
	while (buf_ok(to) && to->len > 0 && to->p[to->len - 1] == '=')
		to->len--;
}

static void format(const struct parts *parts, char to[SCRYPT_TEXT_MAX])
{
	struct buf text = BUF_INIT;

	buf_printf(&text, PREFIX "ln=%u,r=%u,p=%u$", parts->log_n, parts->r, parts->p);
	put_base64(&text, parts->salt, SALT_LEN);
	buf_put_u8(&text, '$');
	put_base64(&text, parts->hash, HASH_LEN);
	must(buf_ok(&text) && text.len < SCRYPT_TEXT_MAX);
	memcpy(to, text.p, text.len);
	to[text.len] = '\0';
	buf_release(&text);
}

/* Exactly `len` bytes of the base64 text up to `end`, with the padding put back. */
static bool take_base64(const char *text, char end, uint8_t *to, size_t len, const char **ret_end)
{
	char padded[BASE64_LEN(HASH_LEN) + 1];
	const char *at = strchr(text, end);
	size_t n = at ? (size_t)(at - text) : 0;
	size_t got;

	if (n != (len * 8 + 5) / 6)
		return false;
	memcpy(padded, text, n);
	while (n % 4 != 0)
		padded[n++] = '=';
	*ret_end = at;
	return base64_get(span_of(padded, n), to, len, &got) && got == len;
}

static bool are_bounded(const struct parts *parts)
{
	return parts->log_n >= 1 && parts->log_n <= SCRYPT_LOG_N_MAX && parts->r >= 1 && parts->r <= SCRYPT_R_MAX &&
	       parts->p >= 1 && parts->p <= SCRYPT_P_MAX;
}

static bool parse(const char *text, struct parts *ret)
{
	int n = 0;

	if (sscanf(text, PREFIX "ln=%2u,r=%2u,p=%2u$%n", &ret->log_n, &ret->r, &ret->p, &n) != 3 || n == 0 ||
	    !are_bounded(ret))
		return false;
	return take_base64(text + n, '$', ret->salt, SALT_LEN, &text) &&
	       take_base64(text + 1, '\0', ret->hash, HASH_LEN, &text);
}

/* ---- calls ---- */

static int derive(const struct parts *parts, struct span password, uint8_t ret[HASH_LEN], struct err *err)
{
	if (scrypt_derive(password, span_of(parts->salt, SALT_LEN), parts->log_n, parts->r, parts->p, ret, HASH_LEN))
		return 0;
	return err_set(err, E_NO_MEMORY, "not enough memory to hash a password");
}

int scrypt_hash(struct span password, char ret_text[SCRYPT_TEXT_MAX], struct err *err)
{
	struct parts parts = {.log_n = LOG_N, .r = R, .p = P};
	int rc;

	rand_bytes(parts.salt, sizeof(parts.salt));
	rc = derive(&parts, password, parts.hash, err);
	if (rc == 0)
		format(&parts, ret_text);
	mem_wipe(&parts, sizeof(parts));
	return rc;
}

int scrypt_verify(struct span password, const char *text, bool *ret_is_it, struct err *err)
{
	uint8_t hash[HASH_LEN];
	struct parts parts;
	int rc;

	if (!parse(text, &parts))
		return err_set(err, E_CORRUPT, "control.db has a password hash of another form");
	rc = derive(&parts, password, hash, err);
	if (rc == 0)
		*ret_is_it = CRYPTO_memcmp(hash, parts.hash, HASH_LEN) == 0;
	mem_wipe(hash, sizeof(hash));
	mem_wipe(&parts, sizeof(parts));
	return rc;
}
