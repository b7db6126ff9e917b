/* What is missing of a file that is sent, as the header Stele-Damaged: a file with holes must not look whole. */
#ifndef STELE_API_DAMAGED_H
#define STELE_API_DAMAGED_H

#include "api/reply.h"
#include "store/store.h"

/* Adds "0-8191, 16384-24575", the numbers of records, or nothing when there are no gaps. */
void damaged_add_header(struct reply *reply, const struct snapshot_gap *gap, size_t count);

#endif
