#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/durable.h"
#include "base/mem.h"
#include "base/thread.h"
#include "seed.h"
#include "simdisk.h"

#define CRASHES 60 /* power losses tried from one state */

static int open_or_fail(struct io *io, const char *path, int flags)
{
	int fd = io->open(io, path, flags, 0600);

	assert_true(fd >= 0);
	return fd;
}

static bool has_bytes(struct simdisk *sd, const char *path, const char *want)
{
	return simdisk_exists(sd, path) && span_eq_str(simdisk_bytes(sd, path), want);
}

/* One of the outcomes of a power loss now, on a copy the caller frees. */
static struct simdisk *crashed_copy(struct simdisk *sd, struct rng *rng)
{
	struct simdisk *copy = simdisk_copy(sd);

	simdisk_crash(copy, rng);
	return copy;
}

static void test_simdisk__behaves_as_a_disk(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct io *io = simdisk_io(sd);
	struct io_stat st = {0};
	char back[8];
	int fd;

	assert_int_equal(io->open(io, "a/b", O_RDWR | O_CREAT, 0600), -ENOENT);
	assert_int_equal(io->mkdir(io, "a", 0700), 0);
	assert_int_equal(io->mkdir(io, "/a/", 0700), -EEXIST);
	assert_int_equal(io->open(io, "a", O_RDONLY, 0), -EISDIR);
	fd = open_or_fail(io, "a/b", O_RDWR | O_CREAT | O_EXCL);
	assert_int_equal(io->open(io, "./a//b", O_RDWR | O_CREAT | O_EXCL, 0600), -EEXIST);
	assert_int_equal(io_write_full(io, fd, "xyz", 3, 2), 0);
	assert_int_equal(io_read_full(io, fd, back, sizeof(back), 0), 5);
	assert_memory_equal(back, "\0\0xyz", 5);
	assert_int_equal(io->pread(io, fd, back, 1, 5), 0);
	assert_int_equal(io->truncate(io, fd, 3), 0);
	assert_int_equal(io->allocate(io, fd, 5), 0);
	assert_int_equal(io->allocate(io, fd, 1), 0);
	assert_int_equal(io->stat(io, "a/b", &st), 0);
	assert_true(st.size_bytes == 5 && !st.is_folder && st.mode == 0600);
	assert_memory_equal(simdisk_bytes(sd, "a/b").p, "\0\0x\0\0", 5);
	assert_int_equal(io->rename(io, "a/b", "c"), 0);
	assert_int_equal(io->stat(io, "a/b", &st), -ENOENT);
	assert_int_equal(io->unlink(io, "c"), 0);
	assert_int_equal(io->unlink(io, "a"), -EISDIR);
	assert_int_equal(io_read_full(io, fd, back, sizeof(back), 0), 5); /* open, though without a name */
	assert_int_equal(simdisk_open_count(sd), 1);
	assert_int_equal(io->close(io, fd), 0);
	assert_int_equal(simdisk_open_count(sd), 0);
	assert_int_equal(io->pread(io, fd, back, 1, 0), -EBADF);
	simdisk_free(sd);
}

static void test_simdisk__checks_access(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct io *io = simdisk_io(sd);
	int writer = open_or_fail(io, "f", O_WRONLY | O_CREAT);
	int reader = open_or_fail(io, "f", O_RDONLY);
	char byte = 'x';

	assert_int_equal(io->pwrite(io, reader, &byte, 1, 0), -EBADF);
	assert_int_equal(io->pread(io, writer, &byte, 1, 0), -EBADF);
	assert_int_equal(io->lock(io, writer), 0);
	assert_int_equal(io->lock(io, reader), -EWOULDBLOCK);
	io->close(io, writer);
	assert_int_equal(io->lock(io, reader), 0);
	io->close(io, reader);
	simdisk_free(sd);
}

static int unlink_named(void *user, const char *name)
{
	struct io *io = user;

	return io->unlink(io, name);
}

static void add_length(void *user, const char *path, uint64_t size_bytes)
{
	*(uint64_t *)user = *(uint64_t *)user * 100 + strlen(path) * 10 + size_bytes;
}

