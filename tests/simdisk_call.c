/* The simulated disk's calls, and whether they fail. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/thread.h"
#include "simdisk_priv.h"

#define FD_FIRST                1000 /* far from the process's own, so that a mix-up shows */
#define FREE_BYTES_IF_UNLIMITED ((uint64_t)1 << 40)

static struct simdisk *disk_of(struct io *io)
{
	return (struct simdisk *)io;
}

/* What a call is to do: take effect or not, and the negative errno value to return instead of its result, or 0. */
struct verdict {
	bool runs;
	int error;
};

static struct verdict judge(struct simdisk *sd, unsigned kind)
{
	struct simdisk_fault *fault = &sd->fault;
	bool strikes;

	sd->calls[__builtin_ctz(kind)]++;
	if (fault->nth == 0 || !(fault->kinds & kind))
		return (struct verdict){true, 0};
	sd->fault_calls++;
	strikes = sd->fault_calls == fault->nth || (fault->persists && sd->fault_calls > fault->nth);
	if (!strikes)
		return (struct verdict){true, 0};
	sd->has_struck = true;
	return (struct verdict){fault->done, -fault->error};
}

static struct verdict enter(struct simdisk *sd, unsigned kind)
{
	mutex_lock(&sd->mutex);
	return judge(sd, kind);
}

static int leave(struct simdisk *sd, struct verdict verdict, int rc)
{
	mutex_unlock(&sd->mutex);
	return verdict.error ? verdict.error : rc;
}

static bool *mark_in_use(const struct simdisk *sd, bool with_forgotten)
{
	bool *used = xarray(sd->file_count, sizeof(bool));

	for (size_t i = 0; i < sd->now.count; i++)
		used[sd->now.v[i].file] = true;
	for (size_t i = 0; i < sd->fd_count; i++) {
		if (sd->fds[i].is_open)
			used[sd->fds[i].file] = true;
	}
	for (size_t i = 0; with_forgotten && i < sd->durable.count; i++)
		used[sd->durable.v[i].file] = true;
	for (size_t i = 0; with_forgotten && i < sd->log.count; i++)
		used[sd->log.v[i].file] = true;
	return used;
}

void disk__sweep(struct simdisk *sd)
{
	bool *used = mark_in_use(sd, true);

	for (size_t i = 0; i < sd->file_count; i++) {
		if (!used[i]) {
			file__free(sd->files[i]);
			sd->files[i] = NULL;
		}
	}
	free(used);
}

static uint64_t used_bytes(const struct simdisk *sd)
{
	bool *used = mark_in_use(sd, false);
	uint64_t sum = 0;

	for (size_t i = 0; i < sd->file_count; i++)
		sum += used[i] ? sd->files[i]->now.size : 0;
	free(used);
	return sum;
}

/* How large a file may become that is to become `size`. */
static uint64_t allowed_size(const struct simdisk *sd, const struct file *f, uint64_t size)
{
	uint64_t used;

	if (sd->capacity == UINT64_MAX || size <= f->now.size)
		return size;
	used = used_bytes(sd);
	if (used >= sd->capacity)
		return f->now.size;
	return size - f->now.size <= sd->capacity - used ? size : f->now.size + (sd->capacity - used);
}

static struct descriptor *find_descriptor(struct simdisk *sd, int fd)
{
	size_t i = (size_t)fd - FD_FIRST;

	if (fd < FD_FIRST || i >= sd->fd_count || i < sd->fd_valid_from || !sd->fds[i].is_open)
		return NULL;
	return &sd->fds[i];
}

/* The file behind a descriptor opened for that access, or NULL. */
static struct file *find_open(struct simdisk *sd, int fd, int access)
{
	const struct descriptor *d = find_descriptor(sd, fd);
	int mode = d ? d->flags & O_ACCMODE : 0;

	if (!d || (access == O_WRONLY && mode == O_RDONLY) || (access == O_RDONLY && mode == O_WRONLY))
		return NULL;
	return sd->files[d->file];
}

struct file *disk__find_path(const struct simdisk *sd, const char *normal)
{
	size_t file = names__find(&sd->now, normal);

	return file == NO_FILE ? NULL : sd->files[file];
}

