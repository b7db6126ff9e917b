/* Intervals; histograms against their slow twin, over random ledgers and random queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "base/mem.h"
#include "codec/timestamp.h"
#include "naive_field.h"
#include "query/histogram.h"
#include "world.h"

/* ---- intervals ---- */

static int64_t us_of(const char *time)
{
	int64_t us;

	assert_true(timestamp_parse(span_str(time), &us));
	return us;
}

static void check_interval(const char *text, int64_t seconds, const char *printed)
{
	char again[INTERVAL_TEXT_MAX];
	int64_t us;

	assert_int_equal(interval_parse(span_str(text), &us, NULL), 0);
	assert_int_equal(us, seconds * 1000000);
	interval_print(us, again);
	assert_string_equal(again, printed);
}

static void test_histogram__reads_intervals(void **state)
{
	static const char *const bad[] = {"",   "s",    "5",   "0s",       "-1h",
					  "1y", "1.5h", "1h ", "3652060d", "99999999999999999s"};
	struct err err = ERR_INIT;
	int64_t us;

	(void)state;
	check_interval("30s", 30, "30s");
	check_interval("90s", 90, "90s");
	check_interval("60m", 3600, "1h");
	check_interval("1d", 86400, "1d");
	check_interval("7d", 604800, "1w");
	check_interval("3652059d", INT64_C(3652059) * 86400, "3652059d");
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
		assert_int_equal(interval_parse(span_str(bad[k]), &us, &err), E_INVALID);
}

static void check_floor(const char *interval, const char *time, const char *begins)
{
	int64_t us;

	assert_int_equal(interval_parse(span_str(interval), &us, NULL), 0);
	assert_int_equal(interval_floor(us, us_of(time)), us_of(begins));
}

