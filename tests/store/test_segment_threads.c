/* One segment, many readers: what is loaded on demand is loaded once and seen whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "segment_parts.h"

#define READERS 6

struct reader_thread {
	struct thread thread;
	const struct sample *sample;
	struct segment *segment;
	uint64_t seed;
	size_t wrong;
};

static size_t read_some(const struct sample *s, struct segment *segment, struct rng *r, struct buf *record)
{
	struct block *b = NULL;
	struct segment_merkle merkle;
	uint64_t blocks[SEGMENT_BLOCKS_MAX / 64];
	size_t wrong = 0;

	if (block_open(segment, (uint32_t)pick(r, segment_block_count(segment)), &b, NULL) < 0)
		return 1;
	for (int i = 0; i < 20; i++) {
		uint32_t row = (uint32_t)pick(r, b->info.rows);

		buf_reset(record);
		wrong += block_record(b, row, record, NULL) < 0 ||
			 !span_eq(buf_span(record), s->record[b->info.first - s->first + row]);
	}
	for (uint32_t c = 0; c < segment_column_count(segment); c++) {
		const struct block_values *v;

		wrong += block_values(b, c, &v, NULL) < 0;
	}
	wrong += segment_lookup(segment, token_hash(SPAN_LIT("create")), blocks, NULL) < 0 || blocks[0] == 0;
	wrong += segment_merkle_get(segment, &merkle, NULL) < 0;
	block_close(b);
	return wrong;
}

static void *run_reader(void *arg)
{
	struct reader_thread *t = arg;
	struct buf record = BUF_INIT;
	struct rng r;

	rng_init(&r, t->seed);
	for (int i = 0; i < 10; i++)
		t->wrong += read_some(t->sample, t->segment, &r, &record);
	buf_release(&record);
	segment_unref(t->segment);
	return NULL;
}

static void read_at_once(const struct sample *s, struct segment *segment, struct rng *r)
{
	struct reader_thread t[READERS];

	for (int k = 0; k < READERS; k++) {
		t[k] = (struct reader_thread){.sample = s, .segment = segment_ref(segment), .seed = rng_next(r)};
		thread_start(&t[k].thread, "reader", run_reader, &t[k]);
	}
	segment_unref(segment); /* the last reader closes it */
	for (int k = 0; k < READERS; k++) {
		thread_join(&t[k].thread);
		assert_int_equal(t[k].wrong, 0);
	}
}

static void test_segment__serves_many_threads(void **state)
{
	struct rng r = seeded_rng();
	struct sample s;

	(void)state;
	sample_start(&s, BLOCK_ROWS_MAX - 700);
	sample_events(&s, &r, 1500, 1);
	sample_number(&s, &r, 200);
	for (int round = 0; round < 4; round++) {
		struct merkle_frontier frontier = frontier_before(s.first);
		struct segment *part[3], *merged;

		part[0] = sample_build(&s, 0, 700, &frontier);
		part[1] = sample_build(&s, 700, 300, &frontier);
		part[2] = sample_build(&s, 1000, 500, &frontier);
		merged = merge_run(part, 3);
		for (int k = 0; k < 3; k++)
			segment_unref(part[k]);
		read_at_once(&s, merged, &r);
	}
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment__serves_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
