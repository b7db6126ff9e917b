/* Versions of what is changed by PUT and DELETE: as ETags, and as If-Match asks for them. */
#ifndef STELE_API_VERSION_H
#define STELE_API_VERSION_H

#include "api/request.h"

#define VERSION_ANY 0 /* no If-Match, or '*' */

/* The version that If-Match asks for. E_INVALID. */
int version_take(struct request *r, int64_t *ret, struct err *err) __attribute__((warn_unused_result));

void version_put(struct reply *reply, int64_t version);

#endif
