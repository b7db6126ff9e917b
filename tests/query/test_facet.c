/* Facets against their slow twin, over random ledgers and random queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "base/mem.h"
#include "naive_field.h"
#include "query/facet.h"
#include "world.h"

/* ---- the twin ---- */

struct twin_value {
	struct span text;
	uint64_t count;
};

struct twin {
	struct twin_value value[20000];
	uint32_t count;
	uint64_t total, missing;
};
static struct twin twin; /* large */
static struct naive_values values;

static struct span cut(struct span text)
{
	if (text.len > FACET_VALUE_MAX) {
		text.len = FACET_VALUE_MAX;
		while ((text.p[text.len] & 0xc0) == 0x80)
			text.len--;
	}
	return text;
}

static void count_value(struct span text)
{
	uint32_t k = 0;

	while (k < twin.count && !span_eq(twin.value[k].text, text))
		k++;
	if (k == twin.count)
		twin.value[twin.count++] = (struct twin_value){text, 0};
	twin.value[k].count++;
}

static int by_count(const void *a, const void *b)
{
	const struct twin_value *x = a, *y = b;

	return x->count != y->count ? (x->count < y->count ? 1 : -1) : span_cmp(x->text, y->text);
}

static void make_twin(const struct naive *n, const struct facet_request *r, struct span path)
{
	twin.count = 0;
	twin.total = twin.missing = 0;
	for (uint32_t i = 0; i < n->count; i++) {
		if (!naive_is_wanted(n, i, r->query, r->from_us, r->to_us))
			continue;
		naive_values(n, i, path, &values);
		twin.total++;
		twin.missing += values.count == 0;
		for (uint32_t k = 0; k < values.count; k++) {
			bool is_new = true;

			for (uint32_t j = 0; j < k; j++)
				is_new = is_new && !span_eq(cut(values.value[j].text), cut(values.value[k].text));
			if (is_new)
				count_value(cut(values.value[k].text));
		}
	}
	qsort(twin.value, twin.count, sizeof(twin.value[0]), by_count);
}

static void check_facet(const struct facet *f, uint32_t limit)
{
	uint64_t other = 0;

	assert_true(f->exact);
	assert_int_equal(f->error, 0);
	assert_int_equal(f->distinct, twin.count);
	assert_int_equal(f->missing, twin.missing);
	assert_int_equal(f->value_count, twin.count < limit ? twin.count : limit);
	for (uint32_t k = 0; k < twin.count; k++) {
		if (k >= f->value_count) {
			other += twin.value[k].count;
			continue;
		}
		assert_int_equal(f->value[k].count, twin.value[k].count);
		assert_true(span_eq(f->value[k].text, twin.value[k].text));
	}
	assert_int_equal(f->other, other);
}

/* ---- random worlds ---- */

static struct query *parse(struct span text)
{
	struct query *q = NULL;
	struct err err = ERR_INIT;

	if (query_parse(text, WORLD_TIME_US, &q, &err) < 0)
		fail_msg("%s: %.*s", err.message, (int)text.len, (const char *)text.p);
	return q;
}

/* Some fields, each once: awkward ones and those every event has. */
static void random_fields(struct world *w, struct rng *rng, struct field_list *ret)
{
	static const char *const known[] = {"action",      "actor.id", "entity.parents", "actor",     "nosuch.field",
					    "description", "type",     "context.ip",     "attributes"};
	uint32_t wanted = 1 + (uint32_t)rng_below(rng, FIELDS_MAX);
	struct buf text = BUF_INIT, one = BUF_INIT;

	for (uint32_t tries = 0; tries < wanted; tries++) {
		struct field_list list;
		size_t before = text.len;

		buf_reset(&one);
		if (rng_below(rng, 2))
			buf_put_str(&one, known[rng_below(rng, sizeof(known) / sizeof(known[0]))]);
		else
			world_field(w, &one);
		if (text.len)
			buf_put_u8(&text, ',');
		buf_put_span(&text, buf_span(&one));
		if (field_list_parse(buf_span(&text), FIELDS_MAX, &list, NULL) < 0)
			text.len = before; /* it is there already */
		else
			field_list_release(&list);
	}
	assert_int_equal(field_list_parse(buf_span(&text), FIELDS_MAX, ret, NULL), 0);
	buf_release(&text);
	buf_release(&one);
}

