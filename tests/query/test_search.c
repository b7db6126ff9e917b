/* The search against its slow twin, over random ledgers and random queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "base/mem.h"
#include "naive.h"
#include "query/search_stream.h"
#include "world.h"

static struct naive_answer twin; /* large */

static void random_request(struct world *w, struct rng *rng, struct search_request *r)
{
	uint64_t span = w->count;

	r->from_us = rng_below(rng, 3) ? INT64_MIN : WORLD_TIME_US + (int64_t)(w->first + rng_below(rng, span)) * 1000;
	r->to_us = rng_below(rng, 3) ? INT64_MAX : WORLD_TIME_US + (int64_t)(w->first + rng_below(rng, span)) * 1000;
	r->oldest_first = rng_below(rng, 2);
	r->limit = (uint32_t)(rng_below(rng, 4) ? rng_below(rng, 20) : PAGE_MAX);
	r->size = rng_below(rng, 4) ? UINT64_MAX : w->first + rng_below(rng, span + 2);
	r->after = rng_below(rng, 3) ? UINT64_MAX : w->first + rng_below(rng, span + 2);
	r->total = (enum search_total)rng_below(rng, 3);
}

static void check_page(const struct world *w, const struct search_answer *a)
{
	size_t at = 0;

	assert_int_equal(a->count, twin.count);
	for (uint32_t k = 0; k < a->count; k++) {
		struct span record = w->record[a->index[k] - w->first];

		assert_int_equal(a->index[k], twin.index[k]);
		assert_int_equal(a->len[k], record.len);
		assert_memory_equal(a->events.p + at, record.p, record.len);
		at += record.len;
	}
	assert_int_equal(a->events.len, at);
	assert_int_equal(a->more, twin.more);
}

static void check_total(const struct search_request *r, const struct search_answer *a)
{
	switch (r->total) {
	case SEARCH_TOTAL_NONE:
		assert_false(a->total_exact);
		assert_int_equal(a->total, 0);
		return;
	case SEARCH_TOTAL_EXACT:
		assert_true(a->total_exact);
		break;
	default:
		assert_true(a->total >= a->count + a->more && a->total <= twin.total);
		break;
	}
	if (a->total_exact)
		assert_int_equal(a->total, twin.total);
}

static bool is_same_tree(const struct query_node *a, const struct query_node *b)
{
	if (a->kind != b->kind || a->child_count != b->child_count || !span_eq(a->path, b->path) ||
	    a->word_count != b->word_count || a->from_us != b->from_us || a->to_us != b->to_us ||
	    (a->kind == QUERY_REGEX && !span_eq(a->value, b->value)) || a->last_is_prefix != b->last_is_prefix ||
	    !span_eq(a->form, b->form) || !span_eq(a->needle, b->needle) ||
	    (a->kind == QUERY_EXACT && !span_eq(a->value, b->value)))
		return false;
	for (uint32_t k = 0; k < a->word_count; k++)
		if (!span_eq(a->word[k], b->word[k]))
			return false;
	for (uint32_t k = 0; k < a->child_count; k++)
		if (!is_same_tree(a->child[k], b->child[k]))
			return false;
	return true;
}

static void check_print(const struct query *q)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct query *again = NULL;
	struct err err = ERR_INIT;

	query_print(q, &once);
	if (query_parse(buf_span(&once), WORLD_TIME_US, &again, &err) < 0)
		fail_msg("%s: %.*s", err.message, (int)once.len, (const char *)once.p);
	assert_true(is_same_tree(query_root(q), query_root(again)));
	query_print(again, &twice);
	assert_true(span_eq(buf_span(&once), buf_span(&twice)));
	query_free(again);
	buf_release(&once);
	buf_release(&twice);
}

static unsigned found[QUERY_TIMES + 1], missed[QUERY_TIMES + 1]; /* records, by the kind of leaf */

/* What a record means is the same to the walker and to the twin, for every part of the tree. */
static void check_meaning(const struct world *w, const struct naive *n, const struct query_node *node)
{
	for (uint32_t k = 0; k < node->child_count; k++)
		check_meaning(w, n, node->child[k]);
	for (uint32_t i = 0; i < w->count; i++) {
		bool yes = naive_matches(node, n->doc[i]);

		if (query_matches(node, w->record[i]) != yes)
			fail_msg("a part of kind %d (%.*s) on %.*s", node->kind, (int)node->value.len,
				 (const char *)node->value.p, (int)w->record[i].len, (const char *)w->record[i].p);
		*(yes ? &found[node->kind] : &missed[node->kind]) += 1;
	}
}

