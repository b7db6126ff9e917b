/* The simulated disk as a whole: its making, its faults and its power losses. */
#include "simdisk.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "simdisk_priv.h"

size_t disk__add_file(struct simdisk *sd, struct file *f)
{
	sd->files = xrealloc(sd->files, (sd->file_count + 1) * sizeof(struct file *));
	sd->files[sd->file_count] = f;
	return sd->file_count++;
}

static struct simdisk *new_disk(uint64_t seed)
{
	struct simdisk *sd = xalloc(sizeof(*sd));

	sd->io = disk__calls;
	mutex_init(&sd->mutex);
	rng_init(&sd->rng, seed);
	sd->capacity = UINT64_MAX;
	return sd;
}

struct simdisk *simdisk_new(uint64_t seed)
{
	struct simdisk *sd = new_disk(seed);
	size_t root = disk__add_file(sd, file__new(true, 0700));

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
		disk__add_file(copy, sd->files[i] ? file__copy(sd->files[i]) : NULL);
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
	disk__sweep(sd);
	mutex_unlock(&sd->mutex);
}