static void test_simdisk__lists(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct io *io = simdisk_io(sd);
	uint64_t digits = 0;

	simdisk_put(sd, "folder/deep/file", SPAN_LIT("12"));
	simdisk_put(sd, "top", SPAN_LIT("1"));
	simdisk_each(sd, add_length, &digits);
	assert_int_equal(digits, 172 * 100 + 41);
	assert_int_equal(io->list(io, "folder", unlink_named, io), -ENOENT); /* "deep" is not in the root */
	assert_int_equal(io->list(io, "nowhere", unlink_named, io), -ENOENT);
	assert_int_equal(io->list(io, "top", unlink_named, io), -ENOTDIR);
	simdisk_remove(sd, "folder/deep/file");
	assert_int_equal(io->list(io, "folder/deep", unlink_named, io), 0);
	simdisk_free(sd);
}

/* Synced bytes under a synced name are there after every crash; all other states of the name and bytes turn up. */
static void test_simdisk__keeps_what_is_synced(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct simdisk *sd = simdisk_new(1);
	struct io *io = simdisk_io(sd);
	int fd = open_or_fail(io, "f", O_RDWR | O_CREAT);
	int without_name = 0;
	int with_old = 0;
	int with_new = 0;

	assert_int_equal(io_write_full(io, fd, "old", 3, 0), 0);
	assert_int_equal(io->sync(io, fd), 0);
	assert_false(simdisk_is_durable(sd, "f"));
	for (int i = 0; i < CRASHES; i++) {
		struct simdisk *copy = crashed_copy(sd, &rng);

		without_name += !simdisk_exists(copy, "f");
		assert_true(!simdisk_exists(copy, "f") || has_bytes(copy, "f", "old"));
		simdisk_free(copy);
	}
	assert_in_range(without_name, 1, CRASHES - 1);
	assert_int_equal(io->sync_folder(io, "/"), 0);
	assert_true(simdisk_is_durable(sd, "f"));
	assert_int_equal(io_write_full(io, fd, "new", 3, 0), 0);
	assert_false(simdisk_is_durable(sd, "f"));
	for (int i = 0; i < CRASHES; i++) {
		struct simdisk *copy = crashed_copy(sd, &rng);

		with_old += has_bytes(copy, "f", "old");
		with_new += has_bytes(copy, "f", "new");
		assert_true(simdisk_is_durable(copy, "f"));
		simdisk_free(copy);
	}
	assert_int_equal(with_old + with_new, CRASHES);
	assert_in_range(with_old, 1, CRASHES - 1);
	io->close(io, fd);
	simdisk_free(sd);
}

/* Three sectors written at once: each is old or new, and mixtures turn up. */
static void test_simdisk__tears_at_sectors(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct simdisk *sd = simdisk_new(1);
	struct io *io = simdisk_io(sd);
	uint8_t bytes[3 * 512];
	bool seen[8] = {false};
	int fd;

	memset(bytes, 'o', sizeof(bytes));
	simdisk_put(sd, "f", span_of(bytes, sizeof(bytes)));
	fd = open_or_fail(io, "f", O_RDWR);
	memset(bytes, 'n', sizeof(bytes));
	assert_int_equal(io_write_full(io, fd, bytes, sizeof(bytes), 0), 0);
	for (int i = 0; i < CRASHES * 12; i++) {
		struct simdisk *copy = crashed_copy(sd, &rng);
		const uint8_t *p = simdisk_bytes(copy, "f").p;
		int pattern = 0;

		for (int s = 0; s < 3; s++) {
			for (int at = 1; at < 512; at++)
				assert_int_equal(p[s * 512 + at], p[s * 512]);
			pattern |= (p[s * 512] == 'n') << s;
		}
		seen[pattern] = true;
		simdisk_free(copy);
	}
	for (int i = 0; i < 8; i++)
		assert_true(seen[i]);
	io->close(io, fd);
	simdisk_free(sd);
}

