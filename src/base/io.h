/*
 * All file I/O of the store goes through this table, so that tests can fail every call, drop unsynced writes and
 * reorder them (tests/simdisk.h). io_posix is the real one.
 *
 * Calls return 0 or a byte count, or a negative errno value (not an E_* code: the caller knows what it was doing and
 * turns it into one with err_errno). Paths are absolute or relative to the working directory, NUL-terminated. A file is
 * opened with O_CLOEXEC and O_NOFOLLOW.
 */
#ifndef STELE_BASE_IO_H
#define STELE_BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Called once per name in a folder ("." and ".." left out, no order); a non-zero return ends the listing with it. */
typedef int io_name_fn(void *user, const char *name);

struct io_stat {
	uint64_t size_bytes;
	int is_folder;
	uint32_t mode; /* permission bits, 07777 at most */
};

struct io {
	int (*open)(struct io *io, const char *path, int flags, int mode);
	int (*close)(struct io *io, int fd);
	ssize_t (*pread)(struct io *io, int fd, void *p, size_t len, uint64_t off);
	ssize_t (*pwrite)(struct io *io, int fd, const void *p, size_t len, uint64_t off);
	/* Reserves space and grows the size to `size`, never shrinks it; new bytes read as 0. */
	int (*allocate)(struct io *io, int fd, uint64_t size);
	int (*truncate)(struct io *io, int fd, uint64_t size);
	int (*sync)(struct io *io, int fd); /* fdatasync */
	int (*sync_folder)(struct io *io, const char *path);
	int (*rename)(struct io *io, const char *from, const char *to);
	int (*unlink)(struct io *io, const char *path);
	int (*mkdir)(struct io *io, const char *path, int mode);
	int (*list)(struct io *io, const char *path, io_name_fn *fn, void *user);
	int (*stat)(struct io *io, const char *path, struct io_stat *ret_stat);
	int (*lock)(struct io *io, int fd); /* exclusive, not waiting; -EWOULDBLOCK when taken */
	int (*free_bytes)(struct io *io, const char *path, uint64_t *ret_bytes);
};

extern struct io io_posix;

/* Whole reads and writes: loop over short counts and EINTR. io_read_full returns the bytes read, less than len only at
 * the end of the file; io_write_full 0. Both a negative errno on failure. */
ssize_t io_read_full(struct io *io, int fd, void *p, size_t len, uint64_t off);
int io_write_full(struct io *io, int fd, const void *p, size_t len, uint64_t off);

#endif
