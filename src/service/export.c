/* An export from beginning to end; the formats have a file each. */
#include "service/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "codec/timestamp.h"
#include "query/path_list.h"
#include "service/export_priv.h"
#include "service/key_cache.h"
#include "service/read_event_priv.h"
#include "service/sight.h"

const char *const export_format_names[EXPORT_FORMAT_COUNT + 1] = {
	"csv", "json", "ndjson", "zip", "carbon-black-csv", "carbon-black-json", NULL};

const char *export_content_type(enum export_format format)
{
	static const char *const types[EXPORT_FORMAT_COUNT] = {"text/csv; charset=utf-8; header=present",
							       "application/json",
							       "application/x-ndjson",
							       "application/zip",
							       "text/csv; charset=utf-8",
							       "application/json"};

	return types[format];
}

static const struct export_ops *const ops_of[EXPORT_FORMAT_COUNT] = {
	&export__csv, &export__json, &export__ndjson, &export__zip, &export__rows_csv, &export__rows_json};

/* ---- names ---- */

/* 20260131T120000Z; "start" and "end" for no bound. */
static void put_time(struct buf *to, int64_t us, int64_t none, const char *word)
{
	uint8_t text[TIMESTAMP_LEN];

	if (us == none) {
		buf_put_str(to, word);
		return;
	}
	timestamp_format(us, text);
	for (size_t i = 0; i < sizeof("2026-01-31T12:00:00") - 1; i++) {
		if (text[i] != '-' && text[i] != ':')
			buf_put_u8(to, text[i]);
	}
	buf_put_u8(to, 'Z');
}

/* What stands behind the vendor's name, if there is one. */
static const char *extension_of(enum export_format format)
{
	const char *dash = strrchr(export_format_names[format], '-');

	return dash ? dash + 1 : export_format_names[format];
}

void export_file_name(const struct org *org, const struct export_spec *spec, char ret_name[EXPORT_NAME_MAX])
{
	struct buf name = BUF_INIT;

	buf_printf(&name, "stele-%s-%s-", org->control.org_key, control_ledger_names[spec->ledger]);
	put_time(&name, spec->from_us, INT64_MIN, "start");
	buf_put_u8(&name, '-');
	put_time(&name, spec->to_us == INT64_MAX ? spec->created_us : spec->to_us, INT64_MAX, "end");
	buf_printf(&name, ".%s", extension_of(spec->format));
	snprintf(ret_name, EXPORT_NAME_MAX, "%.*s", (int)name.len, name.p ? (const char *)name.p : "");
	buf_release(&name);
}

/* ---- opening ---- */

static int name_field(struct err *err, const char *field, int rc)
{
	err_set_field(err, field, strlen(field));
	return rc;
}

static int check_texts(const struct principal *who, const struct export_params *p, int64_t now_us, struct err *err)
{
	struct path_list columns;
	struct query *query;
	int rc;

	if ((rc = sight_query(who, p->ledger, p->query, now_us, &query, err)) < 0)
		return rc;
	query_free(query);
	if (p->format == EXPORT_ZIP && p->newest_first)
		return name_field(
			err, "order",
			err_set(err, E_INVALID,
				"format=zip holds events in order of arrival, which is what its proof is about; "
				"leave 'order' out, or say oldest"));
	if (p->columns.len == 0)
		return 0;
	if (p->format != EXPORT_CSV)
		return name_field(err, "columns",
				  err_set(err, E_INVALID,
					  "'columns' is for format=csv; the other formats hold records as "
					  "they are stored"));
	if ((rc = path_list_parse(p->columns, &columns, err)) < 0)
		return name_field(err, "columns", rc);
	path_list_release(&columns);
	return 0;
}

