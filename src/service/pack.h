/* Bytes packed while they are made: as gzip, or as a ZIP of one file. The same bytes in give the same bytes out. */
#ifndef STELE_SERVICE_PACK_H
#define STELE_SERVICE_PACK_H

#include "base/buf.h"
#include "base/err.h"

enum pack_kind { PACK_GZIP, PACK_ZIP };

struct pack;

/* `name` is that of the file in a ZIP, and `time_s` (since 1970) its time. E_NO_MEMORY, E_INTERNAL. */
int pack_open(enum pack_kind kind, const char *name, int64_t time_s, struct pack **ret, struct err *err)
	__attribute__((warn_unused_result));
struct pack *pack_close(struct pack *p); /* returns NULL; what was not ended has no end */

/* Both append to `to` what there is by now. */
int pack_put(struct pack *p, struct span data, struct buf *to, struct err *err) __attribute__((warn_unused_result));
int pack_end(struct pack *p, struct buf *to, struct err *err) __attribute__((warn_unused_result));

#endif
