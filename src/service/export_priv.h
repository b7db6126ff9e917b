/* What the formats of an export share: export.c reads records, a format turns them into bytes. */
#ifndef STELE_SERVICE_EXPORT_PRIV_H
#define STELE_SERVICE_EXPORT_PRIV_H

#include "query/search_stream.h"
#include "service/export.h"
#include "service/service_priv.h"

/* All append to `to`. `make` allocates x->state, which `free` takes, half made or NULL. `end` is called until it
 * returns 1: that was all; 0: there is more. */
struct export_ops {
	int (*make)(struct export *x, struct err *err);
	int (*begin)(struct export *x, struct buf *to, struct err *err);
	int (*put)(struct export *x, struct span record, struct buf *to, struct err *err);
	int (*end)(struct export *x, struct buf *to, struct err *err);
	void (*free)(struct export *x);
};

extern const struct export_ops export__csv, export__json, export__ndjson, export__zip, export__rows_csv,
	export__rows_json;

struct export
{
	const struct export_ops *ops;
	void *state; /* the format's */
	struct service *service;
	struct org *org;
	struct export_spec spec; /* its texts belong to `texts` */
	struct buf texts;
	struct query *query;
	struct snapshot *snapshot;
	struct search_stream *source;
	struct gap_list gaps;        /* what could not be read */
	struct search_answer answer; /* a batch of the source, and how far it is written */
	uint32_t at;
	size_t off;
	uint64_t records;                 /* written */
	uint64_t first_index, last_index; /* of those written, in the order of the file */
	bool has_begun;
	bool is_ending; /* all records are written */
};

/* The event of an export, but for its end; `job` NULL: it is none. */
void export__event_begin(struct buf *to, const struct principal *who, const struct export_spec *spec, const char *job);

#endif