/* All matches in order, some at a time. */
static void check_stream(const struct world *w, const struct naive *n, struct rng *rng,
			 const struct search_request *asked)
{
	struct search_request r = *asked;
	struct search_stream *x = search_stream__open(&w->source, &r);
	struct search_answer a = SEARCH_ANSWER_INIT;
	uint64_t passed, all;
	uint32_t seen = 0;

	r.limit = PAGE_MAX;
	naive_search(n, &r, &twin);
	do {
		size_t at = 0;

		assert_int_equal(search_stream_next(x, 1 + rng_below(rng, 20000), &a, NULL), 0);
		for (uint32_t k = 0; k < a.count; k++) {
			struct span record = w->record[a.index[k] - w->first];

			assert_int_equal(a.index[k], twin.index[seen++]);
			assert_true(span_eq(span_of(a.events.p + at, a.len[k]), record));
			at += record.len;
		}
		search_stream_progress(x, &passed, &all);
		assert_true(passed <= all && (a.count > 0 || passed == all));
	} while (a.count > 0);
	assert_int_equal(seen, twin.count);
	search_answer_release(&a);
	search_stream_close(x);
}

static void check_query(struct world *w, const struct naive *n, struct rng *rng, struct span text, unsigned requests)
{
	struct search_request r = {0};
	struct search_answer a;
	struct query *q = NULL;
	struct err err = ERR_INIT;

	if (query_parse(text, WORLD_TIME_US, &q, &err) < 0)
		fail_msg("%s: %.*s", err.message, (int)text.len, (const char *)text.p);
	check_print(q);
	check_meaning(w, n, query_root(q));
	for (unsigned k = 0; k < requests; k++) {
		random_request(w, rng, &r);
		r.query = q;
		a = (struct search_answer)SEARCH_ANSWER_INIT;
		naive_search(n, &r, &twin);
		if (search__run(&w->source, &r, &a, &err) < 0)
			fail_msg("%s", err.message);
		check_page(w, &a);
		check_total(&r, &a);
		search_answer_release(&a);
		check_stream(w, n, rng, &r);
	}
	query_free(q);
}

static void check_world(struct rng *rng, uint64_t first, uint32_t count, uint32_t segmented, unsigned queries)
{
	struct world w;
	struct naive n;
	struct buf text = BUF_INIT;

	world_make(&w, rng, first, count, segmented);
	w.source.team = rng_below(rng, 2) ? team_start(2) : NULL;
	naive_init(&n, first, w.record, count);
	for (unsigned k = 0; k < queries; k++) {
		buf_reset(&text);
		world_query(&w, &text);
		if (getenv("STELE_SHOW"))
			printf("%.*s\n", (int)text.len, (const char *)text.p);
		check_query(&w, &n, rng, buf_span(&text), 3);
	}
	buf_release(&text);
	naive_release(&n);
	team_stop(w.source.team);
	world_release(&w);
}

/* Small ledgers that begin anywhere, also short of where blocks of merged segments end, so that they have several. */
static void test_search__agrees_with_its_twin(void **state)
{
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (unsigned k = 0; k < 10; k++) {
		uint32_t count = 20 + (uint32_t)rng_below(&rng, 200);
		uint64_t first = k == 0 ? 0 : BLOCK_ROWS_MAX * (1 + rng_below(&rng, 1000)) - rng_below(&rng, count);

		check_world(&rng, first, count, (uint32_t)rng_below(&rng, count + 1), 80);
	}
	for (int kind = QUERY_PHRASE; kind <= QUERY_TIMES; kind++) {
		if (getenv("STELE_SHOW"))
			printf("kind %d: %u records match, %u do not\n", kind, found[kind], missed[kind]);
		assert_true(found[kind] > 0 && missed[kind] > 0);
	}
}

/* ---- a ledger of several full blocks ---- */

static struct query *parse(const char *text)
{
	struct query *q = NULL;

	assert_int_equal(query_parse(span_str(text), WORLD_TIME_US, &q, NULL), 0);
	return q;
}

static struct search_request request_of(const struct query *q, uint32_t limit, enum search_total total)
{
	return (struct search_request){q, INT64_MIN, INT64_MAX, false, limit, UINT64_MAX, UINT64_MAX, total};
}

static struct search_answer run(const struct world *w, const struct search_request *r)
{
	struct search_answer a = SEARCH_ANSWER_INIT;
	struct err err = ERR_INIT;

	if (search__run(&w->source, r, &a, &err) < 0)
		fail_msg("%s", err.message);
	return a;
}

/* Three full blocks, merged by chance, and a tail. */
static void make_large(struct world *w, struct rng *rng)
{
	world_make(w, rng, 0, 3 * BLOCK_ROWS_MAX + 100, 3 * BLOCK_ROWS_MAX);
}

