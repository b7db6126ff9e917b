/*
 * Making files durable, for all of the program. The system calls of durable_write, in this order, by io_posix:
 *
 *	openat(path.tmp, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC|O_NOFOLLOW, mode) = fd
 *	pwrite64(fd, …)			one for each part that is not empty, more when the kernel writes short
 *	fdatasync(fd)			the content, and the size it needs to be read, are on the disk
 *	close(fd)
 *	rename(path.tmp, path)		from here every reader sees the new file
 *	openat(parent, O_RDONLY|O_DIRECTORY) fsync close
 *					from here it is there after a crash
 *
 * A rename before the sync could put an empty file under the final name after a crash; a rename without the folder
 * sync could be forgotten. When a step up to the rename fails, the temporary file is removed and not written again:
 * the kernel drops the dirty state of pages whose write-back failed, so a second fdatasync would report success for
 * bytes that are lost.
 */
#include "base/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define FOLDER_MODE 0700 /* an audit log is nobody else's to read */

/* Copies the parent of `path` (checked to fit): "." of a bare name, "/" of a name in the root. */
static void parent_of(const char *path, char parent[DURABLE_PATH_MAX])
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	while (len > 0 && path[len - 1] != '/')
		len--;
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len == 0) {
		parent[0] = '.';
		len = 1;
	} else {
		memcpy(parent, path, len);
	}
	parent[len] = '\0';
}

static int fail(struct err *err, const char *path, int rc, const char *what)
{
	err_set_field(err, path, strlen(path));
	return err_errno(err, -rc, "%s %s", what, path);
}

static int check_path(const char *path, struct err *err)
{
	size_t len = strlen(path);

	if (len > 0 && len + sizeof(DURABLE_SUFFIX) <= DURABLE_PATH_MAX)
		return 0;
	err_set_field(err, path, len);
	return err_set(err, E_INVALID, "a path has %zu bytes; 1 to %zu are supported", len,
		       DURABLE_PATH_MAX - sizeof(DURABLE_SUFFIX));
}

static int sync_parent(struct io *io, const char *path, struct err *err)
{
	char parent[DURABLE_PATH_MAX];
	int rc;

	parent_of(path, parent);
	rc = io->sync_folder(io, parent);
	return rc < 0 ? fail(err, parent, rc, "syncing the folder") : 0;
}

/* A file of that name is the leftover of a write that failed and could not even be cleaned up. */
static int open_fresh(struct io *io, const char *tmp, int mode)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL;
	int fd = io->open(io, tmp, flags, mode);

	if (fd == -EEXIST && io->unlink(io, tmp) == 0)
		fd = io->open(io, tmp, flags, mode);
	return fd;
}

static void tmp_of(const struct durable_file *f, char tmp[DURABLE_PATH_MAX])
{
	size_t len = strlen(f->path);

	must(len + sizeof(DURABLE_SUFFIX) <= DURABLE_PATH_MAX);
	memcpy(tmp, f->path, len);
	memcpy(tmp + len, DURABLE_SUFFIX, sizeof(DURABLE_SUFFIX));
}

int durable_file_begin(struct durable_file *f, struct io *io, const char *path, int mode, struct err *err)
{
	char tmp[DURABLE_PATH_MAX];
	int rc = check_path(path, err);

	if (rc < 0)
		return rc;
	f->size_bytes = 0;
	memcpy(f->path, path, strlen(path) + 1);
	tmp_of(f, tmp);
	f->fd = open_fresh(io, tmp, mode);
	if (f->fd < 0) {
		(void)io->unlink(io, tmp); /* it may have been made all the same */
		return fail(err, tmp, f->fd, "creating");
	}
	f->io = io;
	return 0;
}

/* The write is over; what is left of it is removed by whoever opens the folder next. */
void durable_file_abort(struct durable_file *f)
{
	char tmp[DURABLE_PATH_MAX];

	if (!f->io)
		return;
	tmp_of(f, tmp);
	if (f->fd >= 0)
		(void)f->io->close(f->io, f->fd);
	(void)f->io->unlink(f->io, tmp);
	f->io = NULL;
}

static int give_up(struct durable_file *f, int rc, const char *what, struct err *err)
{
	char tmp[DURABLE_PATH_MAX];

	tmp_of(f, tmp);
	rc = fail(err, tmp, rc, what);
	durable_file_abort(f);
	return rc;
}

