/*
 * Rate limits: requests and events a second, of an API key or user, of an org, and of an address that has said nothing
 * of who it is. What a key or an org has no limit for has the node's (service_config), and that is none unless somebody
 * says so. They are kept in memory; a restart begins with full buckets.
 */
#ifndef STELE_SERVICE_QUOTA_H
#define STELE_SERVICE_QUOTA_H

#include "service/principal.h"

/* What is left of the limit that is closest to its end, for whoever asks. */
struct quota {
	uint32_t limit; /* a second; 0: no limit applies */
	uint32_t left;
	uint32_t reset_s; /* until all of it is there again */
};

/* Take one request, or `count` events: E_RATE, with err->retry_s, when that is too many, and nothing is taken. *q
 * becomes the closest limit, if it is closer than the one that is there. */
int quota_request(struct service *s, const struct principal *who, struct quota *q, struct err *err)
	__attribute__((warn_unused_result));
int quota_events(struct service *s, const struct principal *who, uint64_t count, struct quota *q, struct err *err)
	__attribute__((warn_unused_result));
/* `ip` as text; an IPv6 address stands for its /64. */
int quota_address(struct service *s, struct span ip, struct quota *q, struct err *err)
	__attribute__((warn_unused_result));

#endif
