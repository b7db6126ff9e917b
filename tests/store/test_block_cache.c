/* Opened blocks that are kept: bounded, given to one at a time, gone with their segment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "segment_parts.h"
#include "store/block_cache.h"

#define THREADS 6

struct fixture {
	struct rng r;
	struct sample sample;
	struct parts parts; /* short segments of one block each */
	struct block_cache *cache;
};

static void fixture_start(struct fixture *f, size_t bytes_max)
{
	struct merkle_frontier frontier = frontier_before(0);

	memset(&f->parts, 0, sizeof(f->parts));
	f->r = seeded_rng();
	f->cache = block_cache_new(bytes_max);
	sample_start(&f->sample, 0);
	sample_events(&f->sample, &f->r, 1500, 2);
	sample_number(&f->sample, &f->r, 0);
	for (size_t at = 0; at < 1500; at += 300) {
		struct segment *s = sample_build(&f->sample, at, 300, &frontier);

		segment_use_cache(s, f->cache);
		f->parts.segment[f->parts.count++] = s;
	}
}

static void fixture_release(struct fixture *f)
{
	struct block_cache_figures figures;

	for (size_t k = 0; k < f->parts.count; k++)
		segment_unref(f->parts.segment[k]);
	block_cache_figures(f->cache, &figures);
	assert_int_equal(figures.bytes, 0);
	assert_null(block_cache_free(f->cache));
	sample_release(&f->sample);
}

static struct block_cache_figures figures_of(const struct fixture *f)
{
	struct block_cache_figures figures;

	block_cache_figures(f->cache, &figures);
	return figures;
}

static void check_one_record(const struct sample *s, struct block *b, uint32_t row)
{
	struct buf record = BUF_INIT;

	assert_int_equal(block_record(b, row, &record, NULL), 0);
	assert_true(span_eq(buf_span(&record), s->record[b->info.first - s->first + row]));
	buf_release(&record);
}

static void test_block_cache__gives_back_what_was_read(void **state)
{
	struct fixture f;
	struct block *b, *again, *other;

	(void)state;
	fixture_start(&f, BLOCK_CACHE_BYTES);
	b = sample_open_block(f.parts.segment[1], 0);
	check_block_records(&f.sample, b);
	check_block_columns(&f.sample, b);
	block_close(b);
	assert_true(figures_of(&f).bytes > 300 * 16);
	assert_int_equal(figures_of(&f).misses, 1);
	again = sample_open_block(f.parts.segment[1], 0);
	assert_ptr_equal(again, b);
	assert_int_equal(figures_of(&f).hits, 1);
	assert_int_equal(figures_of(&f).bytes, 0);
	other = sample_open_block(f.parts.segment[1], 0); /* it is in use */
	assert_ptr_not_equal(other, again);
	check_block_records(&f.sample, again);
	check_block_columns(&f.sample, again);
	check_block_records(&f.sample, other);
	block_close(again);
	block_close(other);
	fixture_release(&f);
}

/* All blocks of a number of segments are opened in turn: with a byte less than they take, the one needed next is always
 * the one that is gone. */
static void test_block_cache__frees_what_was_unused_longest(void **state)
{
	static struct segment *many[2 * BLOCK_CACHE_SHARE];
	struct merkle_frontier frontier = frontier_before(0);
	struct block_cache *cache[2] = {NULL, NULL};
	struct block_cache_figures figures = {0};
	struct fixture f;

	(void)state;
	fixture_start(&f, BLOCK_CACHE_BYTES);
	for (int is_less = 0; is_less < 2; is_less++) {
		cache[is_less] = block_cache_new((size_t)figures.bytes - (size_t)is_less);
		for (size_t k = 0; k < 2 * BLOCK_CACHE_SHARE; k++) {
			struct merkle_frontier before = frontier;

			many[k] = sample_build(&f.sample, 0, 256, &before);
			segment_use_cache(many[k], is_less ? cache[1] : f.cache);
		}
		for (size_t k = 0; k < 4 * BLOCK_CACHE_SHARE; k++)
			block_close(sample_open_block(many[k % (2 * BLOCK_CACHE_SHARE)], 0));
		block_cache_figures(is_less ? cache[1] : f.cache, &figures);
		assert_int_equal(figures.hits, is_less ? 0 : 2 * BLOCK_CACHE_SHARE);
		for (size_t k = 0; k < 2 * BLOCK_CACHE_SHARE; k++)
			segment_unref(many[k]);
		block_cache_free(cache[is_less]);
	}
	fixture_release(&f);
}