int export_resolve(const struct principal *who, const struct export_params *p, struct export_spec *ret, struct err *err)
{
	struct export_spec spec = {.format = p->format,
				   .ledger = p->ledger,
				   .newest_first = p->newest_first,
				   .created_us = clock_wall_us(),
				   .narrow = who->narrow_text,
				   .query = p->query,
				   .columns = p->columns};
	struct search_params range = {.from = p->from, .to = p->to};
	struct search_request r;
	int rc;

	if ((rc = check_texts(who, p, spec.created_us, err)) < 0)
		return rc;
	if ((rc = service__parse_range(&range, spec.created_us, &r, err)) < 0)
		return rc;
	spec.from_us = r.from_us;
	spec.to_us = r.to_us;
	spec.size = ledger_size(who->org->ledger[p->ledger]);
	*ret = spec;
	return 0;
}

void export__event_begin(struct buf *to, const struct principal *who, const struct export_spec *spec, const char *job)
{
	const struct read_event e = {"events.exported", spec->ledger, job ? "export" : NULL,
				     job ? span_str(job) : span_of(NULL, 0)};
	struct query *query;

	read_event__begin(to, who, &e);
	if (query_parse(spec->query, spec->created_us, &query, NULL) == 0) { /* export_resolve has */
		read_event__put_scope(to, spec->query, query, spec->from_us, spec->to_us);
		query_free(query);
	}
	buf_printf(to, ",\"format\":\"%s\",\"order\":\"%s\"", export_format_names[spec->format],
		   spec->newest_first ? "newest" : "oldest");
	read_event__put_text(to, "columns", spec->columns);
	read_event__put_number(to, "ledger_size", spec->size);
}

int export_tell(struct service *s, const struct principal *who, const struct export_spec *spec, struct err *err)
{
	struct buf event = BUF_INIT;
	int rc;

	export__event_begin(&event, who, spec, NULL);
	rc = read_event__tell(s, who, &event, err);
	buf_release(&event);
	return rc;
}

/* Copies the spec with its texts. */
static int take_spec(struct export *x, const struct export_spec *spec, struct err *err)
{
	x->spec = *spec;
	if (spec->format == EXPORT_ZIP)
		x->spec.newest_first = false; /* of a job that an older version took */
	buf_put_span(&x->texts, spec->query);
	buf_put_span(&x->texts, spec->columns);
	buf_put_u8(&x->texts, 0);
	if (!buf_ok(&x->texts))
		return err_set(err, E_NO_MEMORY, "not enough memory for an export");
	x->spec.query.p = x->texts.p;
	x->spec.columns.p = x->texts.p + spec->query.len;
	return 0;
}

/* What is known to be missing before anything is read. */
static int take_damaged(struct export *x, struct err *err)
{
	const struct snapshot *snapshot = x->snapshot;
	int rc = 0;

	for (size_t i = 0; i < snapshot->damaged_count && rc == 0; i++) {
		const struct snapshot_gap *gap = &snapshot->damaged[i];

		if (gap->first < x->spec.size)
			rc = gap_list_add(&x->gaps, gap->first, gap->next < x->spec.size ? gap->next : x->spec.size,
					  err);
	}
	return rc;
}

static int open_parts(struct export *x, struct service *s, struct org *org, struct err *err)
{
	struct search_request r = {.from_us = x->spec.from_us,
				   .to_us = x->spec.to_us,
				   .oldest_first = !x->spec.newest_first,
				   .size = x->spec.size,
				   .after = UINT64_MAX,
				   .total = SEARCH_TOTAL_NONE,
				   .team = s->team};
	const struct narrow *narrow;
	int rc;

	if ((rc = query_parse(x->spec.query, x->spec.created_us, &x->query, err)) < 0)
		return name_field(err, "query", rc);
	if ((rc = service__narrow(s, org->control.id, x->spec.narrow ? x->spec.narrow : "", &narrow, err)) < 0)
		return rc;
	query_narrow(x->query, narrow ? narrow->query : NULL);
	x->spec.narrow = narrow ? narrow->text : "";
	r.query = x->query;
	if ((rc = ledger_snapshot(org->ledger[x->spec.ledger], &x->snapshot, err)) < 0)
		return rc;
	if ((rc = take_damaged(x, err)) < 0)
		return rc;
	x->source = search_stream_open(x->snapshot, &r);
	return x->ops->make ? x->ops->make(x, err) : 0;
}

