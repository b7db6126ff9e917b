/* The simulated disk's calls, faults and tools; what a crash keeps is in simdisk_file.c and simdisk_names.c. */
#include "simdisk.h"

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
#define KIND_COUNT              15
#define FREE_BYTES_IF_UNLIMITED ((uint64_t)1 << 40)

struct descriptor {
	size_t file;
	int flags;
	bool is_open;
};

struct simdisk {
	struct io io; /* first: the calls get their disk from it */
	struct mutex mutex;
	struct rng rng;

	struct file **files; /* NULL where one is gone; an index is never used again */
	size_t file_count;
	struct names now;
	struct names durable;
	struct name_log log;

	struct descriptor *fds;
	size_t fd_count;
	size_t fd_valid_from; /* those before are of before a power loss */

	uint64_t calls[KIND_COUNT];
	struct simdisk_fault fault;
	uint64_t fault_calls;
	bool has_struck;
	uint64_t capacity;
	unsigned short_one_in;
	uint64_t sync_delay_us;
};

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

static size_t add_file(struct simdisk *sd, struct file *f)
{
	sd->files = xrealloc(sd->files, (sd->file_count + 1) * sizeof(struct file *));
	sd->files[sd->file_count] = f;
	return sd->file_count++;
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

/* Frees the files that no name, descriptor or power loss can bring back. */
static void sweep(struct simdisk *sd)
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

static struct file *find_path(const struct simdisk *sd, const char *normal)
{
	size_t file = names__find(&sd->now, normal);

	return file == NO_FILE ? NULL : sd->files[file];
}

/* 0 when the folder that is to hold `normal` is there. */
static int check_parent(const struct simdisk *sd, const char *normal)
{
	char *parent = names__parent(normal);
	const struct file *folder = find_path(sd, parent);

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
	file = add_file(sd, file__new(is_folder, mode));
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
	struct file *f = find_path(sd, normal);

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
	const struct file *folder = find_path(sd, normal);
	int rc = folder ? 0 : -ENOENT;

	if (folder && !folder->is_folder)
		rc = -ENOTDIR;
	if (rc == 0 && verdict.runs) {
		name_log__keep_folder(&sd->log, normal);
		name_log__apply(&sd->log, &sd->durable);
		sweep(sd);
	}
	free(normal);
	return leave(sd, verdict, rc);
}

static int check_rename(const struct simdisk *sd, const char *from, const char *to)
{
	const struct file *moved = find_path(sd, from);
	const struct file *replaced = find_path(sd, to);

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
	const struct file *f = find_path(sd, normal);
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
	int rc = find_path(sd, normal) ? -EEXIST : 0;

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
	const struct file *folder = find_path(sd, normal);
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
	const struct file *f = find_path(sd, normal);

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

static const struct io sim_calls = {
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

static struct simdisk *new_disk(uint64_t seed)
{
	struct simdisk *sd = xalloc(sizeof(*sd));

	sd->io = sim_calls;
	mutex_init(&sd->mutex);
	rng_init(&sd->rng, seed);
	sd->capacity = UINT64_MAX;
	return sd;
}

struct simdisk *simdisk_new(uint64_t seed)
{
	struct simdisk *sd = new_disk(seed);
	size_t root = add_file(sd, file__new(true, 0700));

	names__set(&sd->now, "/", root);
	names__set(&sd->durable, "/", root);
	return sd;
}

void simdisk_free(struct simdisk *sd)
{
	if (!sd)
		return;
	for (size_t i = 0; i < sd->file_count; i++)
		file__free(sd->files[i]);
	free(sd->files);
	free(sd->fds);
	names__release(&sd->now);
	names__release(&sd->durable);
	name_log__release(&sd->log);
	mutex_release(&sd->mutex);
	free(sd);
}

struct simdisk *simdisk_copy(struct simdisk *sd)
{
	struct simdisk *copy = new_disk(0);

	mutex_lock(&sd->mutex);
	copy->rng = sd->rng;
	for (size_t i = 0; i < sd->file_count; i++)
		add_file(copy, sd->files[i] ? file__copy(sd->files[i]) : NULL);
	names__copy(&copy->now, &sd->now);
	names__copy(&copy->durable, &sd->durable);
	name_log__copy(&copy->log, &sd->log);
	copy->capacity = sd->capacity;
	copy->short_one_in = sd->short_one_in;
	copy->sync_delay_us = sd->sync_delay_us;
	mutex_unlock(&sd->mutex);
	return copy;
}

struct io *simdisk_io(struct simdisk *sd)
{
	return &sd->io;
}

uint64_t simdisk_calls(struct simdisk *sd, unsigned kinds)
{
	uint64_t sum = 0;

	mutex_lock(&sd->mutex);
	for (unsigned i = 0; i < KIND_COUNT; i++)
		sum += kinds >> i & 1 ? sd->calls[i] : 0;
	mutex_unlock(&sd->mutex);
	return sum;
}

static void set_fault(struct simdisk *sd, struct simdisk_fault fault)
{
	sd->fault = fault;
	sd->fault.kinds = fault.kinds ? fault.kinds : SIMDISK_ALL;
	sd->fault.error = fault.error ? fault.error : EIO;
	sd->fault_calls = 0;
	sd->has_struck = false;
}

void simdisk_fail(struct simdisk *sd, struct simdisk_fault fault)
{
	must(fault.nth > 0);
	mutex_lock(&sd->mutex);
	set_fault(sd, fault);
	mutex_unlock(&sd->mutex);
}

bool simdisk_failed(struct simdisk *sd)
{
	bool result;

	mutex_lock(&sd->mutex);
	result = sd->has_struck;
	mutex_unlock(&sd->mutex);
	return result;
}

void simdisk_heal(struct simdisk *sd)
{
	mutex_lock(&sd->mutex);
	sd->fault.nth = 0;
	mutex_unlock(&sd->mutex);
}

void simdisk_set_capacity(struct simdisk *sd, uint64_t bytes)
{
	mutex_lock(&sd->mutex);
	sd->capacity = bytes;
	mutex_unlock(&sd->mutex);
}

void simdisk_set_short(struct simdisk *sd, unsigned one_in)
{
	mutex_lock(&sd->mutex);
	sd->short_one_in = one_in;
	mutex_unlock(&sd->mutex);
}

void simdisk_set_sync_delay(struct simdisk *sd, uint64_t us)
{
	mutex_lock(&sd->mutex);
	sd->sync_delay_us = us;
	mutex_unlock(&sd->mutex);
}

void simdisk_crash(struct simdisk *sd, struct rng *rng)
{
	mutex_lock(&sd->mutex);
	sd->fault.nth = 0;
	for (size_t i = 0; i < sd->fd_count; i++)
		sd->fds[i].is_open = false;
	sd->fd_valid_from = sd->fd_count;
	for (size_t i = 0; i < sd->file_count; i++) {
		if (sd->files[i])
			file__crash(sd->files[i], rng);
	}
	name_log__keep_some(&sd->log, rng);
	name_log__apply(&sd->log, &sd->durable);
	name_log__release(&sd->log);
	names__drop_orphans(&sd->durable);
	names__release(&sd->now);
	names__copy(&sd->now, &sd->durable);
	sweep(sd);
	mutex_unlock(&sd->mutex);
}

size_t simdisk_open_count(struct simdisk *sd)
{
	size_t count = 0;

	mutex_lock(&sd->mutex);
	for (size_t i = 0; i < sd->fd_count; i++)
		count += sd->fds[i].is_open;
	mutex_unlock(&sd->mutex);
	return count;
}

/* The name and those of the folders above it would survive. */
static bool is_name_durable(const struct simdisk *sd, const char *normal)
{
	size_t file = names__find(&sd->durable, normal);
	bool result = file != NO_FILE && file == names__find(&sd->now, normal);
	char *parent;

	for (size_t i = 0; i < sd->log.count; i++) {
		const struct name_change *change = &sd->log.v[i];

		if (change->file == file || (change->from && strcmp(change->from, normal) == 0) ||
		    (change->to && strcmp(change->to, normal) == 0))
			result = false;
	}
	if (!result || strcmp(normal, "/") == 0)
		return result;
	parent = names__parent(normal);
	result = is_name_durable(sd, parent);
	free(parent);
	return result;
}

bool simdisk_is_durable(struct simdisk *sd, const char *path)
{
	char *normal = names__normal(path);
	bool result;

	mutex_lock(&sd->mutex);
	result = is_name_durable(sd, normal) && file__is_synced(find_path(sd, normal));
	mutex_unlock(&sd->mutex);
	free(normal);
	return result;
}

/* The tools' way to a file that must be there; the caller holds the lock. */
static struct file *get_file_locked(struct simdisk *sd, const char *path)
{
	char *normal = names__normal(path);
	struct file *f = find_path(sd, normal);

	must(f && !f->is_folder);
	free(normal);
	return f;
}

struct span simdisk_bytes(struct simdisk *sd, const char *path)
{
	const struct file *f;

	mutex_lock(&sd->mutex);
	f = get_file_locked(sd, path);
	mutex_unlock(&sd->mutex);
	return span_of(f->now.p, (size_t)f->now.size);
}

bool simdisk_exists(struct simdisk *sd, const char *path)
{
	char *normal = names__normal(path);
	bool result;

	mutex_lock(&sd->mutex);
	result = find_path(sd, normal) != NULL;
	mutex_unlock(&sd->mutex);
	free(normal);
	return result;
}

/* The name, and those of the folders above it, in both tables of names. */
static void put_name_locked(struct simdisk *sd, const char *normal, bool is_folder)
{
	char *parent = names__parent(normal);
	size_t file = names__find(&sd->now, normal);

	if (strcmp(normal, "/") != 0)
		put_name_locked(sd, parent, true);
	if (file == NO_FILE)
		file = add_file(sd, file__new(is_folder, is_folder ? 0700 : 0600));
	names__set(&sd->now, normal, file);
	names__set(&sd->durable, normal, file);
	free(parent);
}

void simdisk_put(struct simdisk *sd, const char *path, struct span bytes)
{
	char *normal = names__normal(path);

	mutex_lock(&sd->mutex);
	put_name_locked(sd, normal, false);
	file__set(get_file_locked(sd, path), bytes);
	mutex_unlock(&sd->mutex);
	free(normal);
}

void simdisk_flip_bit(struct simdisk *sd, const char *path, uint64_t byte_off, unsigned bit)
{
	struct file *f;

	mutex_lock(&sd->mutex);
	f = get_file_locked(sd, path);
	must(byte_off < f->now.size && bit < 8);
	f->now.p[byte_off] ^= (uint8_t)(1u << bit);
	file__set(f, span_of(f->now.p, (size_t)f->now.size));
	mutex_unlock(&sd->mutex);
}

void simdisk_cut(struct simdisk *sd, const char *path, uint64_t size)
{
	struct file *f;

	mutex_lock(&sd->mutex);
	f = get_file_locked(sd, path);
	must(size <= f->now.size);
	file__set(f, span_of(f->now.p, (size_t)size));
	mutex_unlock(&sd->mutex);
}

void simdisk_remove(struct simdisk *sd, const char *path)
{
	char *normal = names__normal(path);

	mutex_lock(&sd->mutex);
	(void)get_file_locked(sd, path);
	names__remove(&sd->now, normal);
	names__remove(&sd->durable, normal);
	mutex_unlock(&sd->mutex);
	free(normal);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->path, ((const struct name *)b)->path);
}

void simdisk_each(struct simdisk *sd, simdisk_file_fn *fn, void *user)
{
	struct names sorted;
	uint64_t *sizes;

	mutex_lock(&sd->mutex);
	names__copy(&sorted, &sd->now);
	qsort(sorted.v, sorted.count, sizeof(sorted.v[0]), compare_names);
	sizes = xarray(sorted.count, sizeof(uint64_t));
	for (size_t i = 0; i < sorted.count; i++) {
		const struct file *f = sd->files[sorted.v[i].file];

		sizes[i] = f->is_folder ? UINT64_MAX : f->now.size;
	}
	mutex_unlock(&sd->mutex);
	for (size_t i = 0; i < sorted.count; i++) {
		if (sizes[i] != UINT64_MAX)
			fn(user, sorted.v[i].path, sizes[i]);
	}
	free(sizes);
	names__release(&sorted);
}
