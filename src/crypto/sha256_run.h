/* SHA-256 over bytes that come one piece after another, such as a file while it is written. */
#ifndef STELE_CRYPTO_SHA256_RUN_H
#define STELE_CRYPTO_SHA256_RUN_H

#include "crypto/digest.h"

struct sha256_run;
struct sha256_run *sha256_run_new(void);
struct sha256_run *sha256_run_free(struct sha256_run *run); /* returns NULL */

void sha256_run_feed(struct sha256_run *run, struct span piece);

/* The hash of all pieces; nothing may be fed after it. */
void sha256_run_finish(struct sha256_run *run, struct sha256 *ret);

#endif