static void test_block_cache__keeps_within_its_bytes(void **state)
{
	struct fixture f;

	(void)state;
	fixture_start(&f, 64u << 10);
	for (uint32_t k = 0; k < 200; k++) {
		struct block *b = sample_open_block(f.parts.segment[pick(&f.r, 5)], 0);

		if (pick(&f.r, 2))
			check_one_record(&f.sample, b, (uint32_t)pick(&f.r, 300));
		block_close(b);
		assert_true(figures_of(&f).bytes <= 64u << 10);
	}
	fixture_release(&f);
	fixture_start(&f, 1000); /* each is too large */
	block_close(sample_open_block(f.parts.segment[0], 0));
	block_close(sample_open_block(f.parts.segment[0], 0));
	assert_int_equal(figures_of(&f).hits, 0);
	assert_int_equal(figures_of(&f).bytes, 0);
	fixture_release(&f);
}

static void test_block_cache__lets_go_of_closed_segments(void **state)
{
	struct fixture f;
	uint64_t all;

	(void)state;
	fixture_start(&f, BLOCK_CACHE_BYTES);
	for (size_t k = 0; k < 5; k++)
		block_close(sample_open_block(f.parts.segment[k], 0));
	all = figures_of(&f).bytes;
	f.parts.segment[2] = segment_unref(f.parts.segment[2]);
	assert_true(figures_of(&f).bytes < all && figures_of(&f).bytes > 0);
	fixture_release(&f);
}

/* A block may outlive everybody else's references to its segment. */
static void test_block_cache__closes_a_segment_with_its_last_block(void **state)
{
	struct fixture f;
	struct block *b;

	(void)state;
	fixture_start(&f, BLOCK_CACHE_BYTES);
	b = sample_open_block(f.parts.segment[0], 0);
	f.parts.segment[0] = segment_unref(f.parts.segment[0]);
	check_one_record(&f.sample, b, 7);
	block_close(b);
	assert_int_equal(figures_of(&f).bytes, 0);
	fixture_release(&f);
}

/* ---- threads ---- */

struct worker {
	struct thread thread;
	struct fixture *f;
	struct rng r;
	struct segment *segment[5];
	size_t wrong;
};

static void *run_worker(void *arg)
{
	struct worker *w = arg;
	struct buf record = BUF_INIT;

	for (int i = 0; i < 300; i++) {
		struct segment *s = w->segment[pick(&w->r, 5)];
		struct block *b = NULL;
		uint32_t row = (uint32_t)pick(&w->r, 300);

		buf_reset(&record);
		w->wrong += block_open(s, 0, &b, NULL) < 0 || block_record(b, row, &record, NULL) < 0 ||
			    !span_eq(buf_span(&record), w->f->sample.record[segment_first(s) + row]);
		block_close(b);
	}
	for (size_t k = 0; k < 5; k++)
		segment_unref(w->segment[k]);
	buf_release(&record);
	return NULL;
}

/* Segments close while others push their blocks out. */
static void test_block_cache__serves_many_threads(void **state)
{
	static const size_t sizes[] = {BLOCK_CACHE_BYTES, 1u << 20, 400u << 10};

	(void)state;
	for (size_t size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++) {
		struct worker w[THREADS];
		struct fixture f;

		fixture_start(&f, sizes[size]);
		for (int t = 0; t < THREADS; t++) {
			w[t] = (struct worker){.f = &f};
			rng_init(&w[t].r, rng_next(&f.r));
			for (size_t k = 0; k < 5; k++)
				w[t].segment[k] = segment_ref(f.parts.segment[k]);
		}
		for (int t = 0; t < THREADS; t++)
			thread_start(&w[t].thread, "worker", run_worker, &w[t]);
		for (size_t k = 0; k < 5; k++)
			f.parts.segment[k] = segment_unref(f.parts.segment[k]); /* the last worker closes them */
		for (int t = 0; t < THREADS; t++) {
			thread_join(&w[t].thread);
			assert_int_equal(w[t].wrong, 0);
		}
		fixture_release(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block_cache__gives_back_what_was_read),
		cmocka_unit_test(test_block_cache__frees_what_was_unused_longest),
		cmocka_unit_test(test_block_cache__keeps_within_its_bytes),
		cmocka_unit_test(test_block_cache__lets_go_of_closed_segments),
		cmocka_unit_test(test_block_cache__closes_a_segment_with_its_last_block),
		cmocka_unit_test(test_block_cache__serves_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