/* Two writes to different sectors may reach the disk in either order; to one sector only in the order made. */
static void test_simdisk__reorders_across_sectors_only(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct simdisk *sd = simdisk_new(1);
	struct io *io = simdisk_io(sd);
	static const uint8_t zeros[1024];
	int second_alone = 0;
	int fd;

	simdisk_put(sd, "f", span_of(zeros, sizeof(zeros)));
	fd = open_or_fail(io, "f", O_RDWR);
	assert_int_equal(io_write_full(io, fd, "1", 1, 0), 0);
	assert_int_equal(io_write_full(io, fd, "2", 1, 1), 0);
	assert_int_equal(io_write_full(io, fd, "3", 1, 600), 0);
	for (int i = 0; i < CRASHES * 10; i++) {
		struct simdisk *copy = crashed_copy(sd, &rng);
		const uint8_t *p = simdisk_bytes(copy, "f").p;

		assert_true(p[0] == '1' || p[1] == 0);
		second_alone += p[600] == '3' && p[0] == 0;
		simdisk_free(copy);
	}
	assert_true(second_alone > 0);
	io->close(io, fd);
	simdisk_free(sd);
}

/* Sizes: the file shrinks and grows; a size is one it had, and no byte comes back that was cut off before a kept
 * growth.
 */
static void test_simdisk__loses_sizes(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct simdisk *sd = simdisk_new(1);
	struct io *io = simdisk_io(sd);
	bool seen[4] = {false};
	uint8_t bytes[2000];
	int fd;

	memset(bytes, 'o', sizeof(bytes));
	simdisk_put(sd, "f", span_of(bytes, sizeof(bytes)));
	fd = open_or_fail(io, "f", O_RDWR);
	assert_int_equal(io->truncate(io, fd, 700), 0);
	assert_int_equal(io->allocate(io, fd, 3000), 0);
	assert_int_equal(io_write_full(io, fd, "end", 3, 4000), 0);
	for (int i = 0; i < CRASHES * 6; i++) {
		struct simdisk *copy = crashed_copy(sd, &rng);
		struct span now = simdisk_bytes(copy, "f");
		const size_t sizes[] = {2000, 700, 3000, 4003};
		int which = 0;

		while (which < 4 && sizes[which] != now.len)
			which++;
		assert_true(which < 4);
		seen[which] = true;
		for (size_t at = 0; at < now.len && at < 4000; at++)
			assert_int_equal(now.p[at], at < 700 || which == 0 ? 'o' : 0);
		simdisk_free(copy);
	}
	for (int i = 0; i < 4; i++)
		assert_true(seen[i]);
	io->close(io, fd);
	simdisk_free(sd);
}

static void test_simdisk__loses_names_with_their_folder(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct simdisk *sd = simdisk_new(1);
	struct io *io = simdisk_io(sd);
	int lost = 0;

	assert_int_equal(io->mkdir(io, "d", 0700), 0);
	io->close(io, open_or_fail(io, "d/f", O_RDWR | O_CREAT));
	assert_int_equal(io->sync_folder(io, "d"), 0);
	assert_false(simdisk_is_durable(sd, "d/f"));
	for (int i = 0; i < CRASHES; i++) {
		struct simdisk *copy = crashed_copy(sd, &rng);

		assert_int_equal(simdisk_exists(copy, "d"), simdisk_exists(copy, "d/f"));
		lost += !simdisk_exists(copy, "d");
		simdisk_free(copy);
	}
	assert_in_range(lost, 1, CRASHES - 1);
	assert_int_equal(io->sync_folder(io, "/"), 0);
	assert_true(simdisk_is_durable(sd, "d/f"));
	simdisk_free(sd);
}

/* A rename without a sync before it may show an empty file; never two names, never none. */
static void test_simdisk__renames_atomically(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct simdisk *sd = simdisk_new(1);
	struct io *io = simdisk_io(sd);
	int emptied = 0;
	int fd;

	simdisk_put(sd, "f", SPAN_LIT("old"));
	fd = open_or_fail(io, "t", O_RDWR | O_CREAT);
	assert_int_equal(io_write_full(io, fd, "new", 3, 0), 0);
	assert_int_equal(io->rename(io, "t", "f"), 0);
	for (int i = 0; i < CRASHES * 2; i++) {
		struct simdisk *copy = crashed_copy(sd, &rng);

		assert_true(simdisk_exists(copy, "f"));
		if (!has_bytes(copy, "f", "old"))
			assert_false(simdisk_exists(copy, "t"));
		emptied += has_bytes(copy, "f", "");
		simdisk_free(copy);
	}
	assert_true(emptied > 0);
	io->close(io, fd);
	simdisk_free(sd);
}

