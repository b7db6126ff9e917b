/*
 * Guesses: whoever tries secrets is slowed down, and nobody else is.
 *
 * What counts are failures of an account from an address, and of an address over all accounts. The first few cost
 * nothing; then each makes the next wait longer. Passwords are not counted for an account alone: then anybody could
 * lock out anybody. Codes of a second factor are, since only who has the password gets to try one. An account that has
 * worked from an address does not wait for what others fail at there, so a colleague behind the same proxy locks nobody
 * out either.
 *
 * In memory alone, in a table of a fixed size: what failed longest ago makes room. An IPv6 address stands for its /64,
 * which is what one client has. Thread-safe.
 *
 * Order: guess_check, then compare the secret, then guess_failed or guess_worked. For secrets that nobody can guess
 * (256 random bits: keys, tokens) compare first, and ask guess_check only when the secret was wrong: then a flood of
 * wrong ones gets 429, and the right one is never held up.
 */
#ifndef STELE_SERVICE_GUESS_H
#define STELE_SERVICE_GUESS_H

#include "base/err.h"
#include "base/span.h"

enum guess_kind { GUESS_PASSWORD, GUESS_CODE, GUESS_KEY, GUESS_TOKEN };

/* Whose secret is tried, and from where. An account that does not exist is treated as one that does. */
struct guess {
	enum guess_kind kind;
	struct span account; /* what names it: an org and an e-mail address, a client id; "" when nothing does */
	struct span ip;      /* as text; "": wherever it comes from, and no address is held up */
};

struct guesses;
struct guesses *guesses_new(void);
struct guesses *guesses_free(struct guesses *g); /* returns NULL */

/* E_QUOTA when it is too early for another guess; err->retry_s says how long it is. */
int guess_check(struct guesses *g, const struct guess *guess, struct err *err) __attribute__((warn_unused_result));
void guess_failed(struct guesses *g, const struct guess *guess);
void guess_worked(struct guesses *g, const struct guess *guess);

#endif
