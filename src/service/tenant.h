/*
 * The org of who asks, as clients of vendors see it: a company with a name and a number, which requests may name.
 * Nobody reaches another one's.
 */
#ifndef STELE_SERVICE_TENANT_H
#define STELE_SERVICE_TENANT_H

#include "service/service.h"

/* The number of the org, which never changes. */
int64_t tenant_id(const struct principal *who);

/* As it is now. E_IO, … */
int tenant_get(struct service *s, const struct principal *who, struct control_org *ret, struct err *err)
	__attribute__((warn_unused_result));

/* E_FORBIDDEN unless `org_key` is that of who asks. Only who may see all orgs learns whether there is another one of
 * this name: E_NOT_FOUND. */
int tenant_check(struct service *s, const struct principal *who, struct span org_key, struct err *err)
	__attribute__((warn_unused_result));

#endif