/* Two renames in a row: whatever is kept, the file has one name. */
static void test_simdisk__never_has_a_file_twice(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct simdisk *sd = simdisk_new(1);
	struct io *io = simdisk_io(sd);
	int seen[3] = {0};

	simdisk_put(sd, "a", SPAN_LIT("x"));
	assert_int_equal(io->rename(io, "a", "b"), 0);
	assert_int_equal(io->rename(io, "b", "c"), 0);
	for (int i = 0; i < CRASHES * 4; i++) {
		struct simdisk *copy = crashed_copy(sd, &rng);
		int names = 0;

		for (int n = 0; n < 3; n++) {
			const char name[] = {(char)('a' + n), '\0'};
			bool there = has_bytes(copy, name, "x");

			names += there;
			seen[n] += there;
		}
		assert_int_equal(names, 1);
		simdisk_free(copy);
	}
	assert_true(seen[0] && seen[1] && seen[2]);
	simdisk_free(sd);
}

/* After a failed sync a second one says 0, reads show the bytes, and the disk may not have them. */
static void test_simdisk__forgets_pages_of_a_failed_sync(void **state)
{
	int lost = 0;

	for (uint64_t seed = 0; seed < CRASHES; seed++) {
		struct simdisk *sd = simdisk_new(seed);
		struct io *io = simdisk_io(sd);
		struct rng rng;
		int fd;

		rng_init(&rng, seed);
		simdisk_put(sd, "f", SPAN_LIT("old"));
		fd = open_or_fail(io, "f", O_RDWR);
		assert_int_equal(io_write_full(io, fd, "new", 3, 0), 0);
		simdisk_fail(sd, (struct simdisk_fault){.nth = 1, .kinds = SIMDISK_SYNC});
		assert_int_equal(io->sync(io, fd), -EIO);
		assert_int_equal(io->sync(io, fd), 0);
		assert_true(has_bytes(sd, "f", "new"));
		simdisk_crash(sd, &rng);
		lost += has_bytes(sd, "f", "old");
		assert_int_equal(io->close(io, fd), -EBADF);
		simdisk_free(sd);
	}
	assert_in_range(lost, 1, CRASHES - 1);
}

static void test_simdisk__fails_the_nth_call_of_its_kind(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct io *io = simdisk_io(sd);
	int fd = open_or_fail(io, "f", O_RDWR | O_CREAT);

	simdisk_fail(sd, (struct simdisk_fault){.nth = 2, .kinds = SIMDISK_PWRITE, .error = ENOSPC});
	assert_int_equal(io->pwrite(io, fd, "a", 1, 0), 1);
	assert_int_equal(io->sync(io, fd), 0);
	assert_false(simdisk_failed(sd));
	assert_int_equal(io->pwrite(io, fd, "b", 1, 1), -ENOSPC);
	assert_true(simdisk_failed(sd));
	assert_int_equal(io->pwrite(io, fd, "c", 1, 1), 1);
	assert_true(has_bytes(sd, "f", "ac"));
	simdisk_fail(sd, (struct simdisk_fault){.nth = 1, .done = true, .persists = true});
	assert_int_equal(io->pwrite(io, fd, "d", 1, 2), -EIO);
	assert_int_equal(io->rename(io, "f", "g"), -EIO);
	assert_int_equal(io->open(io, "h", O_RDWR | O_CREAT, 0600), -EIO);
	simdisk_heal(sd);
	assert_true(has_bytes(sd, "g", "acd"));
	assert_true(simdisk_exists(sd, "h"));
	assert_int_equal(simdisk_open_count(sd), 1);
	assert_int_equal(simdisk_calls(sd, SIMDISK_PWRITE), 4);
	assert_int_equal(simdisk_calls(sd, SIMDISK_ALL), 8);
	io->close(io, fd);
	simdisk_free(sd);
}

