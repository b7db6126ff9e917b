/* What the files behind digest.h share, and what the tests compare. */
#ifndef STELE_CRYPTO_DIGEST_PRIV_H
#define STELE_CRYPTO_DIGEST_PRIV_H

#include "crypto/digest.h"

#define SHA256_BLOCK_LEN 64

/* A digest that uses OpenSSL even where the CPU could do it: the fallback, and the oracle of the tests. */
struct digest *digest__new_openssl(void);

/*
 * The compression function by the CPU's SHA instructions. A state is kept in the order those want (words 5, 4, 1, 0
 * and 7, 6, 3, 2); only the functions below look inside. Nothing but sha256__ni_usable may be called where it is false.
 */
struct sha256__state {
	_Alignas(16) uint32_t abef[4];
	_Alignas(16) uint32_t cdgh[4];
};

bool sha256__ni_usable(void);
void sha256__ni_init(struct sha256__state *s);
void sha256__ni_blocks(struct sha256__state *s, const uint8_t *p, size_t n_blocks);

/* n_blocks of `pa` into `a` and as many of `pb` into `b`, interleaved. */
void sha256__ni_blocks_2(struct sha256__state *a, const uint8_t *pa, struct sha256__state *b, const uint8_t *pb,
			 size_t n_blocks);
void sha256__ni_finish(const struct sha256__state *s, struct sha256 *ret);

#endif
