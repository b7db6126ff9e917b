/*
 * SHA-256 (FIPS 180-4) and the two hashes of RFC 6962. Uses the CPU's SHA instructions where there are any and OpenSSL
 * elsewhere; the results are the same. One digest serves one thread at a time and keeps its context between calls.
 *
 * The instructions are bound by latency, so a batch goes nearly twice as fast as single calls (two messages are hashed
 * at a time): whoever has several entries or nodes at hand calls digest_leaves or digest_nodes.
 */
#ifndef STELE_CRYPTO_DIGEST_H
#define STELE_CRYPTO_DIGEST_H

#include "base/span.h"

#define SHA256_LEN 32

struct sha256 {
	uint8_t b[SHA256_LEN];
};

struct digest;
struct digest *digest_new(void);
struct digest *digest_free(struct digest *d);

void digest_sha256(struct digest *d, struct span data, struct sha256 *ret);

/* RFC 6962: SHA-256(0x00 ‖ entry) and SHA-256(0x01 ‖ left ‖ right). `ret` may be one of the inputs. */
void digest_leaf(struct digest *d, struct span entry, struct sha256 *ret);
void digest_node(struct digest *d, const struct sha256 *left, const struct sha256 *right, struct sha256 *ret);

/* ret[i] = digest_leaf(entries[i]) for all i < n. */
void digest_leaves(struct digest *d, const struct span *entries, size_t n, struct sha256 *ret);

/* ret[i] = digest_node(pairs[2i], pairs[2i + 1]) for all i < n_pairs; `pairs` holds 2 * n_pairs hashes. `ret` may be
 * `pairs` itself, so that a tree is folded level by level in place. */
void digest_nodes(struct digest *d, const struct sha256 *pairs, size_t n_pairs, struct sha256 *ret);

#endif
