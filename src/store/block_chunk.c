/* The chunks of an opened block: read, checked and opened one by one when they are first needed. */
#include "base/hash.h"
#include "base/mem.h"
#include "store/segment_priv.h"

/* The bytes of a chunk, checked. *ret_owned is set when they were read by themselves. */
static int read_chunk(struct block *b, uint32_t off, uint32_t len, uint32_t crc, struct span *ret, uint8_t **ret_owned,
		      struct err *err)
{
	const uint8_t *in_memory = segment__memory(b->segment);
	uint8_t *p = NULL;
	int rc = 0;

	if (in_memory) {
		*ret = span_of(in_memory + b->info.off + off, len);
	} else if (b->whole) {
		*ret = span_of(b->whole + off, len);
	} else {
		p = try_alloc(len + 1);
		rc = p ? segment__read(b->segment, b->info.off + off, len, p, err)
		       : err_set(err, E_NO_MEMORY, "not enough memory for a column");
		*ret = span_of(p, len);
	}
	if (rc == 0 && crc32c(0, ret->p, len) != crc)
		rc = block__damaged(b, off, err, "a column's checksum does not fit");
	if (rc < 0)
		free(p);
	else
		*ret_owned = p;
	return rc;
}

static int open_templates(struct block *b, struct block_slot *s, struct err *err)
{
	int rc = template_open(s->chunk, s->count, s->ref_count, &s->templates, err);

	/* References in circles are found when a value is read (see block_value_text). */
	for (uint32_t k = 0; k < s->ref_count && rc == 0; k++)
		if (!block__slot(b, s->refs[k]) || s->refs[k] == s->column)
			rc = block__damaged(b, s->off, err, "a text refers to a column that is not there");
	return rc;
}

static int open_chunk(struct block *b, struct block_slot *s, struct err *err)
{
	struct reader from = reader_of(s->chunk);
	int rc = 0;

	if (s->kind == SLOT_DICT) {
		rc = segment__dict(b->segment, s->column, &s->dict, err);
		if (rc == 0)
			rc = ints_open(&s->codes, &from, s->count, err);
	} else if (s->kind == SLOT_COLUMN) {
		rc = column_open(&s->run, &from, s->count, err);
	} else if (s->kind == SLOT_TEMPLATE) {
		rc = open_templates(b, s, err);
	} else {
		rc = segment__dict(b->segment, s->column, &s->dict, err);
		if (rc == 0 && (!s->dict->map || s->dict->map_from != s->from))
			rc = block__damaged(b, -1, err, "a column's map is not there");
	}
	if (rc == 0 && (s->kind == SLOT_DICT || s->kind == SLOT_COLUMN) && reader_left(&from) != 0)
		rc = block__damaged(b, s->off, err, "a column is longer than its values");
	return rc;
}

void block__release_chunk(struct block_slot *s)
{
	ints_release(&s->codes);
	column_release(&s->run);
	s->templates = template_close(s->templates);
	free(s->owned);
	s->owned = NULL;
}

int block__open_chunk(struct block *b, struct block_slot *s, struct err *err)
{
	int rc = 0;

	if (s->kind != SLOT_DERIVED && !s->is_inline)
		rc = read_chunk(b, s->off, s->len, s->crc, &s->chunk, &s->owned, err);
	if (rc == 0)
		rc = open_chunk(b, s, err);
	if (rc < 0) {
		block__release_chunk(s);
		return segment__damaged_at(b->segment, b->info.off + s->off, rc, err);
	}
	s->opened = true;
	return 0;
}

struct block_slot *block__slot(struct block *b, uint32_t column)
{
	if (column >= shape_set_column_count(b->segment->shapes) || !b->slot_of[column])
		return NULL;
	return &b->slot[b->slot_of[column] - 1];
}

/* ---- times ---- */

static int read_times(struct block *b, uint32_t off, uint32_t len, uint32_t crc, int64_t **to, struct err *err)
{
	struct span chunk;
	struct reader from;
	struct ints run;
	uint8_t *owned = NULL;
	int rc;

	if (*to)
		return 0;
	rc = read_chunk(b, off, len, crc, &chunk, &owned, err);
	if (rc < 0)
		return rc;
	from = reader_of(chunk);
	rc = ints_open(&run, &from, b->info.rows, err);
	if (rc == 0) {
		*to = ints_take(&run);
		if (!*to)
			rc = err_set(err, E_NO_MEMORY, "not enough memory for the times of a block");
	}
	free(owned);
	return segment__damaged_at(b->segment, b->info.off + off, rc, err);
}

int block_times(struct block *b, const int64_t **ret_time, struct err *err)
{
	int rc = read_times(b, b->time_off, b->time_len, b->time_crc, &b->time, err);

	if (rc == 0)
		*ret_time = b->time;
	return rc;
}

int block_received(struct block *b, const int64_t **ret_received, struct err *err)
{
	int rc = read_times(b, b->time_off + b->time_len, b->received_len, b->received_crc, &b->received, err);

	if (rc == 0)
		*ret_received = b->received;
	return rc;
}
