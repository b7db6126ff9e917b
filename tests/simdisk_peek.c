/* What a test sees of the simulated disk and does to it behind the back of the code under test. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "simdisk_priv.h"

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
	result = is_name_durable(sd, normal) && file__is_synced(disk__find_path(sd, normal));
	mutex_unlock(&sd->mutex);
	free(normal);
	return result;
}

/* The tools' way to a file that must be there; the caller holds the lock. */
static struct file *get_file_locked(struct simdisk *sd, const char *path)
{
	char *normal = names__normal(path);
	struct file *f = disk__find_path(sd, normal);

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
	result = disk__find_path(sd, normal) != NULL;
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
		file = disk__add_file(sd, file__new(is_folder, is_folder ? 0700 : 0600));
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
