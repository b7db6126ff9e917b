/*
 * Links that are good for a while, and for whom they were given to alone: a signature over what a link says, under a
 * key of the node, bound to the org and to the key or user that asked. Nothing is kept of them.
 */
#ifndef STELE_SERVICE_LINK_H
#define STELE_SERVICE_LINK_H

#include "service/service.h"

#define LINK_SIGNATURE_LEN 43 /* base64url of a SHA-256 */

/* Appends the signature of a link that says `text` and ends at `expires_s` (seconds since 1970). */
void service_link_sign(struct service *s, const struct principal *who, struct span text, int64_t expires_s,
		       struct buf *to);

/* E_FORBIDDEN when it was not signed so, or has ended. */
int service_link_check(struct service *s, const struct principal *who, struct span text, int64_t expires_s,
		       struct span signature, struct err *err) __attribute__((warn_unused_result));

#endif
