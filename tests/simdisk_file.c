/* The content of the simulated disk's files: what is written, what of it is synced, and what a crash makes of it. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "simdisk_priv.h"

static uint64_t sector_up(uint64_t off)
{
	return (off + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES;
}

static void reserve(struct content *c, uint64_t cap)
{
	uint8_t *p;

	cap = sector_up(cap);
	if (cap <= c->cap)
		return;
	if (cap < c->cap * 2)
		cap = c->cap * 2;
	p = xarray(cap, 1);
	if (c->size)
		memcpy(p, c->p, c->size);
	free(c->p);
	c->p = p;
	c->cap = cap;
}

static void resize(struct content *c, uint64_t size)
{
	reserve(c, size);
	if (size < c->size)
		memset(c->p + size, 0, c->size - size);
	c->size = size;
}

static void copy_content(struct content *to, const struct content *from)
{
	*to = (struct content){NULL, 0, 0};
	resize(to, from->size);
	if (from->size)
		memcpy(to->p, from->p, from->size);
}

struct file *file__new(bool is_folder, int mode)
{
	struct file *f = xalloc(sizeof(*f));

	f->is_folder = is_folder;
	f->mode = (uint32_t)mode & 07777;
	return f;
}

static void forget_changes(struct file *f, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(f->changes[i].image);
	f->change_count -= count;
	if (f->change_count)
		memmove(f->changes, f->changes + count, f->change_count * sizeof(f->changes[0]));
}

void file__free(struct file *f)
{
	if (!f)
		return;
	forget_changes(f, f->change_count);
	free(f->changes);
	free(f->now.p);
	free(f->synced.p);
	free(f);
}

static struct change *add_change(struct file *f)
{
	struct change *change;

	if (f->change_count == f->change_cap) {
		f->change_cap = f->change_cap ? f->change_cap * 2 : 8;
		f->changes = xrealloc(f->changes, f->change_cap * sizeof(f->changes[0]));
	}
	change = &f->changes[f->change_count++];
	*change = (struct change){.seq = f->next_seq++, .size_after = f->now.size};
	return change;
}

struct file *file__copy(const struct file *f)
{
	struct file *copy = file__new(f->is_folder, (int)f->mode);

	copy_content(&copy->now, &f->now);
	copy_content(&copy->synced, &f->synced);
	copy->next_seq = f->next_seq;
	for (size_t i = 0; i < f->change_count; i++) {
		struct change *change = add_change(copy);

		*change = f->changes[i];
		change->image = xalloc(change->image_len);
		if (change->image_len)
			memcpy(change->image, f->changes[i].image, change->image_len);
	}
	copy->next_seq = f->next_seq;
	return copy;
}

void file__write(struct file *f, const void *p, size_t len, uint64_t off)
{
	struct change *change;

	if (len == 0)
		return;
	if (off + len > f->now.size)
		resize(&f->now, off + len);
	memcpy(f->now.p + off, p, len);
	change = add_change(f);
	change->off = off / SECTOR_BYTES * SECTOR_BYTES;
	change->image_len = sector_up(off + len) - change->off;
	change->image = xalloc(change->image_len);
	memcpy(change->image, f->now.p + change->off, change->image_len);
}

void file__resize(struct file *f, uint64_t size)
{
	if (size == f->now.size)
		return;
	resize(&f->now, size);
	add_change(f);
}

/* Puts sectors in place, beyond the size too; whoever calls it sets the size in the end. */
static void put_sectors(struct content *c, uint64_t off, const uint8_t *image, uint64_t len)
{
	reserve(c, off + len);
	memcpy(c->p + off, image, len);
}

void file__sync(struct file *f, uint64_t before_seq)
{
	size_t n = 0;

	while (n < f->change_count && f->changes[n].seq < before_seq) {
		const struct change *change = &f->changes[n++];

		resize(&f->synced, change->size_after);
		if (change->image)
			put_sectors(&f->synced, change->off, change->image, change->image_len);
	}
	forget_changes(f, n);
	if (f->change_count == 0)
		resize(&f->synced, f->now.size);
}

enum fate { KEPT, DROPPED, TORN };

/* All of one fate half of the time: many changes each of its own would never be all kept or all dropped. */
struct fates {
	bool is_shared;
	enum fate shared;
};

static struct fates pick_fates(struct rng *rng)
{
	return (struct fates){rng_below(rng, 2) == 0, (enum fate)rng_below(rng, 3)};
}

static enum fate next_fate(const struct fates *fates, struct rng *rng)
{
	return fates->is_shared ? fates->shared : (enum fate)rng_below(rng, 3);
}

/* How many of the changes' sizes took effect: none and all are as likely as all that is between them. */
static size_t pick_size_count(size_t change_count, struct rng *rng)
{
	switch (rng_below(rng, 3)) {
	case 0:
		return 0;
	case 1:
		return change_count;
	default:
		return rng_below(rng, change_count + 1);
	}
}

static void keep_sectors(struct content *c, const struct change *change, enum fate fate, struct rng *rng)
{
	for (uint64_t at = 0; at < change->image_len; at += SECTOR_BYTES) {
		if (fate == KEPT || (fate == TORN && rng_below(rng, 2)))
			put_sectors(c, change->off + at, change->image + at, SECTOR_BYTES);
	}
}

/*
 * Brings some of the unsynced changes to the synced content. `size` is the size in effect; sectors kept beyond it are
 * held in the content's reserve and shown when a later size takes them in, or cleared in the end.
 */
static void settle(struct file *f, struct rng *rng)
{
	size_t size_count = pick_size_count(f->change_count, rng);
	struct fates fates = pick_fates(rng);
	uint64_t size = f->synced.size;
	struct content *c = &f->synced;

	for (size_t i = 0; i < f->change_count; i++)
		reserve(c, f->changes[i].off + f->changes[i].image_len);
	c->size = c->cap; /* all of the reserve counts as content until the size is settled */
	for (size_t i = 0; i < f->change_count; i++) {
		const struct change *change = &f->changes[i];

		if (i < size_count) {
			if (change->size_after < size && change->size_after < c->cap)
				memset(c->p + change->size_after, 0, c->cap - change->size_after);
			size = change->size_after;
		}
		keep_sectors(c, change, next_fate(&fates, rng), rng);
	}
	resize(c, size);
	forget_changes(f, f->change_count);
}

void file__lose(struct file *f, struct rng *rng)
{
	settle(f, rng);
}

void file__crash(struct file *f, struct rng *rng)
{
	settle(f, rng);
	free(f->now.p);
	copy_content(&f->now, &f->synced);
	f->locked_by = 0;
}

bool file__is_synced(const struct file *f)
{
	return f->change_count == 0 && f->now.size == f->synced.size &&
	       (f->now.size == 0 || memcmp(f->now.p, f->synced.p, f->now.size) == 0);
}

void file__set(struct file *f, struct span bytes)
{
	uint8_t *p = xalloc(bytes.len);

	/* The bytes may be the file's own. */
	if (bytes.len)
		memcpy(p, bytes.p, bytes.len);
	forget_changes(f, f->change_count);
	resize(&f->now, 0);
	resize(&f->now, bytes.len);
	if (bytes.len)
		memcpy(f->now.p, p, bytes.len);
	free(p);
	free(f->synced.p);
	copy_content(&f->synced, &f->now);
}
