/*
 * Hashes of passwords: scrypt (RFC 7914), as text that holds its own parameters,
 *
 *	$scrypt$ln=16,r=8,p=1$<salt, 16 bytes>$<hash, 32 bytes>		both in base64 without padding
 *
 * N = 2^16 and r = 8 take 64 MiB and some 0.15 s of one processor, for whoever checks a password and for whoever tries
 * one. Whoever calls sees to it that only a few do so at a time. Other parameters are read too, within bounds, so that
 * they can be raised later.
 */
#ifndef STELE_CRYPTO_SCRYPT_H
#define STELE_CRYPTO_SCRYPT_H

#include "base/err.h"
#include "base/span.h"

#define SCRYPT_TEXT_MAX 100u /* bytes of the text, with its NUL */

/* A hash with a fresh salt. E_NO_MEMORY. */
int scrypt_hash(struct span password, char ret_text[SCRYPT_TEXT_MAX], struct err *err)
	__attribute__((warn_unused_result));

/* Whether it is the password of the text. Takes as long when it is not. E_CORRUPT when the text is none; E_NO_MEMORY.
 */
int scrypt_verify(struct span password, const char *text, bool *ret_is_it, struct err *err)
	__attribute__((warn_unused_result));

/* scrypt itself; false when memory is out or the parameters are none. */
bool scrypt_derive(struct span password, struct span salt, unsigned log_n, unsigned r, unsigned p, uint8_t *to,
		   size_t len) __attribute__((warn_unused_result));

#endif
