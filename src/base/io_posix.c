/* The real disk: struct io over the system calls, with EINTR retried where nothing was done yet. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/io.h"

static int result_of(int rc)
{
	return rc < 0 ? -errno : rc;
}

static int posix_open(struct io *io, const char *path, int flags, int mode)
{
	int fd;

	do {
		fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode);
	} while (fd < 0 && errno == EINTR);
	return result_of(fd);
}

/* On Linux the descriptor is gone whatever close says, so it is not called again. */
static int posix_close(struct io *io, int fd)
{
	int rc = result_of(close(fd));

	return rc == -EINTR ? 0 : rc;
}

static ssize_t posix_pread(struct io *io, int fd, void *p, size_t len, uint64_t off)
{
	ssize_t n;

	do {
		n = pread(fd, p, len, (off_t)off);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t posix_pwrite(struct io *io, int fd, const void *p, size_t len, uint64_t off)
{
	ssize_t n;

	do {
		n = pwrite(fd, p, len, (off_t)off);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int posix_truncate(struct io *io, int fd, uint64_t size)
{
	int rc;

	do {
		rc = ftruncate(fd, (off_t)size);
	} while (rc < 0 && errno == EINTR);
	return result_of(rc);
}

/* For file systems that cannot reserve: only the size is set, and a full disk shows when the bytes are written. */
static int grow_sparse(struct io *io, int fd, uint64_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return (uint64_t)st.st_size >= size ? 0 : posix_truncate(io, fd, size);
}

static int posix_allocate(struct io *io, int fd, uint64_t size)
{
	int rc;

	if (size == 0)
		return 0;
	do {
		rc = fallocate(fd, 0, 0, (off_t)size);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
		return grow_sparse(io, fd, size);
	return result_of(rc);
}

static int posix_sync(struct io *io, int fd)
{
	int rc;

	do {
		rc = fdatasync(fd);
	} while (rc < 0 && errno == EINTR);
	return result_of(rc);
}

static int posix_sync_folder(struct io *io, const char *path)
{
	int fd;
	int rc;

	do {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	do {
		rc = fsync(fd);
	} while (rc < 0 && errno == EINTR);
	rc = result_of(rc);
	(void)close(fd); /* opened for reading: nothing of ours can be lost by closing it */
	return rc;
}

static int posix_rename(struct io *io, const char *from, const char *to)
{
	return result_of(rename(from, to));
}

static int posix_unlink(struct io *io, const char *path)
{
	return result_of(unlink(path));
}

static int posix_mkdir(struct io *io, const char *path, int mode)
{
	return result_of(mkdir(path, (mode_t)mode));
}

static int posix_list(struct io *io, const char *path, io_name_fn *fn, void *user)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int rc = 0;

	if (!dir)
		return -errno;
	while (rc == 0) {
		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			rc = -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = fn(user, entry->d_name);
	}
	(void)closedir(dir);
	return rc;
}

static int posix_stat(struct io *io, const char *path, struct io_stat *ret_stat)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	ret_stat->size_bytes = (uint64_t)st.st_size;
	ret_stat->is_folder = S_ISDIR(st.st_mode);
	ret_stat->mode = (uint32_t)st.st_mode & 07777;
	return 0;
}

static int posix_lock(struct io *io, int fd)
{
	return result_of(flock(fd, LOCK_EX | LOCK_NB));
}

static int posix_free_bytes(struct io *io, const char *path, uint64_t *ret_bytes)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return -errno;
	*ret_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return 0;
}

struct io io_posix = {
	.open = posix_open,
	.close = posix_close,
	.pread = posix_pread,
	.pwrite = posix_pwrite,
	.allocate = posix_allocate,
	.truncate = posix_truncate,
	.sync = posix_sync,
	.sync_folder = posix_sync_folder,
	.rename = posix_rename,
	.unlink = posix_unlink,
	.mkdir = posix_mkdir,
	.list = posix_list,
	.stat = posix_stat,
	.lock = posix_lock,
	.free_bytes = posix_free_bytes,
};
