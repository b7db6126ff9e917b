/*
 * Who a TLS server is: a chain of certificates and the private key of the first, out of two PEM files. A thin wrapper
 * over GnuTLS, which libmicrohttpd has its TLS from. Immutable; any number of threads may use one.
 */
#ifndef STELE_NET_TLS_IDENTITY_H
#define STELE_NET_TLS_IDENTITY_H

#include <gnutls/abstract.h>

#include "base/err.h"
#include "base/span.h"

#define TLS_CHAIN_MAX 16u        /* certificates: two or three are usual */
#define TLS_FILE_MAX  (1u << 20) /* bytes of a file */

struct tls_identity {
	struct tls_identity *next; /* the holder's */
	int64_t retired_ns;        /* the holder's */
	gnutls_pcert_st chain[TLS_CHAIN_MAX];
	unsigned chain_len;
	gnutls_privkey_t key;
	int64_t expires_s; /* since 1970: the first of the chain to expire */
};

/* E_INVALID: no PEM of either, more than TLS_CHAIN_MAX, or the key is another one's. */
int tls_identity_new(struct span certificates, struct span key, struct tls_identity **ret, struct err *err)
	__attribute__((warn_unused_result));
struct tls_identity *tls_identity_free(struct tls_identity *t); /* returns NULL */

#endif
