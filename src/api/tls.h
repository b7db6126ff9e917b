/*
 * The certificate and key that the server shows, read anew when their files change or an operator says so. Connections
 * that are there keep what they have; new ones get the new certificate. Files that cannot be used change nothing but a
 * figure and a line of the log.
 */
#ifndef STELE_API_TLS_H
#define STELE_API_TLS_H

#include <stdbool.h>

#include "base/err.h"

/* TLS 1.3 and 1.2 with forward secrecy and authenticated ciphers alone, in the server's order. */
#define TLS_PRIORITIES                                                                                                 \
	"NONE:+VERS-TLS1.3:+VERS-TLS1.2:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:+AEAD:+SHA256:+SHA384:"           \
	"+ECDHE-ECDSA:+ECDHE-RSA:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+SIGN-EDDSA-ED25519:"                 \
	"+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:"             \
	"+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512:+SIGN-RSA-SHA256:"              \
	"+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:+COMP-NULL:+CTYPE-X509:%SERVER_PRECEDENCE"

struct tls;

/* Reads both files; a thread looks at them from then on. At most one at a time in a process: GnuTLS asks for a
 * certificate without saying for whom. E_NOT_FOUND, E_INVALID, E_IO; err->field names the file. */
int tls_open(const char *cert_path, const char *key_path, struct tls **ret, struct err *err)
	__attribute__((warn_unused_result));
/* After the last connection is closed. Returns NULL. */
struct tls *tls_close(struct tls *t);

/* Has the files read again now. */
void tls_reload(struct tls *t);

struct tls_figures {
	int64_t expires_s; /* of the certificate that is shown, since 1970 */
	uint64_t loads;    /* certificates since the start */
	uint64_t failures; /* files that could not be used */
	bool is_stale;     /* the files hold something that cannot be used; an older certificate is shown */
};
/* `t` NULL: all 0. */
void tls_figures(struct tls *t, struct tls_figures *ret);

/* What GnuTLS calls for a certificate: the value of MHD_OPTION_HTTPS_CERT_CALLBACK. Its type stays out of this header,
 * since GnuTLS has names of its own for what ours are. */
void *tls_handshake_callback(void);

#endif
