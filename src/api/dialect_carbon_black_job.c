/*
 * _export and the jobs API: an export of the native kind (service/export_job.h) with the vendor's rows. Clients keep
 * the number of a job, so one is made of the job's id: 48 bits of it, which are as good as unique among the few an org
 * has. A job is seen by the API key that asked for it alone.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/dialect_carbon_black.h"
#include "api/download.h"
#include "api/handler.h"
#include "api/json_body.h"
#include "api/utf8.h"
#include "base/clock.h"
#include "codec/timestamp.h"
#include "service/export_job.h"

#define NUMBER_HEX_DIGITS 12 /* of the id: a number that doubles hold, too */

static uint64_t number_of(const char *id)
{
	char digits[NUMBER_HEX_DIGITS + 1];

	memcpy(digits, id, NUMBER_HEX_DIGITS);
	digits[NUMBER_HEX_DIGITS] = '\0';
	return strtoull(digits, NULL, 16);
}

/* ---- finding ---- */

/* Whether the job was asked for here, by this key, and is there still. */
static bool is_shown(const struct request *r, const struct control_export_job *j)
{
	bool is_ours = strcmp(j->format, export_format_names[EXPORT_CARBON_BLACK_CSV]) == 0 ||
		       strcmp(j->format, export_format_names[EXPORT_CARBON_BLACK_JSON]) == 0;

	return is_ours && j->state != EXPORT_EXPIRED && strcmp(j->client_id, r->who.id) == 0;
}

/* The jobs that are shown; the caller releases each and frees the array. */
static int list_jobs(struct request *r, struct export_view **ret, size_t *ret_count, struct err *err)
{
	struct export_view *all;
	size_t count, shown = 0;
	int rc;

	if ((rc = carbon_black__check_org(r, err)) < 0)
		return rc;
	if ((rc = service_export_list(r->server->service, &r->who, &all, &count, err)) < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		if (is_shown(r, &all[i].job))
			all[shown++] = all[i];
		else
			export_view_release(&all[i]);
	}
	*ret = all;
	*ret_count = shown;
	return 0;
}

static bool is_number(struct span text, uint64_t n)
{
	uint64_t given = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.len > 15 || text.p[i] < '0' || text.p[i] > '9')
			return false;
		given = given * 10 + (uint64_t)(text.p[i] - '0');
	}
	return given == n;
}

/* The job that the path names. */
static int find_job(struct request *r, struct export_view *ret, struct err *err)
{
	struct export_view *list;
	size_t count;
	int rc = list_jobs(r, &list, &count, err);

	if (rc < 0)
		return rc;
	rc = E_NOT_FOUND;
	for (size_t i = 0; i < count; i++) {
		if (rc < 0 && is_number(r->match.hole[1], number_of(list[i].job.id))) {
			*ret = list[i];
			rc = 0;
		} else {
			export_view_release(&list[i]);
		}
	}
	free(list);
	return rc < 0 ? err_set(err, E_NOT_FOUND, "there is no such job of this API key") : 0;
}

/* ---- out ---- */

static void put_time(struct buf *to, const char *name, int64_t us)
{
	uint8_t text[TIMESTAMP_LEN];

	timestamp_format(us, text);
	buf_printf(to, ",\"%s\":\"%.*s\"", name, TIMESTAMP_LEN, (const char *)text);
}

/* How many rows there will be is only known at the end. */
static void put_progress(struct buf *to, const struct export_view *v)
{
	int64_t done = v->job.records, total = done;
	const char *message = "QUEUED";

	if (v->job.state == EXPORT_RUNNING) {
		message = "IN_PROGRESS";
		if (v->fraction > 0)
			total = (int64_t)((double)done / v->fraction) + 1;
	} else if (v->job.state != EXPORT_QUEUED) {
		message = "FINISHED";
	}
	buf_printf(to, "{\"num_total\":%" PRId64 ",\"num_completed\":%" PRId64 ",\"message\":\"%s\"}", total, done,
		   message);
}

static const char *status_of(const struct export_view *v)
{
	switch (v->job.state) {
	case EXPORT_QUEUED:
	case EXPORT_RUNNING:
		return "CREATED";
	case EXPORT_DONE:
		return "COMPLETED";
	default:
		return "FAILED";
	}
}

static int64_t updated_us(const struct control_export_job *j)
{
	if (j->finished_us != 0)
		return j->finished_us;
	return j->started_us != 0 ? j->started_us : j->created_us;
}

static void put_job(struct request *r, const struct export_view *v, struct buf *to)
{
	const struct control_export_job *j = &v->job;

	buf_printf(to,
		   "{\"id\":%" PRIu64 ",\"type\":\"EXTERNAL\",\"job_parameters\":{\"job_parameters\":null},"
		   "\"org_key\":\"%s\",\"status\":\"%s\"",
		   number_of(j->id), principal_org_key(&r->who), status_of(v));
	put_time(to, "create_time", j->created_us);
	put_time(to, "last_update_time", updated_us(j));
	buf_put_str(to, ",\"connector_id\":");
	utf8_put_json(to, span_str(j->client_id));
	buf_put_str(to, ",\"owner_id\":0,\"progress\":");
	put_progress(to, v);
	buf_put_str(to, ",\"errors\":");
	if (j->error[0] != '\0')
		utf8_put_json(to, span_str(j->error));
	else
		buf_put_str(to, "null");
	buf_put_u8(to, '}');
}

