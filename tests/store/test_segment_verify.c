/*
 * Checking a segment, alone and by a team, beside the naive twin: of whatever is wrong with it, all three tell the same
 * fault in the same words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/team.h"
#include "naive_verify.h"
#include "segment_parts.h"

#define ROWS    (2 * BLOCK_ROWS_MAX + 1500)
#define HELPERS 3
#ifdef __SANITIZE_THREAD__
#define ROUNDS 6 /* threads meet as often; what they find, the other trees try */
#else
#define ROUNDS 24
#endif

/* A segment of several blocks, some of which begin or end within a group of 256. */
struct world {
	struct rng r;
	struct sample sample;
	struct merkle_frontier before;
	struct buf bytes;
	struct team *team;
};

static void start(struct world *w)
{
	struct parts *p = xalloc(sizeof(*p));
	struct merkle_frontier frontier;
	size_t cut[3] = {0};

	*w = (struct world){.r = seeded_rng()};
	w->team = team_start(HELPERS);
	sample_start(&w->sample, pick(&w->r, 1000));
	sample_events(&w->sample, &w->r, ROWS, 2);
	sample_number(&w->sample, &w->r, 500);
	w->before = frontier = frontier_before(w->sample.first);
	cut[1] = 1 + pick(&w->r, 1400); /* then a full block, which is carried over as it is */
	cut[2] = cut[1] + BLOCK_ROWS_MAX;
	for (size_t k = 0; k < 3; k++)
		for (size_t at = cut[k], end = k < 2 ? cut[k + 1] : ROWS, n; at < end; at += n) {
			n = end - at < BLOCK_ROWS_MAX ? end - at : BLOCK_ROWS_MAX;
			p->segment[p->count++] = sample_build(&w->sample, at, n, &frontier);
		}
	assert_int_equal(segment_merge(p->segment, p->count, sample_key, &w->bytes, NULL), 0);
	for (size_t k = 0; k < p->count; k++)
		segment_unref(p->segment[k]);
	free(p);
}

static void stop(struct world *w)
{
	team_stop(w->team);
	buf_release(&w->bytes);
	sample_release(&w->sample);
}

static struct segment *open_copy(const struct world *w)
{
	struct buf copy = BUF_INIT;

	buf_put_span(&copy, buf_span(&w->bytes));
	return open_image(&copy);
}

/* Something that is wrong, of which nothing but a whole check can know. */
static void spoil(struct world *w, struct segment *s)
{
	struct segment_merkle merkle;
	struct segment_block_info *b = &s->block[pick(&w->r, s->block_count)];

	assert_int_equal(segment_merkle_get(s, &merkle, NULL), 0);
	switch (pick(&w->r, 5)) {
	case 0:
		s->groups[pick(&w->r, s->group_count)].b[pick(&w->r, SHA256_LEN)] ^= 1;
		break;
	case 1:
		b->time_max = b->time_min;
		break;
	case 2:
		s->frontier.node[__builtin_ctzll(s->frontier.size)].b[3] ^= 4;
		break;
	case 3: /* the chunks of the block do not fit the checksums in its header any more */
		((uint8_t *)(uintptr_t)segment__memory(s))[b->off + pick(&w->r, b->bytes)] ^= 1;
		break;
	default:
		break;
	}
}

static void compare(struct segment *s, const struct merkle_frontier *before, struct team *team, unsigned *ret_faults)
{
	struct err want = ERR_INIT, have = ERR_INIT;
	int rc = naive_verify(s, before, &want);

	assert_int_equal(segment_verify(s, before, team, &have), rc);
	assert_string_equal(have.message, want.message);
	assert_string_equal(have.field, want.field);
	assert_int_equal(have.position, want.position);
	assert_int_equal(have.offset, want.offset);
	*ret_faults += rc < 0;
}

static void test_segment_verify__tells_what_the_twin_tells(void **state)
{
	struct world w;
	unsigned faults = 0, blocks = 0;

	(void)state;
	start(&w);
	for (int round = 0; round < ROUNDS; round++) {
		struct segment *s = open_copy(&w);
		struct merkle_frontier before = w.before;
		unsigned spoilt = round < 2 ? (unsigned)round : (unsigned)pick(&w.r, 4); /* one of each at least */

		blocks = segment_block_count(s);
		for (unsigned k = 0; k < spoilt; k++)
			spoil(&w, s);
		if (round > 0 && pick(&w.r, 5) == 0 && before.size > 0)
			before.node[__builtin_ctzll(before.size)].b[0] ^= 1;
		compare(s, pick(&w.r, 4) ? &before : NULL, pick(&w.r, 4) ? w.team : NULL, &faults);
		segment_unref(s);
	}
	assert_true(blocks >= 3);
	assert_in_range(faults, 1, ROUNDS - 1);
	stop(&w);
}

/* Ends the check at the nth piece. */
struct pace {
	unsigned left;
	unsigned calls;
};

static int end_at(void *user, uint64_t bytes)
{
	struct pace *p = user;

	p->calls++;
	return p->left-- > 0 ? 0 : E_TIMEOUT;
}

static void test_segment_verify__ends_when_its_pace_says_so(void **state)
{
	struct pace all = {.left = 100000};
	struct err err = ERR_INIT;
	struct segment *s;
	struct world w;

	(void)state;
	start(&w);
	s = open_copy(&w);
	assert_int_equal(segment_verify_paced(s, &w.before, end_at, &all, &err), 0);
	for (unsigned n = 0; n < all.calls; n += 1 + all.calls / 5) {
		struct pace some = {.left = n};

		assert_int_equal(segment_verify_paced(s, &w.before, end_at, &some, &err), E_TIMEOUT);
		assert_int_equal(some.calls, n + 1);
	}
	segment_unref(s);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment_verify__tells_what_the_twin_tells),
		cmocka_unit_test(test_segment_verify__ends_when_its_pace_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
