#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/durable.h"
#include "base/mem.h"

static char root[] = "/tmp/stele-test-io-XXXXXX";

static char *in_root(const char *name)
{
	return xformat("%s/%s", root, name);
}

static int make_root(void **state)
{
	return mkdtemp(root) ? 0 : -1;
}

static int remove_entry(void *user, const char *name)
{
	char *path = xformat("%s/%s", (const char *)user, name);

	if (unlink(path) < 0 && rmdir(path) < 0) {
		(void)io_posix.list(&io_posix, path, remove_entry, path);
		(void)rmdir(path);
	}
	free(path);
	return 0;
}

static int remove_root(void **state)
{
	(void)io_posix.list(&io_posix, root, remove_entry, root);
	return rmdir(root);
}

static void test_io__writes_and_reads_back(void **state)
{
	char *path = in_root("file");
	char back[32] = "";
	struct io_stat st;
	int fd = io_posix.open(&io_posix, path, O_RDWR | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(io_write_full(&io_posix, fd, "0123456789", 10, 5), 0);
	assert_int_equal(io_posix.sync(&io_posix, fd), 0);
	assert_int_equal(io_read_full(&io_posix, fd, back, sizeof(back), 0), 15);
	assert_memory_equal(back,
			    "\0\0\0\0\0"
			    "0123456789",
			    15);
	assert_int_equal(io_posix.stat(&io_posix, path, &st), 0);
	assert_int_equal(st.size_bytes, 15);
	assert_int_equal(st.is_folder, 0);
	assert_int_equal(st.mode, 0600);
	assert_int_equal(io_posix.close(&io_posix, fd), 0);
	assert_int_equal(io_posix.open(&io_posix, path, O_RDWR | O_CREAT | O_EXCL, 0600), -EEXIST);
	free(path);
}

static void test_io__sets_sizes(void **state)
{
	char *path = in_root("sized");
	char back[9000];
	struct io_stat st;
	int fd = io_posix.open(&io_posix, path, O_RDWR | O_CREAT, 0600);

	assert_int_equal(io_posix.allocate(&io_posix, fd, 8192), 0);
	assert_int_equal(io_posix.allocate(&io_posix, fd, 100), 0);
	assert_int_equal(io_posix.allocate(&io_posix, fd, 0), 0);
	assert_int_equal(io_read_full(&io_posix, fd, back, sizeof(back), 0), 8192);
	for (int i = 0; i < 8192; i++)
		assert_int_equal(back[i], 0);
	assert_int_equal(io_posix.truncate(&io_posix, fd, 10), 0);
	assert_int_equal(io_posix.stat(&io_posix, path, &st), 0);
	assert_int_equal(st.size_bytes, 10);
	io_posix.close(&io_posix, fd);
	free(path);
}

static void test_io__follows_no_link(void **state)
{
	char *target = in_root("target");
	char *path = in_root("link");
	int fd = io_posix.open(&io_posix, target, O_RDWR | O_CREAT, 0600);

	io_posix.close(&io_posix, fd);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(io_posix.open(&io_posix, path, O_RDONLY, 0), -ELOOP);
	free(target);
	free(path);
}

static void test_io__locks_once(void **state)
{
	char *path = in_root("lock");
	int a = io_posix.open(&io_posix, path, O_RDWR | O_CREAT, 0600);
	int b = io_posix.open(&io_posix, path, O_RDWR, 0600);

	assert_int_equal(io_posix.lock(&io_posix, a), 0);
	assert_int_equal(io_posix.lock(&io_posix, b), -EWOULDBLOCK);
	io_posix.close(&io_posix, a);
	assert_int_equal(io_posix.lock(&io_posix, b), 0);
	io_posix.close(&io_posix, b);
	free(path);
}

static int count_name(void *user, const char *name)
{
	int *count = user;

	assert_string_not_equal(name, ".");
	assert_string_not_equal(name, "..");
	return ++*count == 2 ? 77 : 0;
}

static void test_io__lists_renames_and_removes(void **state)
{
	char *folder = in_root("folder");
	char *a = in_root("folder/a");
	char *b = in_root("folder/b");
	char *c = in_root("folder/c");
	int count = 0;

	assert_int_equal(io_posix.mkdir(&io_posix, folder, 0700), 0);
	assert_int_equal(io_posix.mkdir(&io_posix, folder, 0700), -EEXIST);
	assert_int_equal(io_posix.list(&io_posix, folder, count_name, &count), 0);
	assert_int_equal(count, 0);
	io_posix.close(&io_posix, io_posix.open(&io_posix, a, O_RDWR | O_CREAT, 0600));
	io_posix.close(&io_posix, io_posix.open(&io_posix, b, O_RDWR | O_CREAT, 0600));
	assert_int_equal(io_posix.rename(&io_posix, a, c), 0);
	assert_int_equal(io_posix.sync_folder(&io_posix, folder), 0);
	assert_int_equal(io_posix.list(&io_posix, folder, count_name, &count), 77);
	assert_int_equal(io_posix.unlink(&io_posix, a), -ENOENT);
	assert_int_equal(io_posix.unlink(&io_posix, c), 0);
	assert_int_equal(io_posix.sync_folder(&io_posix, c), -ENOENT);
	assert_int_equal(io_posix.sync_folder(&io_posix, b), -ENOTDIR);
	assert_int_equal(io_posix.list(&io_posix, c, count_name, &count), -ENOENT);
	free(folder);
	free(a);
	free(b);
	free(c);
}

static void test_io__knows_the_free_space(void **state)
{
	uint64_t bytes = 0;

	assert_int_equal(io_posix.free_bytes(&io_posix, root, &bytes), 0);
	assert_true(bytes > 0);
	assert_int_equal(io_posix.free_bytes(&io_posix, "/nowhere/at/all", &bytes), -ENOENT);
}

static void test_io__says_what_fails(void **state)
{
	char byte;

	assert_int_equal(io_read_full(&io_posix, -1, &byte, 1, 0), -EBADF);
	assert_int_equal(io_write_full(&io_posix, -1, &byte, 1, 0), -EBADF);
	assert_int_equal(io_posix.close(&io_posix, -1), -EBADF);
	assert_int_equal(io_posix.sync(&io_posix, -1), -EBADF);
}

/* One table over io_posix that notes the calls, and interrupts and shortens some. */
static char trace[512];
static int interruptions;

static void note(const char *call)
{
	strncat(trace, call, sizeof(trace) - strlen(trace) - 1);
	strncat(trace, " ", sizeof(trace) - strlen(trace) - 1);
}

static int traced_open(struct io *io, const char *path, int flags, int mode)
{
	note(flags == (O_CREAT | O_EXCL | O_WRONLY) ? "open" : "open?");
	return io_posix.open(io, path, flags, mode);
}

static ssize_t traced_pwrite(struct io *io, int fd, const void *p, size_t len, uint64_t off)
{
	note("pwrite");
	return io_posix.pwrite(io, fd, p, len, off);
}

static int traced_sync(struct io *io, int fd)
{
	note("sync");
	return io_posix.sync(io, fd);
}

static int traced_close(struct io *io, int fd)
{
	note("close");
	return io_posix.close(io, fd);
}

static int traced_rename(struct io *io, const char *from, const char *to)
{
	note("rename");
	return io_posix.rename(io, from, to);
}

static int traced_sync_folder(struct io *io, const char *path)
{
	note("sync_folder");
	note(strcmp(path, root) == 0 ? "root" : path);
	return io_posix.sync_folder(io, path);
}

static void test_durable__makes_the_calls_it_says(void **state)
{
	const struct span parts[] = {SPAN_LIT("one"), span_of(NULL, 0), SPAN_LIT("two")};
	char *path = in_root("traced");
	struct io io = io_posix;
	struct err err = ERR_INIT;

	io.open = traced_open;
	io.pwrite = traced_pwrite;
	io.sync = traced_sync;
	io.close = traced_close;
	io.rename = traced_rename;
	io.sync_folder = traced_sync_folder;
	trace[0] = '\0';
	assert_int_equal(durable_write(&io, path, parts, 3, 0600, &err), 0);
	assert_string_equal(trace, "open pwrite pwrite sync close rename sync_folder root ");
	free(path);
}

static ssize_t reluctant_pread(struct io *io, int fd, void *p, size_t len, uint64_t off)
{
	return ++interruptions % 3 ? -EINTR : io_posix.pread(io, fd, p, 1, off);
}

static ssize_t reluctant_pwrite(struct io *io, int fd, const void *p, size_t len, uint64_t off)
{
	return ++interruptions % 3 ? -EINTR : io_posix.pwrite(io, fd, p, 1, off);
}

static void test_durable__goes_on_after_short_counts(void **state)
{
	const struct span part = SPAN_LIT("byte by byte");
	char *path = in_root("short");
	struct io io = io_posix;
	uint8_t *p = NULL;
	size_t len = 0;

	io.pread = reluctant_pread;
	io.pwrite = reluctant_pwrite;
	assert_int_equal(durable_write(&io, path, &part, 1, 0600, NULL), 0);
	assert_int_equal(durable_read(&io, path, 100, &p, &len, NULL), 0);
	assert_true(span_eq(span_of(p, len), part));
	free(p);
	free(path);
}

static ssize_t write_nothing(struct io *io, int fd, const void *p, size_t len, uint64_t off)
{
	return 0;
}

static void test_durable__ends_when_nothing_is_written(void **state)
{
	const struct span part = SPAN_LIT("x");
	char *path = in_root("stuck");
	char *tmp = in_root("stuck" DURABLE_SUFFIX);
	struct io io = io_posix;
	struct err err = ERR_INIT;

	io.pwrite = write_nothing;
	assert_int_equal(durable_write(&io, path, &part, 1, 0600, &err), E_IO);
	assert_string_equal(err.field, tmp);
	assert_int_equal(access(tmp, F_OK), -1);
	free(path);
	free(tmp);
}

static void test_durable__replaces_the_old_and_leftovers(void **state)
{
	const struct span old = SPAN_LIT("old, and longer");
	const struct span new = SPAN_LIT("new");
	char *path = in_root("replaced");
	char *tmp = in_root("replaced" DURABLE_SUFFIX);
	uint8_t *p = NULL;
	size_t len = 0;

	assert_int_equal(durable_write(&io_posix, path, &old, 1, 0600, NULL), 0);
	assert_int_equal(durable_write(&io_posix, tmp, &old, 1, 0600, NULL), 0);
	assert_int_equal(durable_write(&io_posix, path, &new, 1, 0640, NULL), 0);
	assert_int_equal(durable_read(&io_posix, path, 3, &p, &len, NULL), 0);
	assert_true(span_eq(span_of(p, len), new));
	assert_int_equal(access(tmp, F_OK), -1);
	free(p);
	free(path);
	free(tmp);
}

static void test_durable__refuses_what_it_should(void **state)
{
	const struct span part = SPAN_LIT("four");
	char *path = in_root("limit");
	char *nowhere = in_root("no/such/folder");
	char long_path[DURABLE_PATH_MAX + 1];
	struct err err = ERR_INIT;
	uint8_t *p = NULL;
	size_t len = 7;

	assert_int_equal(durable_write(&io_posix, path, &part, 1, 0600, &err), 0);
	assert_int_equal(durable_read(&io_posix, path, 3, &p, &len, &err), E_TOO_LARGE);
	assert_string_equal(err.field, path);
	assert_int_equal(durable_read(&io_posix, root, 1 << 20, &p, &len, &err), E_INVALID);
	assert_int_equal(durable_read(&io_posix, nowhere, 3, &p, &len, &err), E_NOT_FOUND);
	assert_int_equal(durable_write(&io_posix, nowhere, &part, 1, 0600, &err), E_NOT_FOUND);
	assert_int_equal(durable_mkdir(&io_posix, path, &err), E_EXISTS);
	assert_int_equal(durable_write(&io_posix, "", &part, 1, 0600, &err), E_INVALID);
	memset(long_path, 'x', DURABLE_PATH_MAX);
	long_path[DURABLE_PATH_MAX] = '\0';
	assert_int_equal(durable_write(&io_posix, long_path, &part, 1, 0600, &err), E_INVALID);
	assert_null(p);
	assert_int_equal(len, 7);
	free(path);
	free(nowhere);
}

/* The folder that is synced is the parent, however the path is written. */
static void test_durable__finds_the_parent(void **state)
{
	const struct span part = SPAN_LIT("x");
	char *slashed = xformat("%s//sub//", root);
	char cwd[PATH_MAX];
	struct io io = io_posix;

	io.sync_folder = traced_sync_folder;
	trace[0] = '\0';
	assert_int_equal(durable_mkdir(&io, slashed, NULL), 0);
	assert_int_equal(durable_mkdir(&io, slashed, NULL), 0);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(root), 0);
	assert_int_equal(durable_write(&io, "bare", &part, 1, 0600, NULL), 0);
	assert_int_equal(durable_write(&io, "sub/inner", &part, 1, 0600, NULL), 0);
	assert_int_equal(durable_mkdir(&io, "/tmp", NULL), 0);
	assert_int_equal(chdir(cwd), 0);
	assert_string_equal(trace, "sync_folder root sync_folder root sync_folder . sync_folder sub sync_folder / ");
	free(slashed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_io__writes_and_reads_back),
		cmocka_unit_test(test_io__sets_sizes),
		cmocka_unit_test(test_io__follows_no_link),
		cmocka_unit_test(test_io__locks_once),
		cmocka_unit_test(test_io__lists_renames_and_removes),
		cmocka_unit_test(test_io__knows_the_free_space),
		cmocka_unit_test(test_io__says_what_fails),
		cmocka_unit_test(test_durable__makes_the_calls_it_says),
		cmocka_unit_test(test_durable__goes_on_after_short_counts),
		cmocka_unit_test(test_durable__ends_when_nothing_is_written),
		cmocka_unit_test(test_durable__replaces_the_old_and_leftovers),
		cmocka_unit_test(test_durable__refuses_what_it_should),
		cmocka_unit_test(test_durable__finds_the_parent),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