int export_open(struct service *s, struct org *org, const struct export_spec *spec, struct export **ret,
		struct err *err)
{
	struct export *x = xalloc(sizeof(*x));
	int rc;

	x->ops = ops_of[spec->format];
	x->answer = (struct search_answer)SEARCH_ANSWER_INIT;
	x->service = s;
	x->org = org;
	rc = take_spec(x, spec, err);
	if (rc == 0)
		rc = open_parts(x, s, org, err);
	if (rc < 0)
		export_close(x);
	else
		*ret = x;
	return rc;
}

struct export *export_close(struct export *x)
{
	if (!x)
		return NULL;
	if (x->ops->free)
		x->ops->free(x);
	search_answer_release(&x->answer);
	search_stream_close(x->source);
	snapshot_free(x->snapshot);
	gap_list_release(&x->gaps);
	query_free(x->query);
	buf_release(&x->texts);
	free(x);
	return NULL;
}

/* ---- producing ---- */

/* Writes records of the batch until `to` holds `full` bytes. */
static int put_batch(struct export *x, size_t full, struct buf *to, struct err *err)
{
	int rc = 0;

	while (rc == 0 && x->at < x->answer.count && to->len < full) {
		uint32_t len = x->answer.len[x->at];

		rc = x->ops->put(x, span_of(x->answer.events.p + x->off, len), to, err);
		x->last_index = x->answer.index[x->at];
		if (x->records++ == 0)
			x->first_index = x->last_index;
		x->off += len;
		x->at++;
	}
	return rc;
}

/* What a batch leaves out goes to the list, the file and offset of the damage to the log. */
static int take_gaps(struct export *x, struct err *err)
{
	const struct search_answer *a = &x->answer;
	int rc = 0;

	if (a->damage.code != 0)
		diag(DIAG_ERROR, "store", "records are left out of an export: %s file=%s offset=%lld",
		     a->damage.message, a->damage.field, (long long)a->damage.offset);
	for (size_t i = 0; i < a->gaps.count && rc == 0; i++)
		rc = gap_list_add(&x->gaps, a->gaps.gap[i].first, a->gaps.gap[i].next, err);
	return rc;
}

/* The next batch; 1: there is none. */
static int next_batch(struct export *x, size_t bytes, struct err *err)
{
	int rc = search_stream_next(x->source, bytes, &x->answer, err);

	x->at = 0;
	x->off = 0;
	if (rc == 0)
		rc = take_gaps(x, err);
	return rc == 0 && x->answer.count == 0 ? 1 : rc;
}

static int produce(struct export *x, size_t bytes, struct buf *to, struct err *err)
{
	size_t full = to->len + bytes;
	int rc = 0;

	if (!x->has_begun) {
		x->has_begun = true;
		rc = x->ops->begin ? x->ops->begin(x, to, err) : 0;
	}
	while (rc == 0 && to->len < full && !x->is_ending) {
		if (x->at == x->answer.count)
			rc = next_batch(x, bytes, err);
		if (rc == 0)
			rc = put_batch(x, full, to, err);
	}
	if (rc == 1) {
		x->is_ending = true;
		rc = x->ops->end ? 0 : 1;
	}
	while (rc == 0 && to->len < full && x->is_ending)
		rc = x->ops->end(x, to, err);
	return rc;
}

int export_produce(struct export *x, size_t bytes, struct buf *to, struct err *err)
{
	int rc = produce(x, bytes, to, err);

	if (rc >= 0 && !buf_ok(to))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for the next piece of an export");
	return rc;
}

void export_progress(const struct export *x, struct export_progress *ret)
{
	uint64_t passed, all;

	search_stream_progress(x->source, &passed, &all);
	ret->records = x->records;
	ret->fraction = all > 0 ? (double)passed / (double)all : 1.0;
	ret->damaged = x->gaps.gap;
	ret->damaged_count = x->gaps.count;
}