static void test_simdisk__runs_full(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct io *io = simdisk_io(sd);
	uint64_t left = 0;
	int fd = open_or_fail(io, "f", O_RDWR | O_CREAT);

	simdisk_put(sd, "other", SPAN_LIT("1234"));
	simdisk_set_capacity(sd, 10);
	assert_int_equal(io->pwrite(io, fd, "abcdefgh", 8, 0), 6);
	assert_int_equal(io->pwrite(io, fd, "gh", 2, 6), -ENOSPC);
	assert_int_equal(io->pwrite(io, fd, "ABCDEF", 6, 0), 6);
	assert_int_equal(io->allocate(io, fd, 7), -ENOSPC);
	assert_int_equal(io->free_bytes(io, "/", &left), 0);
	assert_int_equal(left, 0);
	assert_int_equal(io->unlink(io, "other"), 0);
	assert_int_equal(io->free_bytes(io, "/", &left), 0);
	assert_int_equal(left, 4);
	assert_int_equal(io_write_full(io, fd, "gh", 2, 6), 0);
	assert_true(has_bytes(sd, "f", "ABCDEFgh"));
	io->close(io, fd);
	simdisk_free(sd);
}

static void test_simdisk__cuts_reads_and_writes_short(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct io *io = simdisk_io(sd);
	uint8_t bytes[1000];
	uint8_t back[1000];
	int fd = open_or_fail(io, "f", O_RDWR | O_CREAT);

	memset(bytes, 'b', sizeof(bytes));
	simdisk_set_short(sd, 1);
	assert_in_range(io->pwrite(io, fd, bytes, sizeof(bytes), 0), 1, sizeof(bytes) - 1);
	assert_int_equal(io_write_full(io, fd, bytes, sizeof(bytes), 0), 0);
	assert_in_range(io->pread(io, fd, back, sizeof(back), 0), 1, sizeof(back) - 1);
	assert_int_equal(io_read_full(io, fd, back, sizeof(back), 0), sizeof(back));
	assert_memory_equal(bytes, back, sizeof(back));
	io->close(io, fd);
	simdisk_free(sd);
}

static void test_simdisk__damages_durably(void **state)
{
	struct rng rng = seeded_rng(__func__);
	struct simdisk *sd = simdisk_new(1);

	simdisk_put(sd, "f", SPAN_LIT("abc"));
	simdisk_flip_bit(sd, "f", 1, 5);
	simdisk_cut(sd, "f", 2);
	simdisk_crash(sd, &rng);
	assert_true(has_bytes(sd, "f", "aB"));
	simdisk_put(sd, "f", SPAN_LIT("whole"));
	assert_true(has_bytes(sd, "f", "whole"));
	simdisk_remove(sd, "f");
	simdisk_crash(sd, &rng);
	assert_false(simdisk_exists(sd, "f"));
	simdisk_free(sd);
}

/* Syncs that take long do not cover what is written while they last. */
struct slow_sync {
	struct io *io;
	int fd;
};

static void *sync_slowly(void *arg)
{
	const struct slow_sync *s = arg;

	assert_int_equal(s->io->sync(s->io, s->fd), 0);
	return NULL;
}

static void test_simdisk__syncs_what_was_there_before(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	struct slow_sync s = {simdisk_io(sd), 0};
	struct thread thread;

	simdisk_put(sd, "f", SPAN_LIT(""));
	s.fd = open_or_fail(s.io, "f", O_RDWR);
	assert_int_equal(io_write_full(s.io, s.fd, "before", 6, 0), 0);
	simdisk_set_sync_delay(sd, 50000);
	thread_start(&thread, "sync", sync_slowly, &s);
	while (simdisk_calls(sd, SIMDISK_SYNC) == 0)
		;
	assert_int_equal(io_write_full(s.io, s.fd, "during", 6, 600), 0);
	thread_join(&thread);
	assert_false(simdisk_is_durable(sd, "f"));
	assert_int_equal(s.io->sync(s.io, s.fd), 0);
	assert_true(simdisk_is_durable(sd, "f"));
	s.io->close(s.io, s.fd);
	simdisk_free(sd);
}

