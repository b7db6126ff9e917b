/* Objects in a folder and in memory: whole or not there, readable while they are deleted, nothing outside the folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "simdisk.h"
#include "store/object_priv.h"

static struct object_store *open_store(struct simdisk *sd)
{
	struct object_store *s = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(object_store_open_folder(simdisk_io(sd), "/segments", &s, &err), 0);
	return s;
}

static int put(struct object_store *s, const char *name, const char *text)
{
	struct span parts[2] = {span_of(text, 1), span_of(text + 1, strlen(text) - 1)};
	struct err err = ERR_INIT;

	return object_put(s, name, parts, 2, &err);
}

static void check_content(struct object_store *s, const char *name, const char *text)
{
	struct object *o = NULL;
	struct err err = ERR_INIT;
	uint8_t bytes[64];

	assert_int_equal(object_open(s, name, &o, &err), 0);
	assert_int_equal(object_size(o), strlen(text));
	assert_string_equal(object_name(o), name);
	assert_null(object_memory(o));
	assert_int_equal(object_read(o, 0, strlen(text), bytes, &err), 0);
	assert_memory_equal(bytes, text, strlen(text));
	object_close(o);
}

struct names {
	char text[4][OBJECT_NAME_MAX + 1];
	size_t count;
};

static int note_name(void *user, const char *name)
{
	struct names *n = user;

	assert_true(n->count < 4);
	assert_true(strlen(name) <= OBJECT_NAME_MAX);
	memcpy(n->text[n->count++], name, strlen(name) + 1);
	return 0;
}

static void test_object__gives_back_what_was_put(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct object_store *s = open_store(sd);
	struct names names = {.count = 0};
	struct err err = ERR_INIT;
	uint64_t size;

	assert_int_equal(put(s, "7/0-10.seg", "hello"), 0);
	check_content(s, "7/0-10.seg", "hello");
	assert_true(simdisk_is_durable(sd, "/segments/7/0-10.seg"));
	assert_int_equal(object_stat(s, "7/0-10.seg", &size, &err), 0);
	assert_int_equal(size, 5);
	assert_int_equal(object_list(s, "7", note_name, &names, &err), 0);
	assert_int_equal(names.count, 1);
	assert_string_equal(names.text[0], "0-10.seg");
	assert_int_equal(object_list(s, NULL, note_name, &names, &err), 0);
	assert_string_equal(names.text[1], "7");
	assert_int_equal(object_list(s, "8", note_name, &names, &err), 0);
	assert_int_equal(names.count, 2);
	object_store_close(s);
	simdisk_free(sd);
}

static void test_object__a_name_is_put_once(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct object_store *s = open_store(sd);

	assert_int_equal(put(s, "7/a", "one"), 0);
	assert_int_equal(put(s, "7/a", "two"), E_EXISTS);
	check_content(s, "7/a", "one");
	object_store_close(s);
	simdisk_free(sd);
}

static void test_object__names_stay_in_the_folder(void **state)
{
	static const char *const bad[] = {"",     "/a", "a/",  "a/b/c", "../a", "a/../b", ".a",
					  "a/.b", "A",  "a b", "a\\b",  "a\n",  "ä"};
	static const char *const good[] = {"a", "7/0-10.seg", "a_b/c-d.e"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(object__name_is_valid(bad[i]));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(object__name_is_valid(good[i]));
}

static void test_object__is_read_while_it_is_deleted(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct object_store *s = open_store(sd);
	struct object *o = NULL;
	struct err err = ERR_INIT;
	uint8_t byte;

	assert_int_equal(put(s, "7/a", "one"), 0);
	assert_int_equal(object_open(s, "7/a", &o, &err), 0);
	assert_int_equal(object_delete(s, "7/a", &err), 0);
	assert_int_equal(object_read(o, 2, 1, &byte, &err), 0);
	assert_int_equal(byte, 'e');
	object_close(o);
	assert_int_equal(object_open(s, "7/a", &o, &err), E_NOT_FOUND);
	object_store_close(s);
	simdisk_free(sd);
}

static void test_object__reads_nothing_past_its_end(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct object_store *s = open_store(sd);
	struct object *o = NULL;
	struct err err = ERR_INIT;
	uint8_t bytes[8];

	assert_int_equal(put(s, "7/a", "one"), 0);
	assert_int_equal(object_open(s, "7/a", &o, &err), 0);
	assert_int_equal(object_read(o, 1, 3, bytes, &err), E_CORRUPT);
	assert_string_equal(err.field, "7/a");
	assert_int_equal(err.offset, 1);
	assert_int_equal(object_read(o, UINT64_MAX, 2, bytes, &err), E_CORRUPT);
	simdisk_cut(sd, "/segments/7/a", 2);
	assert_int_equal(object_read(o, 0, 3, bytes, &err), E_CORRUPT);
	object_close(o);
	object_store_close(s);
	simdisk_free(sd);
}

static void test_object__in_memory_is_read_in_place(void **state)
{
	uint8_t *bytes = xalloc(3);
	struct object *o = object_of_memory(bytes, 3);
	struct err err = ERR_INIT;
	uint8_t to[4];

	memcpy(bytes, "one", 3);
	assert_ptr_equal(object_memory(o), bytes);
	assert_string_equal(object_name(o), "memory");
	assert_int_equal(object_read(o, 1, 2, to, &err), 0);
	assert_memory_equal(to, "ne", 2);
	assert_int_equal(object_read(o, 1, 3, to, &err), E_CORRUPT);
	assert_null(object_close(o));
}

static void test_object__a_put_is_whole_or_not_there_after_power_loss(void **state)
{
	for (int is_done = 0; is_done < 2; is_done++) {
		bool has_failed = true;

		for (uint64_t nth = 1; has_failed; nth++) {
			struct simdisk *sd = simdisk_new(nth);
			struct object_store *s = open_store(sd);
			struct names names = {.count = 0};
			struct err err = ERR_INIT;
			struct rng r;
			int rc;

			rng_init(&r, nth);
			simdisk_fail(sd, (struct simdisk_fault){.nth = nth, .persists = true, .done = is_done});
			rc = put(s, "7/a", "hello");
			has_failed = simdisk_failed(sd);
			object_store_close(s);
			simdisk_crash(sd, &r);
			s = open_store(sd);
			assert_int_equal(object_list(s, "7", note_name, &names, &err), 0);
			assert_true(names.count == 1 || rc < 0);
			if (names.count == 1)
				check_content(s, "7/a", "hello");
			assert_false(simdisk_exists(sd, "/segments/7/a.tmp"));
			object_store_close(s);
			simdisk_free(sd);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_object__gives_back_what_was_put),
		cmocka_unit_test(test_object__a_name_is_put_once),
		cmocka_unit_test(test_object__names_stay_in_the_folder),
		cmocka_unit_test(test_object__is_read_while_it_is_deleted),
		cmocka_unit_test(test_object__reads_nothing_past_its_end),
		cmocka_unit_test(test_object__in_memory_is_read_in_place),
		cmocka_unit_test(test_object__a_put_is_whole_or_not_there_after_power_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
