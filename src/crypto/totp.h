/*
 * One-time passwords by time (TOTP, RFC 6238): SHA-1, steps of 30 seconds since 1970, six digits, which is what every
 * authenticator app does without being told.
 */
#ifndef STELE_CRYPTO_TOTP_H
#define STELE_CRYPTO_TOTP_H

#include "base/span.h"

#define TOTP_SECRET_LEN 20 /* bytes: RFC 4226 section 4 asks for as many as the hash has */
#define TOTP_DIGITS     6
#define TOTP_STEP_S     30
#define TOTP_SLACK      1 /* steps that a clock may be off, either way */

/* The code of a step, with its NUL. */
void totp_code(struct span secret, int64_t step, char ret[TOTP_DIGITS + 1]);

/* Whether `code` is that of a step from now - TOTP_SLACK to now + TOTP_SLACK which is later than `after`: a code that
 * was taken once names the step it was for, and is not taken again. Takes as long when it is not. */
bool totp_check(struct span secret, struct span code, int64_t now_us, int64_t after, int64_t *ret_step);

#endif