/* Random writes, sizes and syncs against a plain array: what reads show, and what no crash may touch. */
static void test_simdisk__equals_a_plain_array(void **state)
{
	struct rng rng = seeded_rng(__func__);

	for (int round = 0; round < 60; round++) {
		struct simdisk *sd = simdisk_new(rng_next(&rng));
		struct io *io = simdisk_io(sd);
		static uint8_t model[5000];
		static uint8_t back[6000];
		size_t size = 0;
		int fd;

		memset(model, 0, sizeof(model));
		simdisk_put(sd, "f", SPAN_LIT(""));
		fd = open_or_fail(io, "f", O_RDWR);
		for (int i = 0; i < 60; i++) {
			size_t off = rng_below(&rng, 3500);
			size_t len = rng_below(&rng, 1500);

			if (rng_below(&rng, 4)) {
				fill_random(&rng, back, len);
				assert_int_equal(io_write_full(io, fd, back, len, off), 0);
				memcpy(model + off, back, len);
				size = len && off + len > size ? off + len : size;
			} else {
				assert_int_equal(io->truncate(io, fd, off), 0);
				memset(model + off, 0, sizeof(model) - off);
				size = off;
			}
			if (rng_below(&rng, 8) == 0)
				assert_int_equal(io->sync(io, fd), 0);
		}
		assert_int_equal(io_read_full(io, fd, back, sizeof(back), 0), size);
		assert_memory_equal(back, model, size);
		assert_int_equal(io->sync(io, fd), 0);
		simdisk_crash(sd, &rng);
		assert_true(span_eq(simdisk_bytes(sd, "f"), span_of(model, size)));
		simdisk_free(sd);
	}
}

/* ---- durable_write and durable_mkdir, failing and dying at every call ---- */

#define OLD_TEXT "the old configuration"
#define NEW_TEXT "the new one, which is of several parts and a little longer than the old one"

static const char *const target = "conf/stele.conf";

static struct simdisk *disk_with_target(bool with_old, uint64_t seed)
{
	struct simdisk *sd = simdisk_new(seed);

	simdisk_put(sd, with_old ? target : "conf/other", SPAN_LIT(OLD_TEXT));
	simdisk_set_short(sd, 3);
	return sd;
}

static int write_new(struct simdisk *sd)
{
	struct span text = SPAN_LIT(NEW_TEXT);
	const struct span parts[] = {span_of(text.p, 10), span_of(text.p + 10, 30), span_from(text, 40)};

	return durable_write(simdisk_io(sd), target, parts, 3, 0600, NULL);
}

static bool holds_old(struct simdisk *sd, bool with_old)
{
	return with_old ? has_bytes(sd, target, OLD_TEXT) : !simdisk_exists(sd, target);
}

static void assert_old_or_new(struct simdisk *sd, bool with_old)
{
	assert_true(holds_old(sd, with_old) || has_bytes(sd, target, NEW_TEXT));
}

static void crash_and_check(struct simdisk *sd, bool with_old, bool written, struct rng *rng)
{
	for (int i = 0; i < CRASHES; i++) {
		struct simdisk *copy = crashed_copy(sd, rng);

		assert_old_or_new(copy, with_old);
		assert_true(!written || has_bytes(copy, target, NEW_TEXT));
		/* The next start goes on from there. */
		assert_int_equal(write_new(copy), 0);
		simdisk_crash(copy, rng);
		assert_true(has_bytes(copy, target, NEW_TEXT));
		simdisk_free(copy);
	}
}

/* Fails call n in the way given; false when the write makes fewer calls. */
static bool fail_at(uint64_t n, bool with_old, bool done, bool persists, struct rng *rng)
{
	struct simdisk *sd = disk_with_target(with_old, 7);
	bool struck;
	int rc;

	simdisk_fail(sd, (struct simdisk_fault){.nth = n, .done = done, .persists = persists});
	rc = write_new(sd);
	struck = simdisk_failed(sd);
	simdisk_heal(sd);
	assert_int_equal(simdisk_open_count(sd), 0);
	assert_int_equal(rc, struck ? E_IO : 0);
	assert_old_or_new(sd, with_old);
	if (!struck || !persists)
		assert_false(simdisk_exists(sd, "conf/stele.conf" DURABLE_SUFFIX));
	crash_and_check(sd, with_old, rc == 0, rng);
	simdisk_free(sd);
	return struck;
}

static void test_durable__leaves_old_or_new_wherever_it_fails(void **state)
{
	struct rng rng = seeded_rng(__func__);

	for (int way = 0; way < 8; way++) {
		uint64_t n = 1;

		while (fail_at(n, way & 1, way & 2, way & 4, &rng))
			n++;
		assert_true(n > 8); /* open, three writes at least, sync, close, rename, sync_folder */
	}
}

