/*
 * Exports: everything that matches a search as one file, CSV, JSON, NDJSON or ZIP, made piece by piece in bounded
 * memory over one snapshot, so that events that arrive meanwhile change nothing.
 *
 * An export is made definite first (export_spec): times are resolved and the ledger's size is fixed. A spec yields the
 * same bytes whenever it is run, also after a restart; only what is found damaged may differ.
 */
#ifndef STELE_SERVICE_EXPORT_H
#define STELE_SERVICE_EXPORT_H

#include "service/service.h"

/* The last two are the rows of a vendor. */
enum export_format {
	EXPORT_CSV,
	EXPORT_JSON,
	EXPORT_NDJSON,
	EXPORT_ZIP,
	EXPORT_CARBON_BLACK_CSV,
	EXPORT_CARBON_BLACK_JSON,
	EXPORT_FORMAT_COUNT
};
extern const char *const export_format_names[EXPORT_FORMAT_COUNT + 1]; /* "csv", …; NULL at the end */

/* An export as a client asks for it; texts are empty when not given. */
struct export_params {
	enum export_format format;
	enum control_ledger_name ledger;
	bool newest_first;
	struct span query;
	struct span from; /* time_text.h */
	struct span to;
	struct span columns; /* of CSV: a list of paths (query/path_list.h) */
};

struct export_spec {
	enum export_format format;
	enum control_ledger_name ledger;
	bool newest_first;
	int64_t from_us; /* INT64_MIN: none */
	int64_t to_us;   /* INT64_MAX: none */
	uint64_t size;   /* records of the ledger that are looked at: those below it */
	int64_t created_us;
	const char *narrow; /* who asks sees only this (principal.narrow_text); borrowed; NULL: all */
	struct span query;  /* borrowed */
	struct span columns;
};

/* Checks all of `p` and makes it definite; the spec borrows from it. E_INVALID, E_SYNTAX, E_TOO_LARGE; E_FORBIDDEN;
 * err->field names the parameter. */
int export_resolve(const struct principal *who, const struct export_params *p, struct export_spec *ret, struct err *err)
	__attribute__((warn_unused_result));

struct export;

/* Tells that the principal is given an export, before the first byte is. As reading.h says. */
int export_tell(struct service *s, const struct principal *who, const struct export_spec *spec, struct err *err)
	__attribute__((warn_unused_result));

/* Begins an export of the org's records. It borrows nothing from the spec. E_IO, E_NO_MEMORY, and what export_resolve
 * refuses. */
int export_open(struct service *s, struct org *org, const struct export_spec *spec, struct export **ret,
		struct err *err) __attribute__((warn_unused_result));
struct export *export_close(struct export *x); /* returns NULL */

/* Appends the next bytes to `to`, about `bytes` of them: one record of it may go past that. 1 when that was the end,
 * else 0; `to` may be as it was. After a failure the export can only be closed, and what was made of it is no whole
 * file. */
int export_produce(struct export *x, size_t bytes, struct buf *to, struct err *err) __attribute__((warn_unused_result));

struct export_progress {
	uint64_t records;                   /* written */
	double fraction;                    /* of the ledger that was gone over, 0 to 1 */
	const struct snapshot_gap *damaged; /* what was left out so far, in order; borrowed until the next call */
	size_t damaged_count;
};
void export_progress(const struct export *x, struct export_progress *ret);

/* "text/csv; charset=utf-8; header=present" and so on. */
const char *export_content_type(enum export_format format);

#define EXPORT_NAME_MAX 160

/* A file name for what a client downloads: stele-<org>-<ledger>-<from>-<to>.<format>. */
void export_file_name(const struct org *org, const struct export_spec *spec, char ret_name[EXPORT_NAME_MAX]);

#endif
