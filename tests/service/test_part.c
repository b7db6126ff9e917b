/* Periods in parts, beside a twin that walks the list of what was appended; links and packed files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/clock.h"
#include "base/seed.h"
#include "base/thread.h"
#include "codec/record_path.h"
#include "service/link.h"
#include "service/pack.h"
#include "service/part.h"
#include "service/service_priv.h"
#include "world.h"

#define RECORDS   4000u
#define SECOND    INT64_C(1000000)
#define WIDTH     16u
#define ROUNDS    60
#define BATCH_MAX 200u

static struct world world;

/* What was appended, in order. */
static int64_t times[RECORDS], received[RECORDS];
static size_t count;

static int open_world(void **state)
{
	(void)state;
	count = 0;
	return world_open(&world);
}

static int close_world(void **state)
{
	(void)state;
	return world_close(&world);
}

static void append(struct span ndjson)
{
	struct world_appended a = world_append(&world, ndjson);

	for (uint64_t i = 0; i < a.count; i++)
		received[a.first + i] = a.received_us;
}

/* Appends records whose times go on slowly, some of them far from the others. */
static void append_some(struct rng *rng, size_t n)
{
	struct buf body = BUF_INIT;
	uint8_t text[TIMESTAMP_LEN];

	for (size_t i = 0; i < n; i++) {
		int64_t us = (int64_t)count * SECOND + (int64_t)rng_below(rng, 30 * SECOND);

		if (rng_below(rng, 50) == 0)
			us = (int64_t)rng_below(rng, RECORDS * SECOND);
		timestamp_format(us, text);
		buf_printf(&body, "{\"action\":\"x\",\"time\":\"%.*s\",\"entity\":{\"id\":\"%zu\"}}\n", TIMESTAMP_LEN,
			   (const char *)text, count);
		times[count++] = us;
	}
	append(buf_span(&body));
	buf_release(&body);
}

static int64_t time_of(const struct period *p, size_t i)
{
	return p->clock == PERIOD_RECEIVED ? received[i] : times[i];
}

static bool is_in(const struct period *p, size_t i)
{
	return time_of(p, i) >= p->from_us && time_of(p, i) < p->to_us;
}

/* The next number of the period from `at` on; `count` when there is none. */
static size_t next_of(const struct period *p, size_t at)
{
	while (at < count && !is_in(p, at))
		at++;
	return at;
}

static size_t number_of(struct span record)
{
	struct span json;

	assert_true(record_path_get(record,
				    SPAN_LIT("entity\x1f"
					     "id"),
				    &json));
	return strtoul((const char *)json.p + 1, NULL, 10);
}

/* Reads a part, whose records go on from *at as the twin has them. */
static void read_part(const struct period *p, const struct part *part, size_t *at, size_t bytes)
{
	struct search_answer a = SEARCH_ANSWER_INIT;
	struct part_reader *x = NULL;
	size_t n = 0;

	assert_int_equal(part_open(world.service, &world.who, p, part, &x, NULL), 0);
	for (;;) {
		size_t off = 0;

		assert_int_equal(part_next(x, bytes, &a, NULL), 0);
		if (a.count == 0)
			break;
		for (uint32_t i = 0; i < a.count; i++) {
			*at = next_of(p, *at);
			assert_int_equal(number_of(span_of(a.events.p + off, a.len[i])), *at);
			assert_in_range(*at, part->first, part->next - 1);
			off += a.len[i];
			++*at;
			n++;
		}
	}
	assert_true(n > 0);
	search_answer_release(&a);
	part_close(x);
}

static void check_parts(const struct period *p, const struct part_list *list, size_t bytes)
{
	uint64_t behind = 0;
	size_t at = 0;

	assert_in_range(list->count, 0, PARTS_MAX);
	for (size_t i = 0; i < list->count; i++) {
		assert_true(list->part[i].first >= behind);
		behind = list->part[i].next;
		read_part(p, &list->part[i], &at, bytes);
	}
	assert_int_equal(next_of(p, at), count); /* none is left */
}

static struct part_list parts_of(const struct period *p)
{
	struct part_list list;