static void test_durable__leaves_the_old_on_a_full_disk(void **state)
{
	struct rng rng = seeded_rng(__func__);

	for (uint64_t room = 0; room < sizeof(NEW_TEXT) - 1; room++) {
		struct simdisk *sd = disk_with_target(true, room);
		struct err err = ERR_INIT;
		struct span text = SPAN_LIT(NEW_TEXT);

		simdisk_set_capacity(sd, sizeof(OLD_TEXT) - 1 + room);
		assert_int_equal(durable_write(simdisk_io(sd), target, &text, 1, 0600, &err), E_NO_SPACE);
		assert_true(has_bytes(sd, target, OLD_TEXT));
		assert_false(simdisk_exists(sd, "conf/stele.conf" DURABLE_SUFFIX));
		simdisk_crash(sd, &rng);
		assert_true(has_bytes(sd, target, OLD_TEXT));
		simdisk_free(sd);
	}
}

static void test_durable__makes_folders_that_last(void **state)
{
	struct rng rng = seeded_rng(__func__);

	for (int i = 0; i < CRASHES; i++) {
		struct simdisk *sd = simdisk_new(1);
		struct io *io = simdisk_io(sd);
		struct span text = SPAN_LIT("x");

		assert_int_equal(io->mkdir(io, "a", 0700), 0); /* there already, and not durable yet */
		assert_int_equal(durable_mkdir(io, "a", NULL), 0);
		assert_int_equal(durable_mkdir(io, "a/b", NULL), 0);
		assert_int_equal(durable_write(io, "a/b/c", &text, 1, 0600, NULL), 0);
		assert_true(simdisk_is_durable(sd, "a/b/c"));
		simdisk_crash(sd, &rng);
		assert_true(has_bytes(sd, "a/b/c", "x"));
		simdisk_free(sd);
	}
}

static void test_durable__reads_or_says_why_not(void **state)
{
	struct simdisk *sd = simdisk_new(1);
	uint8_t *p = NULL;
	size_t len = 0;
	uint64_t n = 1;
	bool struck = true;

	simdisk_put(sd, "f", SPAN_LIT(NEW_TEXT));
	for (; struck; n++) {
		int rc;

		simdisk_fail(sd, (struct simdisk_fault){.nth = n, .kinds = SIMDISK_ALL & ~SIMDISK_CLOSE});
		rc = durable_read(simdisk_io(sd), "f", 1000, &p, &len, NULL);
		struck = simdisk_failed(sd);
		assert_int_equal(rc, struck ? E_IO : 0);
		assert_true(struck == (p == NULL));
		assert_int_equal(simdisk_open_count(sd), 0);
	}
	assert_true(n > 3);
	assert_true(span_eq_str(span_of(p, len), NEW_TEXT));
	free(p);
	simdisk_free(sd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simdisk__behaves_as_a_disk),
		cmocka_unit_test(test_simdisk__checks_access),
		cmocka_unit_test(test_simdisk__lists),
		cmocka_unit_test(test_simdisk__keeps_what_is_synced),
		cmocka_unit_test(test_simdisk__tears_at_sectors),
		cmocka_unit_test(test_simdisk__reorders_across_sectors_only),
		cmocka_unit_test(test_simdisk__loses_sizes),
		cmocka_unit_test(test_simdisk__loses_names_with_their_folder),
		cmocka_unit_test(test_simdisk__renames_atomically),
		cmocka_unit_test(test_simdisk__never_has_a_file_twice),
		cmocka_unit_test(test_simdisk__forgets_pages_of_a_failed_sync),
		cmocka_unit_test(test_simdisk__fails_the_nth_call_of_its_kind),
		cmocka_unit_test(test_simdisk__runs_full),
		cmocka_unit_test(test_simdisk__cuts_reads_and_writes_short),
		cmocka_unit_test(test_simdisk__damages_durably),
		cmocka_unit_test(test_simdisk__syncs_what_was_there_before),
		cmocka_unit_test(test_simdisk__equals_a_plain_array),
		cmocka_unit_test(test_durable__leaves_old_or_new_wherever_it_fails),
		cmocka_unit_test(test_durable__leaves_the_old_on_a_full_disk),
		cmocka_unit_test(test_durable__makes_folders_that_last),
		cmocka_unit_test(test_durable__reads_or_says_why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
