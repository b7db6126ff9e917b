/*
 * Files that the program carries: the description of the API and the page that shows it. They are compressed by gzip;
 * tools/embed.py makes the array.
 */
#ifndef STELE_API_ASSET_H
#define STELE_API_ASSET_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct asset {
	const char *path; /* "openapi.json", "docs/index.html" */
	const char *type; /* its Content-Type */
	const char *etag; /* with its quotes */
	const uint8_t *gzip;
	const uint8_t *gzip_end;
	size_t bytes; /* unpacked */
};

extern const struct asset assets[];
extern const size_t asset_count;

/* The file asked for by this path; NULL: there is none. */
const struct asset *asset_find(struct span path);

/* Appends the file, unpacked. E_NO_MEMORY. */
int asset_unpack(const struct asset *a, struct buf *to, struct err *err) __attribute__((warn_unused_result));

#endif
