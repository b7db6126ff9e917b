/* Histograms: from what a client wrote to counts by time. */
#include "query/histogram.h"

#include "service/service_priv.h"

static int run(struct service *s, const struct principal *who, const struct search_params *params,
	       struct histogram_request *r, struct span split, struct histogram_answer *ret, struct err *err)
{
	struct search_scope scope;
	int rc = service__scope_open(s, who, params, split, &scope, err);

	if (rc < 0)
		return rc;
	r->query = scope.query;
	r->from_us = scope.from_us;
	r->to_us = scope.to_us;
	r->seen = who->narrow;
	r->team = s->team;
	rc = histogram_run(scope.snapshot, r, ret, err);
	if (rc == E_INVALID)
		err_set_field(err, "interval", strlen("interval"));
	if (rc == 0 && (rc = service__take_damage(&ret->tally, scope.snapshot, err)) < 0)
		histogram_answer_release(ret);
	service__scope_close(&scope);
	return rc;
}

int service_histogram(struct service *s, const struct principal *who, const struct search_params *params,
		      const struct histogram_params *histogram, struct histogram_answer *ret, struct err *err)
{
	struct histogram_request r = {.buckets = histogram->buckets};
	struct field_list split = {.count = 0};
	int rc;

	if (histogram->interval.len > 0 && (rc = interval_parse(histogram->interval, &r.interval_us, err)) < 0) {
		err_set_field(err, "interval", strlen("interval"));
		return rc;
	}
	if (histogram->split.len > 0) {
		if ((rc = field_list_parse(histogram->split, 1, &split, err)) < 0) {
			err_set_field(err, "split", strlen("split"));
			return rc;
		}
		r.split = &split;
	}
	rc = run(s, who, params, &r, histogram->split, ret, err);
	field_list_release(&split);
	return rc;
}
