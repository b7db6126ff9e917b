/* One-time passwords by time. */
#include "crypto/totp.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

#define SHA1_LEN 20
#define CODES    1000000u /* that six digits make */
#define US_PER_S INT64_C(1000000)

/* RFC 4226 section 5.3. */
static uint32_t truncate_hash(const uint8_t hash[SHA1_LEN])
{
	const uint8_t *p = hash + (hash[SHA1_LEN - 1] & 15);

	return ((uint32_t)p[0] & 127) << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void totp_code(struct span secret, int64_t step, char ret[TOTP_DIGITS + 1])
{
	uint8_t counter[8], hash[SHA1_LEN];
	unsigned len = sizeof(hash);

	for (int i = 0; i < 8; i++)
		counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
	must(HMAC(EVP_sha1(), secret.p, (int)secret.len, counter, sizeof(counter), hash, &len) && len == SHA1_LEN);
	snprintf(ret, TOTP_DIGITS + 1, "%06u", truncate_hash(hash) % CODES);
	mem_wipe(hash, sizeof(hash));
}

bool totp_check(struct span secret, struct span code, int64_t now_us, int64_t after, int64_t *ret_step)
{
	int64_t now = now_us / US_PER_S / TOTP_STEP_S;
	char expected[TOTP_DIGITS + 1];
	bool found = false;

	for (int64_t step = now - TOTP_SLACK; step <= now + TOTP_SLACK; step++) {
		totp_code(secret, step, expected);
		if (code.len == TOTP_DIGITS && CRYPTO_memcmp(code.p, expected, TOTP_DIGITS) == 0 && step > after) {
			*ret_step = step;
			found = true;
		}
	}
	mem_wipe(expected, sizeof(expected));
	return found;
}