int durable_file_put(struct durable_file *f, struct span piece, struct err *err)
{
	int rc = io_write_full(f->io, f->fd, piece.p, piece.len, f->size_bytes);

	if (rc < 0)
		return give_up(f, rc, "writing", err);
	f->size_bytes += piece.len;
	return 0;
}

int durable_file_sync(struct durable_file *f, struct err *err)
{
	int rc = f->io->sync(f->io, f->fd);

	return rc < 0 ? give_up(f, rc, "syncing", err) : 0;
}

static int close_synced(struct durable_file *f, struct err *err)
{
	int rc = durable_file_sync(f, err);

	if (rc < 0)
		return rc;
	rc = f->io->close(f->io, f->fd);
	f->fd = -1;
	return rc < 0 ? give_up(f, rc, "closing", err) : 0;
}

int durable_file_commit(struct durable_file *f, struct err *err)
{
	char tmp[DURABLE_PATH_MAX];
	struct io *io = f->io;
	int rc = close_synced(f, err);

	if (rc < 0)
		return rc;
	tmp_of(f, tmp);
	rc = io->rename(io, tmp, f->path);
	if (rc < 0) {
		rc = fail(err, f->path, rc, "renaming into place");
		durable_file_abort(f);
		return rc;
	}
	f->io = NULL;
	return sync_parent(io, f->path, err);
}

int durable_write(struct io *io, const char *path, const struct span *parts, size_t part_count, int mode,
		  struct err *err)
{
	struct durable_file f = {0};
	int rc = durable_file_begin(&f, io, path, mode, err);

	for (size_t i = 0; i < part_count && rc == 0; i++)
		rc = durable_file_put(&f, parts[i], err);
	return rc < 0 ? rc : durable_file_commit(&f, err);
}

int durable_mkdir(struct io *io, const char *path, struct err *err)
{
	struct io_stat st = {0};
	int rc = check_path(path, err);

	if (rc < 0)
		return rc;
	rc = io->mkdir(io, path, FOLDER_MODE);
	if (rc == -EEXIST && io->stat(io, path, &st) == 0 && st.is_folder)
		rc = 0;
	if (rc == -EEXIST) {
		err_set_field(err, path, strlen(path));
		return err_set(err, E_EXISTS, "%s is there and is not a folder", path);
	}
	if (rc < 0)
		return fail(err, path, rc, "making the folder");
	return sync_parent(io, path, err);
}

static int check_size(const char *path, const struct io_stat *st, size_t max, struct err *err)
{
	int rc = 0;

	if (st->is_folder)
		rc = err_set(err, E_INVALID, "%s is a folder; a file is needed", path);
	else if (st->size_bytes > max)
		rc = err_set(err, E_TOO_LARGE, "%s has %llu bytes; at most %zu are supported", path,
			     (unsigned long long)st->size_bytes, max);
	if (rc < 0)
		err_set_field(err, path, strlen(path));
	return rc;
}

/* Reads the `size` bytes the file had when it was asked, or those that are left of them. */
static int read_bytes(struct io *io, const char *path, size_t size, uint8_t **ret_p, size_t *ret_len, struct err *err)
{
	uint8_t *p = try_alloc(size);
	ssize_t n = 0;
	int fd;

	if (!p) {
		err_set_field(err, path, strlen(path));
		return err_set(err, E_NO_MEMORY, "reading %s needs %zu bytes of memory", path, size);
	}
	fd = io->open(io, path, O_RDONLY, 0);
	if (fd < 0) {
		free(p);
		return fail(err, path, fd, "opening");
	}
	n = io_read_full(io, fd, p, size, 0);
	(void)io->close(io, fd); /* opened for reading */
	if (n < 0) {
		free(p);
		return fail(err, path, (int)n, "reading");
	}
	*ret_p = p;
	*ret_len = (size_t)n;
	return 0;
}

int durable_read(struct io *io, const char *path, size_t max, uint8_t **ret_p, size_t *ret_len, struct err *err)
{
	struct io_stat st;
	int rc = io->stat(io, path, &st);

	if (rc < 0)
		return fail(err, path, rc, "reading");
	rc = check_size(path, &st, max, err);
	return rc < 0 ? rc : read_bytes(io, path, (size_t)st.size_bytes, ret_p, ret_len, err);
}