/* The request id of a record, which is unique, as a query. */
static void put_request_id(const struct world *w, uint32_t i, struct buf *to)
{
	static const char name[] = "\"request_id\":\"";
	const uint8_t *at = memmem(w->record[i].p, w->record[i].len, name, sizeof(name) - 1);

	buf_put_str(to, "context.request_id:");
	buf_put(to, at + sizeof(name) - 1, 32);
	buf_put_u8(to, 0);
}

static void test_search__reads_one_block_for_a_rare_value(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct buf text = BUF_INIT;
	struct search_request r;
	struct search_answer a;
	struct query *q;
	struct world w;

	(void)state;
	make_large(&w, &rng);
	put_request_id(&w, 20000, &text);
	q = parse((const char *)text.p);
	r = request_of(q, 10, SEARCH_TOTAL_EXACT);
	a = run(&w, &r);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.index[0], 20000);
	assert_int_equal(a.total, 1);
	assert_true(a.figures.blocks >= 3);
	assert_true(a.figures.blocks - a.figures.blocks_pruned <= 2); /* the index may name a block too many */
	assert_true(a.figures.rows_examined <= 100 + 2 * BLOCK_ROWS_MAX);
	search_answer_release(&a);
	query_free(q);
	buf_release(&text);
	world_release(&w);
}

static void test_search__counts_only_what_is_cheap(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct search_request r;
	struct search_answer a;
	struct query *all, *some;
	struct world w;

	(void)state;
	make_large(&w, &rng);
	all = parse("*");
	some = parse("context.request_id:/[0-9a-f]|x/"); /* each value is another: all must be looked at */
	r = request_of(all, 10, SEARCH_TOTAL_CHEAP);
	a = run(&w, &r);
	assert_true(a.total_exact);
	assert_int_equal(a.total, w.count);
	assert_int_equal(a.figures.rows_examined, 0);
	search_answer_release(&a);
	r = request_of(some, 110, SEARCH_TOTAL_CHEAP);
	a = run(&w, &r);
	assert_int_equal(a.count, 110);
	assert_true(a.more && !a.total_exact && a.total > 110 && a.total < w.count);
	assert_true(a.figures.rows_examined < w.count);
	search_answer_release(&a);
	r.total = SEARCH_TOTAL_EXACT;
	a = run(&w, &r);
	assert_true(a.total_exact);
	assert_int_equal(a.total, w.count);
	search_answer_release(&a);
	query_free(all);
	query_free(some);
	world_release(&w);
}

/* Pages behind one another give each match once, in order, while the ledger is seen at one size. */
static void check_pages(const struct world *w, struct search_request *r)
{
	uint32_t limit = r->limit, seen = 0;
	struct search_answer whole;
	bool more = true;

	r->limit = PAGE_MAX;
	whole = run(w, r);
	r->limit = limit;
	while (more) {
		struct search_answer a = run(w, r);

		more = a.more;
		for (uint32_t k = 0; k < a.count; k++)
			assert_int_equal(a.index[k], whole.index[seen + k]);
		seen += a.count;
		assert_true(!more || a.count == limit);
		if (a.count)
			r->after = a.index[a.count - 1];
		search_answer_release(&a);
	}
	assert_int_equal(seen, whole.count);
	search_answer_release(&whole);
}

static void test_search__pages_give_each_match_once(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct query *q = parse("actor.id:u-3 OR entity.id:=role-7");
	struct world w;

	(void)state;
	world_make(&w, &rng, 3 * BLOCK_ROWS_MAX - 700, 1500, 1300);
	for (int oldest = 0; oldest < 2; oldest++) {
		struct search_request r = request_of(q, 7, SEARCH_TOTAL_NONE);

		r.oldest_first = oldest;
		r.size = w.first + w.count - 50;
		check_pages(&w, &r);
	}
	query_free(q);
	world_release(&w);
}

