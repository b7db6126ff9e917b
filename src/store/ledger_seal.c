/*
 * From raw records to a file: a closed chunk is encoded into an image; images become a file when they end on a multiple
 * of HEAD_IMAGES_MAX blocks, or are that many. Several threads may encode chunks of one ledger at once; their images
 * become parts in order, because only the oldest chunks with an image leave the list of chunks.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "store/store_priv.h"

uint64_t ledger__cut(struct ledger *l)
{
	uint64_t size;

	mutex_lock(&l->mutex);
	ledger__claim_locked(l);
	size = l->size;
	if (l->current) {
		chunk_close(l->current, l->frontier);
		l->current = NULL;
	}
	ledger__unclaim_locked(l);
	mutex_unlock(&l->mutex);
	return size;
}

/* ---- chunk to image ---- */

struct chunk *ledger__waiting_chunk_locked(const struct ledger *l)
{
	for (size_t i = 0; i < l->chunk_count; i++) {
		struct chunk *c = l->chunks[i];

		if (c->state == CHUNK_CLOSED && c->first + c->count <= l->size)
			return c;
	}
	return NULL;
}

/* Makes the images at the front of the chunks parts; returns the bytes of raw records given up. */
static uint64_t move_images_locked(struct ledger *l)
{
	uint64_t bytes = 0;
	size_t n = 0;

	for (; n < l->chunk_count && l->chunks[n]->state == CHUNK_BUILT; n++) {
		struct chunk *c = l->chunks[n];
		struct part p = {
			.first = c->first,
			.next = c->first + c->count,
			.bytes = c->image_len,
			.segment = c->image,
			.image = c->image_bytes,
		};

		ledger__add_part_locked(l, l->part_count, &p);
		atomic_fetch_add(&l->store->image_bytes, p.bytes);
		c->image = NULL;
		bytes += c->bytes;
		chunk_unref(c);
	}
	l->chunk_count -= n;
	memmove(l->chunks, l->chunks + n, l->chunk_count * sizeof(*l->chunks));
	return bytes;
}

int ledger__build_one(struct ledger *l, struct err *err)
{
	struct segment *image;
	const uint8_t *bytes;
	struct chunk *c;
	uint64_t room = 0;
	size_t len;
	int rc;

	mutex_lock(&l->mutex);
	c = ledger__waiting_chunk_locked(l);
	if (c)
		c->state = CHUNK_BUILDING;
	mutex_unlock(&l->mutex);
	if (!c)
		return 0;
	rc = chunk_build(c, l->number, l->id_key, &image, &bytes, &len, err);
	if (rc == 0)
		segment_use_cache(image, l->store->block_cache);
	mutex_lock(&l->mutex);
	if (rc == 0) {
		c->image = image;
		c->image_bytes = bytes;
		c->image_len = len;
		c->state = CHUNK_BUILT;
		room = move_images_locked(l);
	} else {
		c->state = CHUNK_CLOSED;
	}
	cond_broadcast(&l->changed);
	mutex_unlock(&l->mutex);
	atomic_fetch_sub(&l->store->memory.head, room);
	memory__give(l->store, room);
	return rc < 0 ? rc : 1;
}

/* ---- images to file ---- */

size_t ledger__images_due_locked(const struct ledger *l)
{
	uint64_t rows = (uint64_t)HEAD_IMAGES_MAX * l->store->block_rows;
	size_t n = 0;

	if (l->is_filing)
		return 0;
	while (n < HEAD_IMAGES_MAX && l->file_count + n < l->part_count) {
		n++;
		if (l->parts[l->file_count + n - 1].next % rows == 0)
			return n;
	}
	return n == HEAD_IMAGES_MAX ? n : 0;
}

/* Those that are due, or all when `all`: claimed for the caller, and referenced. How many; 0 when none are to be had.
 */
static size_t claim_images(struct ledger *l, bool all, struct part **ret)
{
	size_t n;

	mutex_lock(&l->mutex);
	n = ledger__images_due_locked(l);
	if (n == 0 && all && !l->is_filing)
		n = l->part_count - l->file_count;
	if (n > 0) {
		*ret = xarray(n, sizeof(**ret));
		memcpy(*ret, l->parts + l->file_count, n * sizeof(**ret));
		for (size_t i = 0; i < n; i++)
			(void)segment_ref((*ret)[i].segment);
		l->is_filing = true;
	}
	mutex_unlock(&l->mutex);
	return n;
}

/* One image is a segment's bytes as it is. */
static int write_images(struct ledger *l, const struct part *images, size_t n, struct part *ret, struct err *err)
{
	struct segment **segments = xarray(n, sizeof(struct segment *));
	struct buf merged = BUF_INIT;
	struct span bytes = span_of(images[0].image, images[0].bytes);
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		segments[i] = images[i].segment;
	if (n > 1) {
		rc = segment_merge(segments, n, l->id_key, &merged, err);
		bytes = buf_span(&merged);
	}
	*ret = (struct part){.first = images[0].first, .next = images[n - 1].next};
	if (rc == 0)
		rc = ledger__put_file(l, bytes, true, ret, err);
	buf_release(&merged);
	free(segments);
	return rc;
}

/* From here on the records count as sealed. */
static void put_in_place_locked(struct ledger *l, size_t n, const struct part *file)
{
	for (size_t i = l->file_count; i < l->file_count + n; i++)
		atomic_fetch_sub(&l->store->image_bytes, l->parts[i].bytes);
	ledger__remove_parts_locked(l, l->file_count, n);
	ledger__add_part_locked(l, l->file_count, file);
	l->file_count++;
	atomic_store(&l->sealed, file->next);
	atomic_fetch_add(&l->store->seals, 1);
}

int ledger__file_images(struct ledger *l, bool all, struct err *err)
{
	struct part *images;
	size_t n = claim_images(l, all, &images);
	struct part file;
	int rc;

	if (n == 0)
		return 0;
	rc = write_images(l, images, n, &file, err);
	mutex_lock(&l->mutex);
	if (rc == 0)
		put_in_place_locked(l, n, &file);
	l->is_filing = false;
	cond_broadcast(&l->changed);
	mutex_unlock(&l->mutex);
	for (size_t i = 0; i < n; i++)
		segment_unref(images[i].segment);
	free(images);
	return rc < 0 ? rc : 1;
}

/* ---- all of it ---- */

enum step { STEP_DONE, STEP_BUILD, STEP_FILE, STEP_WAIT };

/* What is next on the way to having all records before `target` in files. */
static enum step next_step_locked(const struct ledger *l, uint64_t target)
{
	if (atomic_load(&l->sealed) >= target)
		return STEP_DONE;
	if (ledger__waiting_chunk_locked(l))
		return STEP_BUILD;
	if (l->chunk_count > 0 && l->chunks[0]->first < target)
		return STEP_WAIT; /* for whoever builds it */
	return l->is_filing ? STEP_WAIT : STEP_FILE;
}

int ledger_seal(struct ledger *l, struct err *err)
{
	uint64_t target = ledger__cut(l);
	int rc = 0;

	mutex_lock(&l->mutex);
	while (rc >= 0) {
		enum step step = next_step_locked(l, target);

		if (step == STEP_DONE)
			break;
		if (step == STEP_WAIT) {
			cond_wait(&l->changed, &l->mutex);
			continue;
		}
		mutex_unlock(&l->mutex);
		rc = step == STEP_BUILD ? ledger__build_one(l, err) : ledger__file_images(l, true, err);
		mutex_lock(&l->mutex);
	}
	ledger__cool_locked(l);
	mutex_unlock(&l->mutex);
	return rc < 0 ? rc : 0;
}
