/*
 * A stored record is right when writing what it says in canonical form gives the same bytes. That is all this does, so
 * there is no second opinion on the format to keep in step with the first.
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/record_priv.h"

static bool is_id(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!(text.p[i] >= '0' && text.p[i] <= '9') && !(text.p[i] >= 'a' && text.p[i] <= 'f'))
			return false;
	return text.len == RECORD_ID_LEN;
}

static int check_fixed(const struct record_event *event, struct err *err)
{
	yyjson_val *id = event->members[RECORD_ID], *received = event->members[RECORD_RECEIVED];
	int64_t us;

	if (!id || !is_id(record__string(id)))
		return err_corrupt(err, 0, "the record has no id of %d hex digits", RECORD_ID_LEN);
	if (!received || unsafe_yyjson_get_len(received) != TIMESTAMP_LEN ||
	    !timestamp_parse_canonical(record__string(received).p, &us))
		return err_corrupt(err, 0, "the record has no canonical time of receipt");
	if (!event->members[RECORD_TIME])
		return err_corrupt(err, 0, "the record has no time");
	return 0;
}

static int compare(struct span record, struct span canonical, struct err *err)
{
	size_t n = record.len < canonical.len ? record.len : canonical.len, i = 0;

	if (span_eq(record, canonical))
		return 0;
	while (i < n && record.p[i] == canonical.p[i])
		i++;
	return err_corrupt(err, (int64_t)i, "the record is not in canonical form");
}

/* Parses and rewrites; anything that is refused on the way in is damage here. *ret_end is the offset behind it. */
static int rewrite(struct record_parser *p, struct span record, struct record_batch *batch, size_t *ret_end,
		   struct err *err)
{
	struct err problem = ERR_INIT;
	struct record_event event = {.is_stored = true};
	yyjson_val *root = NULL;
	int rc = record__load(p, record, &problem);

	if (rc == 0) {
		enum record_read ended = record__read(p, 0, &root, ret_end, &problem);

		if (ended == RECORD_READ_CUT)
			return err_corrupt(err, (int64_t)record.len, "the record is cut off");
		rc = ended == RECORD_READ_OK ? record__schema(root, 0, &event, &problem) : problem.code;
	}
	if (rc == 0 && (rc = check_fixed(&event, err)) < 0)
		return rc;
	if (rc == 0)
		rc = record__append(p, &event, *ret_end, batch, &problem);
	if (rc == E_NO_MEMORY)
		return err_set(err, rc, "%s", problem.message);
	if (rc < 0)
		return err_corrupt(err, problem.offset < 0 ? 0 : problem.offset, "the record is damaged: %s",
				   problem.message);
	return 0;
}

/* What yyjson may need for a text of `len` bytes: a value of 16 bytes for every second byte, and half as much again. */
static size_t memory_for(size_t len)
{
	size_t memory = len * 12 + 4096;

	return memory < RECORD_MEMORY ? memory : RECORD_MEMORY;
}

static int check(struct record_parser *p, struct record_batch *batch, struct span record, struct record_ref *ret,
		 struct err *err)
{
	size_t end = 0;
	int rc = rewrite(p, record, batch, &end, err);

	if (rc >= 0)
		rc = compare(record, buf_span(&batch->bytes), err);
	if (rc >= 0) {
		must(batch->count == 1);
		*ret = batch->refs[0];
	}
	return rc;
}

static int check_length(struct span record, struct err *err)
{
	if (record.len > RECORD_BYTES_MAX)
		return err_corrupt(err, RECORD_BYTES_MAX, "a record of %zu bytes is longer than any may be",
				   record.len);
	return 0;
}

int record_check(struct span record, struct record_ref *ret, struct err *err)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct record_parser *p;
	int rc = check_length(record, err);

	if (rc < 0)
		return rc;
	p = record__parser_new(memory_for(record.len));
	rc = check(p, &batch, record, ret, err);
	record_batch_release(&batch);
	record_parser_free(p);
	return rc;
}

struct record_checker {
	struct record_parser *parser;
	struct record_batch batch;
};

struct record_checker *record_checker_new(void)
{
	struct record_checker *c = xalloc(sizeof(*c));

	c->parser = record_parser_new();
	c->batch = (struct record_batch)RECORD_BATCH_INIT;
	return c;
}

struct record_checker *record_checker_free(struct record_checker *c)
{
	if (c) {
		record_parser_free(c->parser);
		record_batch_release(&c->batch);
	}
	free(c);
	return NULL;
}

int record_checker_check(struct record_checker *c, struct span record, struct record_ref *ret, struct err *err)
{
	int rc = check_length(record, err);

	record_batch_reset(&c->batch);
	return rc < 0 ? rc : check(c->parser, &c->batch, record, ret, err);
}

static bool is_blank(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!strchr(" \t\r\n", text.p[i]) || text.p[i] == '\0')
			return false;
	return true;
}

int record_canonical(struct span json, struct buf *to, struct err *err)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct record_parser *p = record__parser_new(memory_for(json.len));
	size_t end = 0;
	int rc = rewrite(p, json, &batch, &end, err);

	if (rc >= 0 && !is_blank(span_from(json, end)))
		rc = err_corrupt(err, (int64_t)end, "there is something behind the record");
	if (rc >= 0) {
		buf_put_span(to, buf_span(&batch.bytes));
		rc = buf_ok(to) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for a record");
	}
	record_batch_release(&batch);
	record_parser_free(p);
	return rc;
}
