/*
 * Versions of what people change: a resource's version is its ETag, and who changes it may say with If-Match which one
 * they saw.
 */
#ifndef STELE_API_VERSION_H
#define STELE_API_VERSION_H

#include <microhttpd.h>

#include "base/err.h"

#define VERSION_ANY 0 /* versions begin with 1 */

/* The version that If-Match asks for; VERSION_ANY without one, and for '*'. E_INVALID. */
int version_take(struct MHD_Connection *connection, int64_t *ret, struct err *err) __attribute__((warn_unused_result));

#endif