	assert_int_equal(service_parts(world.service, &world.who, p, &list, NULL), 0);
	return list;
}

static struct period random_period(struct rng *rng)
{
	struct period p = {.ledger = LEDGER_MAIN, .width = WIDTH};
	size_t a = rng_below(rng, count), b = rng_below(rng, count);

	if (a > b) {
		size_t t = a;

		a = b;
		b = t;
	}
	p.clock = rng_below(rng, 3) == 0 ? PERIOD_RECEIVED : PERIOD_TIME;
	p.from_us = p.clock == PERIOD_RECEIVED ? received[a] : (int64_t)a * SECOND;
	p.to_us = p.clock == PERIOD_RECEIVED ? received[b] : (int64_t)b * SECOND;
	return p;
}

static void test_part__holds_each_record_of_a_period_once(void **state)
{
	struct rng rng = seeded_rng("part");

	while (count < RECORDS) {
		size_t left = RECORDS - count, n = 1 + rng_below(&rng, BATCH_MAX);

		append_some(&rng, n < left ? n : left);
	}
	for (int i = 0; i < ROUNDS; i++) {
		struct period p = random_period(&rng);
		struct part_list list;

		if (i == ROUNDS / 2)
			assert_int_equal(service_seal(world.service, NULL), 0);
		list = parts_of(&p);
		check_parts(&p, &list, 1 + rng_below(&rng, 20000));
	}
}

static void test_part__stays_the_same_while_records_arrive(void **state)
{
	struct rng rng = seeded_rng("part");
	struct period p = {.ledger = LEDGER_MAIN, .from_us = 100 * SECOND, .to_us = 300 * SECOND, .width = WIDTH};
	struct part_list before, after;

	append_some(&rng, 500);
	before = parts_of(&p);
	append_some(&rng, 64);
	after = parts_of(&p);
	assert_true(after.count >= before.count && before.count > 5);
	for (size_t i = 0; i + 1 < before.count; i++) {
		assert_int_equal(before.part[i].first, after.part[i].first);
		assert_int_equal(before.part[i].next, after.part[i].next);
		assert_int_equal(before.part[i].first % WIDTH, 0);
	}
}

static void test_part__of_nothing_is_none(void **state)
{
	struct period p = {.ledger = LEDGER_MAIN, .from_us = 0, .to_us = SECOND};

	assert_int_equal(parts_of(&p).count, 0);
	p.clock = PERIOD_RECEIVED;
	assert_int_equal(parts_of(&p).count, 0);
	p.ledger = LEDGER_SELF;
	assert_int_equal(parts_of(&p).count, 0);
}

/* ---- links ---- */

static int check_link(const struct principal *by, const char *text, int64_t expires_s, struct span signature)
{
	return service_link_check(world.service, by, span_str(text), expires_s, signature, NULL);
}

