/* Pages in the order of a field against their slow twin, over random ledgers and random queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "base/mem.h"
#include "codec/token.h"
#include "naive_field.h"
#include "query/search_priv.h"
#include "world.h"

/* ---- the twin ---- */

enum kind { NUMBER, TEXT, NONE };

struct twin_key {
	uint64_t index;
	enum kind kind;
	long double number; /* 64 bits of mantissa: all integers of the world */
	struct buf folded, text;
};

static struct twin_key twin[10000];
static uint32_t twin_count;
static bool twin_ascends;
static struct naive_values values;

static void set_text(struct twin_key *k, struct span text)
{
	if (text.len > SORT_KEY_MAX) {
		text.len = SORT_KEY_MAX;
		while ((text.p[text.len] & 0xc0) == 0x80)
			text.len--;
	}
	k->kind = TEXT;
	buf_put_span(&k->text, text);
	token_fold(&k->folded, text);
}

static void set_key(struct twin_key *k, const struct naive *n, uint32_t i, const struct field *field)
{
	buf_reset(&k->folded);
	buf_reset(&k->text);
	k->index = n->first + i;
	k->kind = NONE;
	if (span_eq_str(field->path, "time")) {
		k->kind = NUMBER;
		k->number = (long double)naive_time(n, i);
		return;
	}
	naive_values(n, i, field->path, &values);
	if (values.count == 0)
		return;
	if (values.value[0].is_number) {
		char text[100] = "";

		memcpy(text, values.value[0].text.p, values.value[0].text.len);
		k->kind = NUMBER;
		k->number = strtold(text, NULL);
	} else {
		set_text(k, values.value[0].text);
	}
}

static int listed(const void *a, const void *b)
{
	const struct twin_key *x = a, *y = b;
	int c = 0;

	if (x->kind == NONE || y->kind == NONE) {
		if (x->kind != y->kind)
			return x->kind == NONE ? 1 : -1;
	} else if (x->kind != y->kind) {
		c = x->kind < y->kind ? -1 : 1;
	} else if (x->kind == NUMBER) {
		c = (x->number > y->number) - (x->number < y->number);
	} else {
		c = span_cmp(buf_span(&x->folded), buf_span(&y->folded));
		c = c ? c : span_cmp(buf_span(&x->text), buf_span(&y->text));
	}
	if (c == 0)
		c = (x->index > y->index) - (x->index < y->index);
	return twin_ascends ? c : -c;
}

static void make_twin(const struct naive *n, const struct search_request *r)
{
	twin_count = 0;
	twin_ascends = r->oldest_first;
	for (uint32_t i = 0; i < n->count; i++)
		if (n->first + i < r->size && naive_is_wanted(n, i, r->query, r->from_us, r->to_us))
			set_key(&twin[twin_count++], n, i, r->sort);
	qsort(twin, twin_count, sizeof(twin[0]), listed);
}

/* Where the page begins. */
static uint32_t twin_start(const struct naive *n, const struct search_request *r)
{
	static struct twin_key after;
	uint32_t k = 0;

	if (r->after == UINT64_MAX)
		return 0;
	set_key(&after, n, (uint32_t)(r->after - n->first), r->sort);
	while (k < twin_count && listed(&twin[k], &after) <= 0)
		k++;
	return k;
}

/* ---- one page ---- */

static void check_page(const struct world *w, const struct naive *n, const struct search_request *r,
		       const struct search_answer *a)
{
	uint32_t start = twin_start(n, r), left = twin_count - start;
	size_t at = 0;

	assert_int_equal(a->count, left < r->limit ? left : r->limit);
	assert_int_equal(a->more, left > r->limit);
	for (uint32_t k = 0; k < a->count; k++) {
		struct span record = w->record[a->index[k] - w->first];

		assert_int_equal(a->index[k], twin[start + k].index);
		assert_true(span_eq(span_of(a->events.p + at, a->len[k]), record));
		at += record.len;
	}
	assert_int_equal(a->events.len, at);
	if (r->total == SEARCH_TOTAL_EXACT)
		assert_true(a->total_exact);
	if (a->total_exact)
		assert_int_equal(a->total, twin_count);
	else if (r->total != SEARCH_TOTAL_NONE)
		assert_true(a->total <= twin_count && a->total >= a->count + a->more);
}