/* ---- handlers of jobs ---- */

enum handled handle_carbon_black_jobs(struct request *r)
{
	struct buf *to = &r->reply.body;
	struct export_view *list;
	struct err err = ERR_INIT;
	size_t count;

	if (list_jobs(r, &list, &count, &err) < 0)
		return carbon_black__fail(r, &err);
	reply_json(&r->reply, 200);
	buf_printf(to, "{\"num_found\":%zu,\"results\":[", count);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_put_u8(to, ',');
		put_job(r, &list[i], to);
		export_view_release(&list[i]);
	}
	buf_put_str(to, "]}\n");
	free(list);
	return HANDLED_NOW;
}

enum handled handle_carbon_black_job(struct request *r)
{
	struct export_view v;
	struct err err = ERR_INIT;

	if (find_job(r, &v, &err) < 0)
		return carbon_black__fail(r, &err);
	reply_json(&r->reply, 200);
	put_job(r, &v, &r->reply.body);
	buf_put_u8(&r->reply.body, '\n');
	export_view_release(&v);
	return HANDLED_NOW;
}

enum handled handle_carbon_black_progress(struct request *r)
{
	struct export_view v;
	struct err err = ERR_INIT;

	if (find_job(r, &v, &err) < 0)
		return carbon_black__fail(r, &err);
	reply_json(&r->reply, 200);
	put_progress(&r->reply.body, &v);
	buf_put_u8(&r->reply.body, '\n');
	export_view_release(&v);
	return HANDLED_NOW;
}

enum handled handle_carbon_black_download(struct request *r)
{
	struct export_view v;
	struct err err = ERR_INIT;
	enum handled handled;

	if (find_job(r, &v, &err) < 0)
		return carbon_black__fail(r, &err);
	handled = download_answer(r, span_str(v.job.id));
	export_view_release(&v);
	return handled;
}

/* ---- asking for one ---- */

static int take_format(struct request *r, yyjson_val *body, enum export_format *ret, struct err *err)
{
	static const char *const formats[] = {"csv", "json", NULL};
	struct span format;
	int rc = json_body_string(body, "format", &format, err);

	if (rc < 0)
		return rc;
	*ret = EXPORT_CARBON_BLACK_JSON;
	if (format.len == 3 && strncasecmp((const char *)format.p, "csv", 3) == 0)
		*ret = EXPORT_CARBON_BLACK_CSV;
	else if (format.len != 0 && (format.len != 4 || strncasecmp((const char *)format.p, "json", 4) != 0))
		return carbon_black__refuse_word(r, "format", format, formats);
	return 0;
}

struct bound {
	uint8_t text[TIMESTAMP_LEN];
};

static struct span put_bound(struct bound *b, int64_t us)
{
	if (us == INT64_MIN || us == INT64_MAX)
		return span_of(NULL, 0);
	timestamp_format(us < TIMESTAMP_MIN_US   ? TIMESTAMP_MIN_US
			 : us > TIMESTAMP_MAX_US ? TIMESTAMP_MAX_US
						 : us,
			 b->text);
	return span_of(b->text, TIMESTAMP_LEN);
}

/* The search as text, since that is how a job is kept. */
static int create(struct request *r, const struct carbon_black_search *s, enum export_format format,
		  struct export_view *ret, struct err *err)
{
	struct buf query = BUF_INIT;
	struct bound from, to;
	struct export_params p = {.format = format,
				  .ledger = LEDGER_MAIN,
				  .newest_first = !s->oldest_first,
				  .from = put_bound(&from, s->from_us),
				  .to = put_bound(&to, s->to_us)};
	int rc;

	query_print(s->query, &query);
	p.query = buf_span(&query);
	rc = buf_ok(&query) ? service_export_create(r->server->service, &r->who, &p, ret, err)
			    : err_set(err, E_NO_MEMORY, "not enough memory for a query");
	buf_release(&query);
	return rc;
}

static int ask(struct request *r, struct carbon_black_search *s, struct err *err)
{
	enum export_format format;
	struct export_view v;
	int rc;

	if ((rc = carbon_black__check_org(r, err)) < 0)
		return rc;
	if ((rc = json_body_take(r, &s->body, err)) < 0)
		return rc;
	if ((rc = take_format(r, s->body, &format, err)) != 0)
		return rc;
	s->now_us = clock_wall_us();
	if ((rc = carbon_black__search_take(r, s, err)) != 0)
		return rc;
	if ((rc = create(r, s, format, &v, err)) < 0)
		return rc;
	reply_json(&r->reply, 200);
	buf_printf(&r->reply.body, "{\"job_id\":%" PRIu64 "}\n", number_of(v.job.id));
	export_view_release(&v);
	return 0;
}

enum handled handle_carbon_black_export(struct request *r)
{
	struct carbon_black_search s = {0};
	struct err err = ERR_INIT;
	int rc = ask(r, &s, &err);

	carbon_black__search_release(&s);
	return rc < 0 ? carbon_black__fail(r, &err) : HANDLED_NOW;
}