static void test_histogram__aligns_buckets(void **state)
{
	(void)state;
	check_floor("1h", "2026-11-21T10:59:59.999999Z", "2026-11-21T10:00:00Z");
	check_floor("1h", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z");
	check_floor("1d", "1969-12-31T23:00:00Z", "1969-12-31T00:00:00Z");
	check_floor("1w", "2026-11-21T10:00:00Z", "2026-11-16T00:00:00Z"); /* a Monday */
	check_floor("1w", "2026-11-16T00:00:00Z", "2026-11-16T00:00:00Z");
	check_floor("1w", "1970-01-01T00:00:00Z", "1969-12-29T00:00:00Z");
}

static void test_histogram__chooses_round_intervals(void **state)
{
	int64_t from = us_of("2026-11-21T10:00:00Z");
	char text[INTERVAL_TEXT_MAX];

	(void)state;
	interval_print(interval_choose(from, from + INT64_C(3600000000), 60), text);
	assert_string_equal(text, "1m");
	interval_print(interval_choose(from, from + INT64_C(3600000001), 60), text);
	assert_string_equal(text, "2m");
	interval_print(interval_choose(from, from, 1), text);
	assert_string_equal(text, "1s");
	interval_print(interval_choose(us_of("2026-01-01T00:00:00Z"), us_of("2027-01-01T00:00:00Z"), 60), text);
	assert_string_equal(text, "1w");
	for (uint64_t n = 1; n < 3; n++) {
		int64_t us = interval_choose(TIMESTAMP_MIN_US, TIMESTAMP_MAX_US + 1, n);

		assert_true(interval_count(us, TIMESTAMP_MIN_US, TIMESTAMP_MAX_US + 1) <= 2);
	}
}

/* ---- against the twin ---- */

static struct naive_values values;

static void count_record(const struct naive *n, uint32_t i, const struct histogram_request *r,
			 const struct histogram_answer *a, uint64_t *count, uint64_t *split)
{
	uint32_t bucket = (uint32_t)((naive_time(n, i) - a->first_us) / a->interval_us), classes = 0;
	const struct facet *f = &a->split.facet[0];

	assert_true(naive_time(n, i) >= a->first_us && bucket < a->bucket_count);
	count[bucket]++;
	if (!r->split)
		return;
	naive_values(n, i, r->split->field[0].path, &values);
	for (uint32_t k = 0; k < values.count; k++) {
		uint32_t class = 0;

		while (class < f->value_count && !span_eq(f->value[class].text, values.value[k].text))
			class ++;
		classes |= 1u << class;
	}
	for (uint32_t class = 0; class <= f->value_count; class ++)
		split[bucket * (f->value_count + 1) + class] += classes >> class & 1;
}

static void check_request(const struct world *w, const struct naive *n, const struct histogram_request *r)
{
	struct histogram_answer a = HISTOGRAM_ANSWER_INIT;
	struct err err = ERR_INIT;
	uint64_t *count, *split, total = 0;
	uint32_t classes;

	if (histogram__run(&w->source, r, &a, &err) < 0)
		fail_msg("%s", err.message);
	assert_true(a.bucket_count <= (r->interval_us ? HISTOGRAM_BUCKETS_MAX : r->buckets));
	assert_int_equal(interval_floor(a.interval_us, a.first_us), a.first_us);
	classes = r->split ? a.split.facet[0].value_count + 1 : 1;
	count = xarray(a.bucket_count + 1, sizeof(*count));
	split = xarray((size_t)a.bucket_count * classes + 1, sizeof(*split));
	for (uint32_t i = 0; i < n->count; i++) {
		if (!naive_is_wanted(n, i, r->query, r->from_us, r->to_us))
			continue;
		count_record(n, i, r, &a, count, split);
		total++;
	}
	assert_true(a.tally.total_exact);
	assert_int_equal(a.tally.total, total);
	assert_memory_equal(a.count, count, a.bucket_count * sizeof(*count));
	if (r->split)
		assert_memory_equal(a.split_count, split, (size_t)a.bucket_count * classes * sizeof(*split));
	free(count);
	free(split);
	histogram_answer_release(&a);
}

static void random_request(struct world *w, struct rng *rng, struct histogram_request *r, struct field_list *split)
{
	static const int64_t intervals[] = {1, 2, 60, 3600, 604800};
	struct buf text = BUF_INIT;

	r->from_us =
		rng_below(rng, 3) ? INT64_MIN : WORLD_TIME_US + (int64_t)(w->first + rng_below(rng, w->count)) * 1000;
	r->to_us =
		rng_below(rng, 3) ? INT64_MAX : WORLD_TIME_US + (int64_t)(w->first + rng_below(rng, w->count)) * 1000;
	r->interval_us = rng_below(rng, 2) ? 0 : intervals[rng_below(rng, 5)] * 1000000;
	r->buckets = 1 + (uint32_t)rng_below(rng, rng_below(rng, 2) ? 5 : 1000);
	do {
		buf_reset(&text);
		if (rng_below(rng, 2))
			world_field(w, &text);
		else
			buf_put_str(&text, rng_below(rng, 2) ? "actor.id" : "entity.parents");
	} while (field_list_parse(buf_span(&text), 1, split, NULL) < 0);
	r->split = rng_below(rng, 3) ? split : NULL;
	buf_release(&text);
}

static void check_world(struct rng *rng, uint64_t first, uint32_t count, uint32_t segmented, unsigned queries)
{
	struct buf text = BUF_INIT;
	struct naive n;
	struct world w;

	world_make(&w, rng, first, count, segmented);
	w.source.team = rng_below(rng, 2) ? team_start(2) : NULL;
	naive_init(&n, first, w.record, count);
	for (unsigned k = 0; k < queries; k++) {
		struct histogram_request r = {.interval_us = 0};
		struct field_list split;
		struct query *q = NULL;

		buf_reset(&text);
		if (rng_below(rng, 3))
			world_query(&w, &text);
		assert_int_equal(query_parse(buf_span(&text), WORLD_TIME_US, &q, NULL), 0);
		random_request(&w, rng, &r, &split);
		r.query = q;
		check_request(&w, &n, &r);
		field_list_release(&split);
		query_free(q);
	}
	buf_release(&text);
	naive_release(&n);
	team_stop(w.source.team);
	world_release(&w);
}

static void test_histogram__agrees_with_its_twin(void **state)
{
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (unsigned k = 0; k < 12; k++) {
		uint32_t count = 20 + (uint32_t)rng_below(&rng, k % 4 == 3 ? 9000 : 200);
		uint64_t first = k == 0 ? 0 : BLOCK_ROWS_MAX * (1 + rng_below(&rng, 1000)) - rng_below(&rng, count);

		check_world(&rng, first, count, (uint32_t)rng_below(&rng, count + 1), count > 1000 ? 6 : 60);
	}
}

/* ---- limits ---- */

static void test_histogram__has_a_limit_and_says_what_would_do(void **state)
{
	struct histogram_request r = {.interval_us = 1000000, .buckets = 60};
	struct histogram_answer a = HISTOGRAM_ANSWER_INIT;
	struct rng rng = seeded_rng(__func__);
	struct query *q = NULL;
	struct err err = ERR_INIT;
	struct world w;

	(void)state;
	world_make(&w, &rng, 0, 20, 10);
	assert_int_equal(query_parse(SPAN_LIT("*"), WORLD_TIME_US, &q, NULL), 0);
	r.query = q;
	r.from_us = us_of("2026-01-01T00:00:00Z");
	r.to_us = r.from_us + INT64_C(1000000) * HISTOGRAM_BUCKETS_MAX;
	assert_int_equal(histogram__run(&w.source, &r, &a, &err), 0);
	assert_int_equal(a.bucket_count, HISTOGRAM_BUCKETS_MAX);
	assert_int_equal(a.first_us, r.from_us);
	histogram_answer_release(&a);
	r.to_us++;
	assert_int_equal(histogram__run(&w.source, &r, &a, &err), E_INVALID);
	assert_non_null(strstr(err.message, "10000 buckets"));
	assert_non_null(strstr(err.message, "2s would do"));
	r.interval_us = 2000000;
	assert_int_equal(histogram__run(&w.source, &r, &a, &err), 0);
	histogram_answer_release(&a);
	query_free(q);
	world_release(&w);
}

static void test_histogram__of_nothing_has_the_buckets_asked_for(void **state)
{
	struct search_source nothing = {.size = 0};
	struct histogram_request r = {.from_us = INT64_MIN, .to_us = INT64_MAX, .buckets = 60};
	struct histogram_answer a = HISTOGRAM_ANSWER_INIT;
	struct query *q = NULL;

	(void)state;
	assert_int_equal(query_parse(SPAN_LIT("*"), WORLD_TIME_US, &q, NULL), 0);
	r.query = q;
	assert_int_equal(histogram__run(&nothing, &r, &a, NULL), 0);
	assert_int_equal(a.bucket_count, 0);
	histogram_answer_release(&a);
	r.from_us = us_of("2026-01-01T00:30:00Z");
	r.to_us = us_of("2026-01-01T03:30:00Z");
	r.interval_us = INT64_C(3600000000);
	assert_int_equal(histogram__run(&nothing, &r, &a, NULL), 0);
	assert_int_equal(a.bucket_count, 4);
	assert_int_equal(a.first_us, us_of("2026-01-01T00:00:00Z"));
	assert_int_equal(a.count[0] + a.count[3], 0);
	histogram_answer_release(&a);
	for (int is_from = 0; is_from < 2; is_from++) { /* one end alone: there is nothing that could be the other */
		r.from_us = is_from ? us_of("2026-01-01T00:30:00Z") : INT64_MIN;
		r.to_us = is_from ? INT64_MAX : us_of("2026-01-01T03:30:00Z");
		assert_int_equal(histogram__run(&nothing, &r, &a, NULL), 0);
		assert_int_equal(a.bucket_count, 0);
		histogram_answer_release(&a);
	}
	query_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_histogram__reads_intervals),
		cmocka_unit_test(test_histogram__aligns_buckets),
		cmocka_unit_test(test_histogram__chooses_round_intervals),
		cmocka_unit_test(test_histogram__agrees_with_its_twin),
		cmocka_unit_test(test_histogram__has_a_limit_and_says_what_would_do),
		cmocka_unit_test(test_histogram__of_nothing_has_the_buckets_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