static void random_field(struct world *w, struct rng *rng, struct field *ret)
{
	static const char *const known[] = {"time",   "action", "actor.id",   "entity.parents",
					    "nosuch", "type",   "description"};
	struct buf text = BUF_INIT;

	if (rng_below(rng, 2))
		buf_put_str(&text, known[rng_below(rng, sizeof(known) / sizeof(known[0]))]);
	else
		world_field(w, &text);
	assert_int_equal(field_parse(buf_span(&text), ret, NULL), 0);
	buf_release(&text);
}

static void random_request(const struct world *w, struct rng *rng, struct search_request *r)
{
	*r = (struct search_request){.query = r->query, .sort = r->sort};
	r->from_us =
		rng_below(rng, 3) ? INT64_MIN : WORLD_TIME_US + (int64_t)(w->first + rng_below(rng, w->count)) * 1000;
	r->to_us =
		rng_below(rng, 3) ? INT64_MAX : WORLD_TIME_US + (int64_t)(w->first + rng_below(rng, w->count)) * 1000;
	r->oldest_first = rng_below(rng, 2);
	r->limit = (uint32_t)(rng_below(rng, 4) ? rng_below(rng, 20) + 1 : PAGE_MAX);
	r->size = rng_below(rng, 4) ? UINT64_MAX : w->first + rng_below(rng, w->count + 2);
	r->after = rng_below(rng, 3) ? UINT64_MAX : w->first + rng_below(rng, w->count);
	r->total = (enum search_total)rng_below(rng, 3);
}

static void run(const struct world *w, const struct search_request *r, struct search_answer *ret)
{
	struct err err = ERR_INIT;

	*ret = (struct search_answer)SEARCH_ANSWER_INIT;
	if (search__run(&w->source, r, ret, &err) < 0)
		fail_msg("%s", err.message);
}

/* Pages one behind the other give each match once, in order. */
static void check_pages(const struct world *w, const struct naive *n, struct rng *rng,
			const struct search_request *asked)
{
	struct search_request r = *asked;
	uint32_t seen = 0;
	bool more = true;

	r.after = UINT64_MAX;
	r.total = SEARCH_TOTAL_NONE;
	make_twin(n, &r);
	while (more) {
		struct search_answer a;

		r.limit = 1 + (uint32_t)rng_below(rng, 60);
		r.bytes_max = rng_below(rng, 2) ? 0 : 1 + rng_below(rng, 20000);
		run(w, &r, &a);
		assert_true(a.count > 0 || !a.more);
		for (uint32_t k = 0; k < a.count; k++)
			assert_int_equal(a.index[k], twin[seen++].index);
		more = a.more;
		if (a.count > 0)
			r.after = a.index[a.count - 1];
		search_answer_release(&a);
	}
	assert_int_equal(seen, twin_count);
}

static void check_query(struct world *w, const struct naive *n, struct rng *rng, const struct query *q)
{
	struct search_request r = {.query = q};
	struct search_answer a;
	struct field field;

	random_field(w, rng, &field);
	r.sort = &field;
	for (unsigned k = 0; k < 4; k++) {
		random_request(w, rng, &r);
		make_twin(n, &r);
		run(w, &r, &a);
		check_page(w, n, &r, &a);
		search_answer_release(&a);
	}
	check_pages(w, n, rng, &r);
	field_release(&field);
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
		struct query *q = NULL;

		buf_reset(&text);
		if (rng_below(rng, 3))
			world_query(&w, &text);
		assert_int_equal(query_parse(buf_span(&text), WORLD_TIME_US, &q, NULL), 0);
		check_query(&w, &n, rng, q);
		query_free(q);
	}
	buf_release(&text);
	naive_release(&n);
	team_stop(w.source.team);
	world_release(&w);
}

static void test_sort__agrees_with_its_twin(void **state)
{
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (unsigned k = 0; k < 12; k++) {
		uint32_t count = 20 + (uint32_t)rng_below(&rng, k % 4 == 3 ? 3000 : 200);
		uint64_t first = k == 0 ? 0 : BLOCK_ROWS_MAX * (1 + rng_below(&rng, 1000)) - rng_below(&rng, count);

		check_world(&rng, first, count, (uint32_t)rng_below(&rng, count + 1), count > 1000 ? 6 : 50);
	}
	for (size_t k = 0; k < sizeof(twin) / sizeof(twin[0]); k++) {
		buf_release(&twin[k].folded);
		buf_release(&twin[k].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort__agrees_with_its_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
