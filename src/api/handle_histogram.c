/* GET /v1/histogram: how many events there are in each interval of time. */
#include <inttypes.h>

#include "api/count_json.h"
#include "api/handler.h"
#include "api/request.h"
#include "api/scope.h"
#include "codec/json_text.h"
#include "codec/timestamp.h"

static int find(struct request *r, struct histogram_answer *ret, struct err *err)
{
	struct search_params scope = {.limit = 1};
	struct histogram_params h = {.interval = r->params.value[PARAM_INTERVAL],
				     .split = r->params.value[PARAM_SPLIT]};
	int rc;

	if ((rc = scope_take(&r->params, &scope, err)) < 0)
		return rc;
	if (param_is_given(&r->params, PARAM_BUCKETS) && h.interval.len > 0) {
		err_set_field(err, "buckets", strlen("buckets"));
		return err_set(err, E_INVALID, "give 'interval' or 'buckets', not both");
	}
	if ((rc = param_number(&r->params, PARAM_BUCKETS, 1, HISTOGRAM_BUCKETS_MAX, HISTOGRAM_BUCKETS, &h.buckets,
			       err)) < 0)
		return rc;
	return service_histogram(r->server->service, &r->who, &scope, &h, ret, err);
}

/* The first bucket may begin before there are years. */
static void put_time(struct buf *to, int64_t us)
{
	uint8_t text[TIMESTAMP_LEN];

	timestamp_format(us < TIMESTAMP_MIN_US ? TIMESTAMP_MIN_US : us, text);
	buf_put(to, text, sizeof(text));
}

static void put_split_counts(struct buf *to, const struct histogram_answer *a, size_t bucket)
{
	uint32_t values = a->split.facet[0].value_count;
	const uint64_t *count = a->split_count + bucket * (values + 1);

	buf_put_str(to, ",\"split\":[");
	for (uint32_t k = 0; k < values; k++)
		buf_printf(to, "%s%" PRIu64, k ? "," : "", count[k]);
	buf_printf(to, "],\"other\":%" PRIu64, count[values]);
}

static void put_buckets(struct buf *to, const struct histogram_answer *a)
{
	for (uint32_t k = 0; k < a->bucket_count; k++) {
		buf_put_str(to, k ? ",{\"time\":\"" : "{\"time\":\"");
		put_time(to, a->first_us + (int64_t)k * a->interval_us);
		buf_printf(to, "\",\"count\":%" PRIu64, a->count[k]);
		if (a->split_count)
			put_split_counts(to, a, k);
		buf_put_u8(to, '}');
	}
}

/* Which values the counts of the buckets are of. */
static void put_split(struct buf *to, const struct facet *f, struct span field)
{
	buf_put_str(to, ",\"split\":{\"field\":");
	json_text_string(to, field);
	buf_put_str(to, ",\"values\":[");
	for (uint32_t k = 0; k < f->value_count; k++) {
		if (k > 0)
			buf_put_u8(to, ',');
		json_text_string(to, f->value[k].text);
	}
	buf_printf(to, "],\"distinct\":%" PRIu64 ",\"missing\":%" PRIu64 ",\"exact\":%s}", f->distinct, f->missing,
		   f->exact ? "true" : "false");
}

static void answer(struct request *r, const struct histogram_answer *a)
{
	struct buf *to = &r->reply.body;
	char interval[INTERVAL_TEXT_MAX];

	interval_print(a->interval_us, interval);
	reply_json(&r->reply, 200);
	buf_printf(to, "{\"interval\":\"%s\",\"buckets\":[", interval);
	put_buckets(to, a);
	buf_put_u8(to, ']');
	if (a->split_count)
		put_split(to, &a->split.facet[0], r->params.value[PARAM_SPLIT]);
	count_json_tally(to, &a->tally);
	buf_put_str(to, "}\n");
	request_charge_answer(r);
}

enum handled handle_histogram(struct request *r)
{
	struct histogram_answer a = HISTOGRAM_ANSWER_INIT;
	struct err err = ERR_INIT;

	if (find(r, &a, &err) < 0)
		request_fail(r, &err);
	else
		answer(r, &a);
	histogram_answer_release(&a);
	return HANDLED_NOW;
}
