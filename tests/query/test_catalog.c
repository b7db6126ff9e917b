/* The list of fields against its slow twin, over random ledgers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "base/mem.h"
#include "naive_field.h"
#include "query/catalog.h"
#include "query/search_priv.h"
#include "world.h"

static struct naive_values values;
static struct span distinct[20000];

/* What is said of a field holds: exactly, or as a lower bound. */
static void check_field(const struct naive *n, const struct catalog_field *f)
{
	uint32_t distinct_count = 0;
	uint64_t records = 0;
	struct field field;

	assert_int_equal(field_parse(f->name, &field, NULL), 0);
	for (uint32_t i = 0; i < n->count; i++) {
		naive_values(n, i, field.path, &values);
		records += values.count > 0;
		for (uint32_t k = 0; k < values.count; k++) {
			uint32_t d = 0;

			while (d < distinct_count && !span_eq(distinct[d], values.value[k].text))
				d++;
			if (d == distinct_count)
				distinct[distinct_count++] = values.value[k].text;
			if (f->exact && values.value[k].is_number)
				assert_true(f->kinds & CATALOG_NUMBER);
		}
	}
	if (f->exact) {
		assert_int_equal(f->records, records);
		assert_int_equal(f->distinct, distinct_count);
	}
	assert_true(f->records <= records && f->distinct <= distinct_count);
	field_release(&field);
}

static const struct catalog_field *find(const struct catalog_answer *a, const char *name)
{
	for (uint32_t k = 0; k < a->count; k++)
		if (span_eq_str(a->field[k].name, name))
			return &a->field[k];
	return NULL;
}

static void check_world(struct rng *rng, uint32_t count, uint32_t segmented)
{
	struct catalog_answer a = CATALOG_ANSWER_INIT;
	uint64_t first = BLOCK_ROWS_MAX * (1 + rng_below(rng, 1000)) - rng_below(rng, count);
	struct err err = ERR_INIT;
	struct naive n;
	struct world w;

	world_make(&w, rng, first, count, segmented);
	naive_init(&n, first, w.record, count);
	if (catalog__run(&w.source, span_str(""), CATALOG_FIELDS_MAX, &a, &err) < 0)
		fail_msg("%s", err.message);
	for (uint32_t k = 0; k < a.count; k++)
		check_field(&n, &a.field[k]);
	assert_true(find(&a, "action")->kinds == CATALOG_STRING);
	assert_true(find(&a, "entity.parents")->kinds & CATALOG_ARRAY);
	assert_non_null(find(&a, "context.request_id"));
	assert_null(find(&a, "id"));
	assert_null(find(&a, "time"));
	if (segmented == 0)
		assert_true(find(&a, "context.request_id")->exact);
	catalog_answer_release(&a);
	naive_release(&n);
	world_release(&w);
}

static void test_catalog__agrees_with_its_twin(void **state)
{
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (unsigned k = 0; k < 12; k++) {
		uint32_t count = 20 + (uint32_t)rng_below(&rng, 100);

		check_world(&rng, count, k % 3 ? (uint32_t)rng_below(&rng, count + 1) : 0);
	}
}

/* Pages of the list by prefix and limit are parts of the whole, in its order. */
static void test_catalog__has_a_prefix_and_a_limit(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct catalog_answer all, some;
	struct world w;

	(void)state;
	world_make(&w, &rng, 0, 100, 50);
	assert_int_equal(catalog__run(&w.source, span_str(""), CATALOG_FIELDS_MAX, &all, NULL), 0);
	assert_false(all.more);
	assert_int_equal(catalog__run(&w.source, span_str("act"), CATALOG_FIELDS_MAX, &some, NULL), 0);
	assert_int_equal(some.count, 4); /* action, actor.id, actor.name, actor.type */
	assert_true(span_eq_str(some.field[0].name, "action") && span_eq_str(some.field[3].name, "actor.type"));
	catalog_answer_release(&some);
	assert_int_equal(catalog__run(&w.source, span_str("act"), 4, &some, NULL), 0);
	assert_false(some.more);
	catalog_answer_release(&some);
	assert_int_equal(catalog__run(&w.source, span_str("act"), 3, &some, NULL), 0);
	assert_int_equal(some.count, 3);
	assert_true(some.more);
	catalog_answer_release(&some);
	assert_int_equal(catalog__run(&w.source, span_str("nosuch"), 3, &some, NULL), 0);
	assert_int_equal(some.count, 0);
	catalog_answer_release(&some);
	catalog_answer_release(&all);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_catalog__agrees_with_its_twin),
		cmocka_unit_test(test_catalog__has_a_prefix_and_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
