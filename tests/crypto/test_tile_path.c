#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/tile_path.h"
#include "sample.h"

static void check(const char *text, bool is_entries, unsigned level, uint64_t number, unsigned width)
{
	struct tile_path want = {is_entries, level, number, width};
	struct tile_path got = {0};
	struct buf b = BUF_INIT;

	tile_path_put(&b, &want);
	assert_true(buf_ok(&b) && span_eq_str(buf_span(&b), text));
	assert_true(b.len <= TILE_PATH_BYTES);
	assert_true(tile_path_parse(span_str(text), &got));
	assert_int_equal(got.is_entries, is_entries);
	assert_int_equal(got.level, level);
	assert_true(got.number == number);
	assert_int_equal(got.width, width);
	buf_release(&b);
}

static void test_tile_path__follows_c2sp(void **state)
{
	check("tile/0/000", false, 0, 0, 256);
	check("tile/0/255", false, 0, 255, 256);
	check("tile/0/x001/000", false, 0, 1000, 256);
	check("tile/0/x019/669", false, 0, 19669, 256);
	check("tile/1/x001/x234/067", false, 1, 1234067, 256);
	check("tile/63/999.p/255", false, 63, 999, 255);
	check("tile/2/000.p/1", false, 2, 0, 1);
	check("tile/entries/x001/x000/000", true, 0, 1000000, 256);
	check("tile/entries/273.p/112", true, 0, 273, 112);
	check("tile/0/x018/x446/x744/x073/x709/x551/615.p/255", false, 0, UINT64_MAX, 255);
}

static void test_tile_path__refuses_other_texts(void **state)
{
	static const char *const bad[] = {"",
					  "tile",
					  "tile/",
					  "tile/0",
					  "tile/0/",
					  "tile/0/0",
					  "tile/0/00",
					  "tile/0/0000",
					  "tile/0/1000",
					  "tile/00/000",
					  "tile/01/000",
					  "tile/64/000",
					  "tile/100/000",
					  "tile/-1/000",
					  "tile/x/000",
					  "/tile/0/000",
					  "tile/0/000/",
					  "tile/0/000 ",
					  "tile/0/x000/001",
					  "tile/0/x000/x001/001",
					  "tile/0/x001",
					  "tile/0/x001/",
					  "tile/0/x01/000",
					  "tile/0/001/000",
					  "tile/0/X001/000",
					  "tile/0/x001/x000",
					  "tile/0/000.p",
					  "tile/0/000.p/",
					  "tile/0/000.p/0",
					  "tile/0/000.p/01",
					  "tile/0/000.p/256",
					  "tile/0/000.p/1000",
					  "tile/0/000.p/1/",
					  "tile/0/000.q/1",
					  "tile/entries",
					  "tile/entries/",
					  "tile/entries/0/000",
					  "tile/0/entries/000",
					  "tile/0/x018/x446/x744/x073/x709/x551/616",
					  "tile/0/x999/x999/x999/x999/x999/x999/999"};
	struct tile_path t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(tile_path_parse(span_str(bad[i]), &t));
	assert_false(tile_path_parse(span_of("tile/0/000\0", 11), &t));
}

static void test_tile_path__gives_back_any_tile(void **state)
{
	struct rng r = seeded_rng();

	for (int i = 0; i < 10000; i++) {
		struct tile_path want = {.number = rng_next(&r) >> rng_next(&r) % 64, .width = 1 + rng_next(&r) % 256};
		struct buf b = BUF_INIT;
		struct tile_path got;

		want.is_entries = rng_next(&r) & 1;
		want.level = want.is_entries ? 0 : rng_next(&r) % 64;
		tile_path_put(&b, &want);
		assert_true(tile_path_parse(buf_span(&b), &got));
		assert_true(got.is_entries == want.is_entries && got.level == want.level && got.number == want.number &&
			    got.width == want.width);
		buf_release(&b);
	}
}

static void test_tile_path__knows_how_wide_a_tile_is(void **state)
{
	assert_int_equal(tile_width_at(0, 0, 0), 0);
	assert_int_equal(tile_width_at(0, 272, 70000), 256);
	assert_int_equal(tile_width_at(0, 273, 70000), 112);
	assert_int_equal(tile_width_at(0, 274, 70000), 0);
	assert_int_equal(tile_width_at(1, 0, 70000), 256);
	assert_int_equal(tile_width_at(1, 1, 70000), 17);
	assert_int_equal(tile_width_at(2, 0, 70000), 1);
	assert_int_equal(tile_width_at(3, 0, 70000), 0);
	assert_int_equal(tile_width_at(1, 0, 256), 1);
	assert_int_equal(tile_width_at(0, 4822, 1234567), 135);
	assert_int_equal(tile_width_at(1, 18, 1234567), 214);
	assert_int_equal(tile_width_at(2, 0, 1234567), 18);
	assert_int_equal(tile_width_at(63, 0, UINT64_MAX), 0);
	assert_int_equal(tile_width_at(7, 0, UINT64_MAX), 255);
	assert_int_equal(tile_width_at(0, UINT64_MAX, UINT64_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tile_path__follows_c2sp),
		cmocka_unit_test(test_tile_path__refuses_other_texts),
		cmocka_unit_test(test_tile_path__gives_back_any_tile),
		cmocka_unit_test(test_tile_path__knows_how_wide_a_tile_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