/* 0 when the folder that is to hold `normal` is there. */
static int check_parent(const struct simdisk *sd, const char *normal)
{
	char *parent = names__parent(normal);
	const struct file *folder = disk__find_path(sd, parent);

	free(parent);
	if (!folder)
		return -ENOENT;
	return folder->is_folder ? 0 : -ENOTDIR;
}

static int add_name(struct simdisk *sd, const char *normal, bool is_folder, int mode)
{
	int rc = check_parent(sd, normal);
	size_t file;

	if (rc < 0)
		return rc;
	file = disk__add_file(sd, file__new(is_folder, mode));
	names__set(&sd->now, normal, file);
	name_log__add(&sd->log, NULL, normal, file);
	return 0;
}

static int add_descriptor(struct simdisk *sd, size_t file, int flags)
{
	sd->fds = xrealloc(sd->fds, (sd->fd_count + 1) * sizeof(struct descriptor));
	sd->fds[sd->fd_count] = (struct descriptor){file, flags, true};
	return FD_FIRST + (int)sd->fd_count++;
}

/* Makes the file when it may; 0 when it is there to be opened. */
static int prepare_file(struct simdisk *sd, const char *normal, int flags, int mode)
{
	struct file *f = disk__find_path(sd, normal);

	if (!f)
		return flags & O_CREAT ? add_name(sd, normal, false, mode) : -ENOENT;
	if ((flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (f->is_folder)
		return -EISDIR;
	if (flags & O_TRUNC)
		file__resize(f, 0);
	return 0;
}

static int sim_open(struct io *io, const char *path, int flags, int mode)
{
	struct simdisk *sd = disk_of(io);
	char *normal = names__normal(path);
	struct verdict verdict = enter(sd, SIMDISK_OPEN);
	int rc = 0;

	if (verdict.runs)
		rc = prepare_file(sd, normal, flags, mode);
	if (rc == 0 && !verdict.error)
		rc = add_descriptor(sd, names__find(&sd->now, normal), flags);
	free(normal);
	return leave(sd, verdict, rc);
}

static int sim_close(struct io *io, int fd)
{
	struct simdisk *sd = disk_of(io);
	struct verdict verdict = enter(sd, SIMDISK_CLOSE);
	struct descriptor *d = find_descriptor(sd, fd);
	int rc = d ? 0 : -EBADF;

	must(d || (size_t)fd - FD_FIRST < sd->fd_valid_from); /* closed twice, or never opened */
	if (d) {
		struct file *f = sd->files[d->file];

		d->is_open = false;
		if (f->locked_by == fd)
			f->locked_by = 0;
	}
	return leave(sd, verdict, rc);
}

static size_t cut_short(struct simdisk *sd, size_t len)
{
	if (len < 2 || sd->short_one_in == 0 || rng_below(&sd->rng, sd->short_one_in) != 0)
		return len;
	return 1 + (size_t)rng_below(&sd->rng, len - 1);
}

static ssize_t sim_pread(struct io *io, int fd, void *p, size_t len, uint64_t off)
{
	struct simdisk *sd = disk_of(io);
	struct verdict verdict = enter(sd, SIMDISK_PREAD);
	const struct file *f = find_open(sd, fd, O_RDONLY);
	ssize_t n = -EBADF;

	if (f && !verdict.error) {
		size_t there = off < f->now.size ? (size_t)(f->now.size - off) : 0;

		n = (ssize_t)cut_short(sd, len < there ? len : there);
		if (n > 0)
			memcpy(p, f->now.p + off, (size_t)n);
	}
	mutex_unlock(&sd->mutex);
	return verdict.error ? verdict.error : n;
}

static ssize_t sim_pwrite(struct io *io, int fd, const void *p, size_t len, uint64_t off)
{
	struct simdisk *sd = disk_of(io);
	struct verdict verdict = enter(sd, SIMDISK_PWRITE);
	struct file *f = find_open(sd, fd, O_WRONLY);
	ssize_t n = -EBADF;

	if (f && verdict.runs) {
		uint64_t end = allowed_size(sd, f, off + len);

		if (end <= off && len > 0) {
			n = -ENOSPC;
		} else {
			n = (ssize_t)cut_short(sd, (size_t)(end - off));
			file__write(f, p, (size_t)n, off);
		}
	}
	mutex_unlock(&sd->mutex);
	return verdict.error ? verdict.error : n;
}

static int change_size(struct simdisk *sd, struct file *f, uint64_t size)
{
	if (allowed_size(sd, f, size) < size)
		return -ENOSPC;
	file__resize(f, size);
	return 0;
}

static int sim_allocate(struct io *io, int fd, uint64_t size)
{
	struct simdisk *sd = disk_of(io);
	struct verdict verdict = enter(sd, SIMDISK_ALLOCATE);
	struct file *f = find_open(sd, fd, O_WRONLY);
	int rc = f ? 0 : -EBADF;

	if (f && verdict.runs && size > f->now.size)
		rc = change_size(sd, f, size);
	return leave(sd, verdict, rc);
}

static int sim_truncate(struct io *io, int fd, uint64_t size)
{
	struct simdisk *sd = disk_of(io);
	struct verdict verdict = enter(sd, SIMDISK_TRUNCATE);
	struct file *f = find_open(sd, fd, O_WRONLY);
	int rc = f ? 0 : -EBADF;

	if (f && verdict.runs)
		rc = change_size(sd, f, size);
	return leave(sd, verdict, rc);
}

/* Sleeps without the lock; what is written meanwhile is not covered by the sync that sleeps. */
static void wait_for_platters(struct simdisk *sd)
{
	struct timespec delay = {(time_t)(sd->sync_delay_us / 1000000), (long)(sd->sync_delay_us % 1000000) * 1000};

	if (sd->sync_delay_us == 0)
		return;
	mutex_unlock(&sd->mutex);
	(void)nanosleep(&delay, NULL);
	mutex_lock(&sd->mutex);
}

static int sim_sync(struct io *io, int fd)
{
	struct simdisk *sd = disk_of(io);
	struct verdict verdict = enter(sd, SIMDISK_SYNC);
	struct file *f = find_open(sd, fd, O_RDWR);
	uint64_t before_seq = f ? f->next_seq : 0;

	wait_for_platters(sd);
	f = find_open(sd, fd, O_RDWR);
	if (f && verdict.runs)
		file__sync(f, before_seq);
	else if (f)
		file__lose(f, &sd->rng);
	return leave(sd, verdict, f ? 0 : -EBADF);
}

static int sim_sync_folder(struct io *io, const char *path)
{
	struct simdisk *sd = disk_of(io);
	char *normal = names__normal(path);
	struct verdict verdict = enter(sd, SIMDISK_SYNC_FOLDER);
	const struct file *folder = disk__find_path(sd, normal);
	int rc = folder ? 0 : -ENOENT;

	if (folder && !folder->is_folder)
		rc = -ENOTDIR;
	if (rc == 0 && verdict.runs) {
		name_log__keep_folder(&sd->log, normal);
		name_log__apply(&sd->log, &sd->durable);
		disk__sweep(sd);
	}
	free(normal);
	return leave(sd, verdict, rc);
}

static int check_rename(const struct simdisk *sd, const char *from, const char *to)
{
	const struct file *moved = disk__find_path(sd, from);
	const struct file *replaced = disk__find_path(sd, to);

	if (!moved)
		return -ENOENT;
	must(!moved->is_folder); /* not simulated */
	if (replaced && replaced->is_folder)
		return -EISDIR;
	return check_parent(sd, to);
}

static int sim_rename(struct io *io, const char *from, const char *to)
{
	struct simdisk *sd = disk_of(io);
	char *from_normal = names__normal(from);
	char *to_normal = names__normal(to);
	struct verdict verdict = enter(sd, SIMDISK_RENAME);
	int rc = check_rename(sd, from_normal, to_normal);

	if (rc == 0 && verdict.runs && strcmp(from_normal, to_normal) != 0) {
		size_t file = names__find(&sd->now, from_normal);

		names__remove(&sd->now, from_normal);
		names__set(&sd->now, to_normal, file);
		name_log__add(&sd->log, from_normal, to_normal, file);
	}
	free(from_normal);
	free(to_normal);
	return leave(sd, verdict, rc);
}

static int sim_unlink(struct io *io, const char *path)
{
	struct simdisk *sd = disk_of(io);
	char *normal = names__normal(path);
	struct verdict verdict = enter(sd, SIMDISK_UNLINK);
	const struct file *f = disk__find_path(sd, normal);
	int rc = f ? 0 : -ENOENT;

	if (f && f->is_folder)
		rc = -EISDIR;
	if (rc == 0 && verdict.runs) {
		name_log__add(&sd->log, normal, NULL, names__find(&sd->now, normal));
		names__remove(&sd->now, normal);
	}
	free(normal);
	return leave(sd, verdict, rc);
}

static int sim_mkdir(struct io *io, const char *path, int mode)
{
	struct simdisk *sd = disk_of(io);
	char *normal = names__normal(path);
	struct verdict verdict = enter(sd, SIMDISK_MKDIR);
	int rc = disk__find_path(sd, normal) ? -EEXIST : 0;

	if (rc == 0 && verdict.runs)
		rc = add_name(sd, normal, true, mode);
	free(normal);
	return leave(sd, verdict, rc);
}

/* The last parts of the names in the folder, so that they can be told without the lock: the callee may call back. */
static char **copy_listing(const struct simdisk *sd, const char *folder, size_t *ret_count)
{
	char **copied = xarray(sd->now.count, sizeof(char *));
	size_t count = 0;

	for (size_t i = 0; i < sd->now.count; i++) {
		const char *path = sd->now.v[i].path;
		char *parent = names__parent(path);

		if (strcmp(parent, folder) == 0 && strcmp(path, "/") != 0)
			copied[count++] = xstrdup(strrchr(path, '/') + 1);
		free(parent);
	}
	*ret_count = count;
	return copied;
}

static int sim_list(struct io *io, const char *path, io_name_fn *fn, void *user)
{
	struct simdisk *sd = disk_of(io);
	char *normal = names__normal(path);
	struct verdict verdict = enter(sd, SIMDISK_LIST);
	const struct file *folder = disk__find_path(sd, normal);
	size_t count = 0;
	char **listing = copy_listing(sd, normal, &count);
	int rc = folder ? 0 : -ENOENT;

	if (folder && !folder->is_folder)
		rc = -ENOTDIR;
	rc = leave(sd, verdict, rc);
	for (size_t i = 0; i < count; i++) {
		if (rc == 0)
			rc = fn(user, listing[i]);
		free(listing[i]);
	}
	free(listing);
	free(normal);
	return rc;
}

static int sim_stat(struct io *io, const char *path, struct io_stat *ret_stat)
{
	struct simdisk *sd = disk_of(io);
	char *normal = names__normal(path);
	struct verdict verdict = enter(sd, SIMDISK_STAT);
	const struct file *f = disk__find_path(sd, normal);

	if (f && !verdict.error) {
		ret_stat->size_bytes = f->now.size;
		ret_stat->is_folder = f->is_folder;
		ret_stat->mode = f->mode;
	}
	free(normal);
	return leave(sd, verdict, f ? 0 : -ENOENT);
}

static int sim_lock(struct io *io, int fd)
{
	struct simdisk *sd = disk_of(io);
	struct verdict verdict = enter(sd, SIMDISK_LOCK);
	struct file *f = find_open(sd, fd, O_RDWR);
	int rc = f ? 0 : -EBADF;

	if (f && f->locked_by && f->locked_by != fd)
		rc = -EWOULDBLOCK;
	if (rc == 0 && verdict.runs)
		f->locked_by = fd;
	return leave(sd, verdict, rc);
}

static int sim_free_bytes(struct io *io, const char *path, uint64_t *ret_bytes)
{
	struct simdisk *sd = disk_of(io);
	struct verdict verdict = enter(sd, SIMDISK_FREE_BYTES);

	if (!verdict.error && sd->capacity == UINT64_MAX) {
		*ret_bytes = FREE_BYTES_IF_UNLIMITED;
	} else if (!verdict.error) {
		uint64_t used = used_bytes(sd);

		*ret_bytes = used < sd->capacity ? sd->capacity - used : 0;
	}
	return leave(sd, verdict, 0);
}

const struct io disk__calls = {
	.open = sim_open,
	.close = sim_close,
	.pread = sim_pread,
	.pwrite = sim_pwrite,
	.allocate = sim_allocate,
	.truncate = sim_truncate,
	.sync = sim_sync,
	.sync_folder = sim_sync_folder,
	.rename = sim_rename,
	.unlink = sim_unlink,
	.mkdir = sim_mkdir,
	.list = sim_list,
	.stat = sim_stat,
	.lock = sim_lock,
	.free_bytes = sim_free_bytes,
};