static void check_request(struct world *w, const struct naive *n, const struct facet_request *r)
{
	struct facet_answer a = FACET_ANSWER_INIT;
	struct err err = ERR_INIT;

	if (facet__run(&w->source, r, &a, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(a.count, r->fields->count);
	for (uint32_t k = 0; k < a.count; k++) {
		make_twin(n, r, r->fields->field[k].path);
		assert_true(a.tally.total_exact);
		assert_int_equal(a.tally.total, twin.total);
		check_facet(&a.facet[k], r->limit);
	}
	facet_answer_release(&a);
}

static void random_period(const struct world *w, struct rng *rng, struct facet_request *r)
{
	r->from_us =
		rng_below(rng, 3) ? INT64_MIN : WORLD_TIME_US + (int64_t)(w->first + rng_below(rng, w->count)) * 1000;
	r->to_us =
		rng_below(rng, 3) ? INT64_MAX : WORLD_TIME_US + (int64_t)(w->first + rng_below(rng, w->count)) * 1000;
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
		struct facet_request r = {.limit = (uint32_t)rng_below(rng, 20) + (rng_below(rng, 4) ? 0 : 500)};
		struct field_list fields;
		struct query *q;

		buf_reset(&text);
		if (rng_below(rng, 3))
			world_query(&w, &text);
		q = parse(buf_span(&text));
		random_fields(&w, rng, &fields);
		r.query = q;
		r.fields = &fields;
		random_period(&w, rng, &r);
		check_request(&w, &n, &r);
		field_list_release(&fields);
		query_free(q);
	}
	buf_release(&text);
	naive_release(&n);
	team_stop(w.source.team);
	world_release(&w);
}

static void test_facet__agrees_with_its_twin(void **state)
{
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (unsigned k = 0; k < 12; k++) {
		uint32_t count = 20 + (uint32_t)rng_below(&rng, 200);
		uint64_t first = k == 0 ? 0 : BLOCK_ROWS_MAX * (1 + rng_below(&rng, 1000)) - rng_below(&rng, count);

		check_world(&rng, first, count, (uint32_t)rng_below(&rng, count + 1), 60);
	}
}

/* ---- limits ---- */

static struct facet_answer run(const struct world *w, const char *query, const char *fields, uint32_t values_max)
{
	struct facet_answer a = FACET_ANSWER_INIT;
	struct query *q = parse(span_str(query));
	struct field_list list;
	struct err err = ERR_INIT;

	assert_int_equal(field_list_parse(span_str(fields), FIELDS_MAX, &list, NULL), 0);
	struct facet_request r = {q, INT64_MIN, INT64_MAX, &list, 10, values_max, NULL};

	if (facet__run(&w->source, &r, &a, &err) < 0)
		fail_msg("%s", err.message);
	field_list_release(&list);
	query_free(q);
	return a;
}

/* Whole segments are counted without opening a block, what a query leaves is not. */
static void test_facet__opens_no_block_for_whole_segments(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct buf bytes = BUF_INIT;
	struct facet_answer a;
	struct world w;

	(void)state;
	world_make(&w, &rng, 0, 300, 0);
	for (uint32_t i = 0; i < w.count; i++) { /* none is stored whole */
		struct id_cipher *ids = id_cipher_new(world_id_key);

		id_cipher_encode(ids, i, 1, w.batch.bytes.p + w.batch.refs[i].off + w.batch.refs[i].id_off);
		id_cipher_free(ids);
	}
	world_segment_bytes(&w, 0, 300, &bytes);
	bytes.p[20] ^= 0x40; /* in the block's header */
	w.segment[0] = world_segment_open(&bytes);
	w.source.segment_count = 1;
	w.source.tail_count = 0;
	a = run(&w, "", "action,entity.parents", 0);
	assert_true(a.tally.total_exact && a.facet[0].exact);
	assert_int_equal(a.tally.total, 300);
	assert_int_equal(a.facet[0].value[0].count + a.facet[0].value[1].count, 300);
	assert_int_equal(a.facet[1].value[0].count, 300); /* org alpha */
	facet_answer_release(&a);
	a = run(&w, "actor.id:u-0", "action", 0);
	assert_false(a.tally.total_exact);
	assert_false(a.facet[0].exact);
	assert_int_equal(a.tally.gaps.count, 1);
	assert_int_equal(a.tally.gaps.gap[0].next, 300);
	assert_int_equal(a.tally.damage.code, E_CORRUPT);
	facet_answer_release(&a);
	world_release(&w);
}

/* At the limit all is exact; past it the rarest go, and the answer says by how much it may be off. */
static void test_facet__is_off_by_what_it_says_beyond_its_limit(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct facet_request r = {.from_us = INT64_MIN, .to_us = INT64_MAX};
	struct field_list fields;
	struct naive n;
	struct world w;

	(void)state;
	world_make(&w, &rng, 0, 2000, 1500);
	naive_init(&n, 0, w.record, w.count);
	assert_int_equal(field_list_parse(SPAN_LIT("entity.id"), 1, &fields, NULL), 0);
	r.query = parse(span_str(""));
	make_twin(&n, &r, fields.field[0].path);
	for (uint32_t max = 1; max <= twin.count; max++) {
		struct facet_answer a = run(&w, "", "entity.id", max);
		const struct facet *f = &a.facet[0];
		uint64_t listed = 0;

		assert_int_equal(f->exact, max == twin.count);
		assert_true(f->distinct <= twin.count && (f->exact ? f->distinct == twin.count : f->error > 0));
		for (uint32_t k = 0; k < f->value_count; k++) {
			uint32_t t = 0;

			while (!span_eq(twin.value[t].text, f->value[k].text))
				t++;
			assert_true(f->value[k].count <= twin.value[t].count);
			assert_true(f->value[k].count + f->error >= twin.value[t].count);
			listed += f->value[k].count;
		}
		assert_int_equal(listed + f->other, w.count);
		facet_answer_release(&a);
	}
	query_free((struct query *)(uintptr_t)r.query);
	field_list_release(&fields);
	naive_release(&n);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facet__agrees_with_its_twin),
		cmocka_unit_test(test_facet__opens_no_block_for_whole_segments),
		cmocka_unit_test(test_facet__is_off_by_what_it_says_beyond_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