static void test_link__is_good_for_whom_it_was_given_to(void **state)
{
	int64_t soon_s = clock_wall_us() / SECOND + 60;
	struct buf signature = BUF_INIT, old = BUF_INIT;
	struct principal other_key = world.who, other_org = world.who;
	struct org org = *world.who.org;

	service_link_sign(world.service, &world.who, SPAN_LIT("a/b"), soon_s, &signature);
	assert_int_equal(signature.len, LINK_SIGNATURE_LEN);
	assert_int_equal(check_link(&world.who, "a/b", soon_s, buf_span(&signature)), 0);
	assert_int_equal(check_link(&world.who, "a/c", soon_s, buf_span(&signature)), E_FORBIDDEN);
	assert_int_equal(check_link(&world.who, "a/b", soon_s + 1, buf_span(&signature)), E_FORBIDDEN);
	assert_int_equal(check_link(&world.who, "a/b", soon_s, span_of(signature.p, signature.len - 1)), E_FORBIDDEN);
	assert_int_equal(check_link(&world.who, "a/b", soon_s, span_of(NULL, 0)), E_FORBIDDEN);
	other_key.id[0] ^= 1;
	assert_int_equal(check_link(&other_key, "a/b", soon_s, buf_span(&signature)), E_FORBIDDEN);
	org.control.org_key[0] ^= 1;
	other_org.org = &org;
	assert_int_equal(check_link(&other_org, "a/b", soon_s, buf_span(&signature)), E_FORBIDDEN);
	service_link_sign(world.service, &world.who, SPAN_LIT("a/b"), soon_s - 61, &old);
	assert_int_equal(check_link(&world.who, "a/b", soon_s - 61, buf_span(&old)), E_FORBIDDEN);
	for (size_t i = 0; i < signature.len * 8; i++) {
		signature.p[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_equal(check_link(&world.who, "a/b", soon_s, buf_span(&signature)), E_FORBIDDEN);
		signature.p[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	buf_release(&signature);
	buf_release(&old);
}

/* ---- packing ---- */

static void pack(enum pack_kind kind, struct span data, size_t piece, struct buf *to)
{
	struct pack *p = NULL;

	assert_int_equal(pack_open(kind, "a.txt", 1700000000, &p, NULL), 0);
	for (size_t at = 0; at < data.len; at += piece)
		assert_int_equal(
			pack_put(p, span_of(data.p + at, data.len - at < piece ? data.len - at : piece), to, NULL), 0);
	assert_int_equal(pack_end(p, to, NULL), 0);
	pack_close(p);
}

static void unpack(struct span packed, struct buf *to)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	char piece[1000];
	la_ssize_t n;

	archive_read_support_filter_gzip(a);
	archive_read_support_format_zip(a);
	archive_read_support_format_raw(a);
	assert_int_equal(archive_read_open_memory(a, packed.p, packed.len), ARCHIVE_OK);
	assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_OK);
	while ((n = archive_read_data(a, piece, sizeof(piece))) > 0)
		buf_put(to, piece, (size_t)n);
	assert_int_equal(n, 0);
	archive_read_free(a);
}

static void test_pack__gives_back_what_was_put_and_the_same_bytes_again(void **state)
{
	struct rng rng = seeded_rng("pack");
	struct buf data = BUF_INIT, one = BUF_INIT, other = BUF_INIT, back = BUF_INIT;

	for (int i = 0; i < 300000; i++)
		buf_put_u8(&data, (uint8_t)('a' + rng_below(&rng, 4)));
	for (int kind = PACK_GZIP; kind <= PACK_ZIP; kind++) {
		buf_reset(&one);
		buf_reset(&other);
		buf_reset(&back);
		pack((enum pack_kind)kind, buf_span(&data), 65536, &one);
		pack((enum pack_kind)kind, buf_span(&data), 65536, &other);
		assert_true(span_eq(buf_span(&one), buf_span(&other)));
		assert_true(one.len < data.len / 2);
		unpack(buf_span(&one), &back);
		assert_true(span_eq(buf_span(&back), buf_span(&data)));
	}
	buf_release(&data);
	buf_release(&one);
	buf_release(&other);
	buf_release(&back);
}

static void test_pack__may_be_broken_off(void **state)
{
	struct buf to = BUF_INIT;
	struct pack *p = NULL;

	for (int kind = PACK_GZIP; kind <= PACK_ZIP; kind++) {
		assert_int_equal(pack_open((enum pack_kind)kind, "a", 0, &p, NULL), 0);
		pack_close(p);
		assert_int_equal(pack_open((enum pack_kind)kind, "a", 0, &p, NULL), 0);
		assert_int_equal(pack_put(p, SPAN_LIT("abc"), &to, NULL), 0);
		pack_close(p);
	}
	assert_null(pack_close(NULL));
	buf_release(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_part__holds_each_record_of_a_period_once, open_world, close_world),
		cmocka_unit_test_setup_teardown(test_part__stays_the_same_while_records_arrive, open_world,
						close_world),
		cmocka_unit_test_setup_teardown(test_part__of_nothing_is_none, open_world, close_world),
		cmocka_unit_test_setup_teardown(test_link__is_good_for_whom_it_was_given_to, open_world, close_world),
		cmocka_unit_test(test_pack__gives_back_what_was_put_and_the_same_bytes_again),
		cmocka_unit_test(test_pack__may_be_broken_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
