/*
 * All matches of a search one after the other, in memory that does not grow with their number. A stream sees one
 * snapshot; it is used by one thread, which its team helps.
 */
#ifndef STELE_QUERY_SEARCH_STREAM_H
#define STELE_QUERY_SEARCH_STREAM_H

#include "query/search.h"

struct search_stream;

/* The snapshot and the query outlive the stream. `limit` and `total` of the request do not count. */
struct search_stream *search_stream_open(struct snapshot *s, const struct search_request *r);
struct search_stream *search_stream_close(struct search_stream *x); /* returns NULL */

/* The next matches in the order asked for, instead of those that `ret` held: until their records have `bytes` bytes,
 * but at least one; none at the end. `ret`, from SEARCH_ANSWER_INIT on the same one, has events, len, index and count,
 * and in gaps and damage what was left out since the last call. E_IO, E_NO_MEMORY. */
int search_stream_next(struct search_stream *x, size_t bytes, struct search_answer *ret, struct err *err)
	__attribute__((warn_unused_result));

/* How far it has got: records of the ledger passed, and all there are to pass. */
void search_stream_progress(const struct search_stream *x, uint64_t *ret_passed, uint64_t *ret_all);

#endif
