/*
 * A body; the first byte chooses its kind and whether bad events are skipped. Records and refusals together are the
 * events counted; a failure leaves the batch alone; an NDJSON body gives what its lines give one by one.
 */
#include <stdlib.h>

#include "base/err.h"
#include "codec/record.h"

#define NOW_US     1795255200000000LL
#define EVENTS_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct record_parser *parser;

struct notes {
	uint64_t next;
	uint64_t refused;
	size_t body_len;
};

static bool note_refused(void *user, uint64_t position, const struct err *err)
{
	struct notes *notes = user;

	must(position >= notes->next && err->position == (int64_t)position);
	must(err->code < 0 && err->message[0]);
	must(err->offset >= 0 && err->offset <= (int64_t)notes->body_len);
	notes->next = position + 1;
	notes->refused++;
	return true;
}

static bool is_blank(struct span line)
{
	for (size_t i = 0; i < line.len; i++)
		if (!memchr(" \r\t", line.p[i], 3))
			return false;
	return true;
}

static void check_lines(struct span body, const struct record_batch *batch)
{
	struct record_batch want = RECORD_BATCH_INIT;

	while (body.len > 0) {
		const uint8_t *at = memchr(body.p, '\n', body.len);
		struct span line = span_of(body.p, at ? (size_t)(at - body.p) : body.len);

		if (!is_blank(line)) {
			size_t count = want.count;
			int rc = record_parse(parser, line, NOW_US, &want, NULL);

			must(want.count == count + (rc == 0));
		}
		body = span_from(body, at ? line.len + 1 : line.len);
	}
	must(want.count == batch->count && want.bytes.len == batch->bytes.len);
	must(want.count == 0 || memcmp(want.bytes.p, batch->bytes.p, want.bytes.len) == 0);
	record_batch_release(&want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct notes notes = {0};
	struct err err = ERR_INIT;
	enum record_body kind;
	struct span body;
	bool is_partial;
	int rc;

	if (size == 0)
		return 0;
	if (!parser)
		parser = record_parser_new();
	kind = (enum record_body)((data[0] >> 1) % 3);
	is_partial = data[0] & 1;
	body = span_of(data + 1, size - 1);
	notes.body_len = body.len;
	rc = record_parse_body(parser, body, kind, NOW_US, EVENTS_MAX, is_partial ? note_refused : NULL, &notes, &batch,
			       &err);
	if (rc < 0)
		must(batch.count == 0 && batch.bytes.len == 0 && err.message[0] && err.offset <= (int64_t)body.len);
	else
		must(batch.count + notes.refused > 0 && batch.count + notes.refused <= EVENTS_MAX);
	if (rc == 0 && kind == RECORD_BODY_NDJSON)
		check_lines(body, &batch);
	record_batch_release(&batch);
	return 0;
}