/* What is damaged and must be read is left out and listed; what need not be read does no harm. */
static void test_search__reads_around_damage(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct search_answer a = SEARCH_ANSWER_INIT;
	struct query *rare = parse("nosuchword"), *frequent = parse("entity.type:role");
	struct search_request r = request_of(frequent, 10, SEARCH_TOTAL_NONE);
	struct buf bytes = BUF_INIT;
	struct err err = ERR_INIT;
	struct world w;

	(void)state;
	world_make(&w, &rng, 0, 300, 0);
	world_segment_bytes(&w, 0, 200, &bytes);
	bytes.p[20] ^= 0x40; /* in the first block's header */
	w.segment[0] = world_segment_open(&bytes);
	w.source.segment_count = 1;
	w.tail[0] = (struct snapshot_tail){200, 100, w.record + 200};
	w.source.tail_count = 1;
	assert_int_equal(search__run(&w.source, &r, &a, &err), 0);
	assert_int_equal(a.count, 10); /* of the tail */
	assert_int_equal(a.gaps.count, 0);
	search_answer_release(&a);
	r.limit = 101;
	r.total = SEARCH_TOTAL_EXACT;
	assert_int_equal(search__run(&w.source, &r, &a, &err), 0);
	assert_int_equal(a.count, 100);
	assert_int_equal(a.index[99], 200);
	assert_false(a.total_exact);
	assert_int_equal(a.gaps.count, 1);
	assert_int_equal(a.gaps.gap[0].first, 0);
	assert_int_equal(a.gaps.gap[0].next, 200);
	assert_int_equal(a.damage.code, E_CORRUPT);
	assert_string_equal(a.damage.field, "memory");
	search_answer_release(&a);
	r.query = rare;
	assert_int_equal(search__run(&w.source, &r, &a, &err), 0);
	assert_int_equal(a.count, 0);
	assert_true(a.total_exact);
	search_answer_release(&a);
	query_free(rare);
	query_free(frequent);
	world_release(&w);
}

/* The record's own time prunes blocks as `from` and `to` do. */
static void test_search__prunes_by_a_term_of_time(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct buf text = BUF_INIT;
	uint8_t from[TIMESTAMP_LEN], to[TIMESTAMP_LEN];
	struct search_request r;
	struct search_answer a;
	struct query *q;
	struct world w;

	(void)state;
	make_large(&w, &rng);
	timestamp_format(WORLD_TIME_US + 10000 * 1000, from);
	timestamp_format(WORLD_TIME_US + 10100 * 1000, to);
	buf_printf(&text, "time:[%.27s TO %.27s} entity.type:role%c", from, to, 0);
	q = parse((const char *)text.p);
	r = request_of(q, PAGE_MAX, SEARCH_TOTAL_EXACT);
	a = run(&w, &r);
	assert_true(a.count > 50 && a.total == a.count);
	assert_true(a.figures.blocks - a.figures.blocks_pruned <= 2);
	assert_true(a.figures.rows_examined <= BLOCK_ROWS_MAX + 100);
	search_answer_release(&a);
	query_free(q);
	buf_release(&text);
	world_release(&w);
}

/* A regular expression that gives up ends the search, wherever the value is, and also where "no" would be an answer. */
static void test_search__tells_an_expression_that_gives_up(void **state)
{
	static const char *const queries[] = {"description:/^(\\w+\\W*)+[!%]$/", "-/^(\\w+\\W*)+[!%]$/"};
	struct rng rng = seeded_rng(__func__);

	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		struct query *q = parse(queries[k % 2]);
		struct search_request r = request_of(q, 10, (enum search_total)rng_below(&rng, 3));
		struct search_answer a = SEARCH_ANSWER_INIT;
		struct err err = ERR_INIT;
		struct world w;

		world_make(&w, &rng, 0, 200, k < 2 ? 200 : 0);
		assert_int_equal(search__run(&w.source, &r, &a, &err), E_TOO_LARGE);
		assert_non_null(strstr(err.message, "too many steps"));
		assert_int_equal(a.count, 0);
		query_free(q);
		world_release(&w);
	}
}

/* A search that has used up its time says so; a stream has no such end. */
static void test_search__ends_in_time(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct search_answer a = SEARCH_ANSWER_INIT;
	const char *const texts[] = {"nosuchword*", "/no|such|word/", "*"};
	struct search_stream *x;
	struct err err = ERR_INIT;
	struct world w;

	(void)state;
	world_make(&w, &rng, 0, 300, 200);
	w.source.deadline_ns = 1;
	for (size_t k = 0; k < 3; k++) {
		struct query *q = parse(texts[k]);
		struct search_request r = request_of(q, 10, SEARCH_TOTAL_EXACT);

		assert_int_equal(search__run(&w.source, &r, &a, &err), E_TIMEOUT);
		assert_non_null(strstr(err.message, "30 s"));
		assert_int_equal(a.count, 0);
		x = search_stream__open(&w.source, &r);
		assert_int_equal(search_stream_next(x, 1000, &a, &err), 0);
		search_stream_close(x);
		search_answer_release(&a);
		query_free(q);
	}
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search__agrees_with_its_twin),
		cmocka_unit_test(test_search__reads_one_block_for_a_rare_value),
		cmocka_unit_test(test_search__prunes_by_a_term_of_time),
		cmocka_unit_test(test_search__tells_an_expression_that_gives_up),
		cmocka_unit_test(test_search__counts_only_what_is_cheap),
		cmocka_unit_test(test_search__pages_give_each_match_once),
		cmocka_unit_test(test_search__reads_around_damage),
		cmocka_unit_test(test_search__ends_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
