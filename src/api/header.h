/*
 * The headers of a request as a whole. What two readers could understand differently is refused before anything else
 * is looked at: a proxy in front must never see other requests than this server does.
 */
#ifndef STELE_API_HEADER_H
#define STELE_API_HEADER_H

#include <microhttpd.h>

#include "api/credential.h"

/* Refused: values that go on in the next line, names that are no tokens (RFC 9110 section 5.6.2), control characters in
 * values, more than one Content-Length, one that is no number, one beside a Transfer-Encoding, a Transfer-Encoding but
 * chunked or before HTTP/1.1, and any number of Hosts but one from HTTP/1.1 on: E_INVALID, err->field names the header;
 * after it nothing more may be read from the connection. */
int headers_check(struct MHD_Connection *connection, const char *version, struct err *err)
	__attribute__((warn_unused_result));

/* Finds the credential among them. As credential_add. */
int headers_credential(struct MHD_Connection *connection, struct credential *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
