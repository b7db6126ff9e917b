/*
 * A body of vendors' rows; the first byte chooses the vendor. What is taken becomes records, what is not says why; and
 * an event of Unqork comes out as one that gives the same again.
 */
#include <stdlib.h>

#include "codec/record_rows.h"
#include "codec/unqork.h"

#define NOW_US     1795255200000000LL
#define EVENTS_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct record_parser *parser, *events;

static int take(enum row_format format, struct span body, struct record_batch *batch, struct err *err)
{
	const struct row_given given = {{{NULL, 0}}};
	const struct record_rows rows = {format, &given, events};

	return record_parse_rows(parser, &rows, body, NOW_US, EVENTS_MAX, NULL, NULL, batch, err);
}

static struct span record_at(const struct record_batch *b, size_t i)
{
	return span_of(b->bytes.p + b->refs[i].off, b->refs[i].len);
}

/* An event that was taken in and shown; taken in again it may be too large, for it says more of what it was. */
static void check_event(struct span record)
{
	struct record_batch again = RECORD_BATCH_INIT;
	struct buf shown = BUF_INIT, twice = BUF_INIT;
	struct err err = ERR_INIT;
	int rc;

	unqork_put(record, &shown);
	must(buf_ok(&shown) && !memchr(shown.p, '\n', shown.len));
	rc = take(ROW_FORMAT_UNQORK, buf_span(&shown), &again, &err);
	must(rc == 0 || rc == E_TOO_LARGE);
	if (rc == 0) {
		unqork_put(record_at(&again, 0), &twice);
		must(span_eq(buf_span(&shown), buf_span(&twice)));
	}
	buf_release(&shown);
	buf_release(&twice);
	record_batch_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;
	enum row_format format;
	int rc;

	if (size == 0)
		return 0;
	if (!parser) {
		parser = record_parser_new();
		events = record_parser_new();
	}
	format = (enum row_format)(data[0] % ROW_FORMAT_COUNT);
	rc = take(format, span_of(data + 1, size - 1), &batch, &err);
	must(rc == 0 || (err.code == rc && err.message[0] != '\0' && batch.count == 0));
	for (size_t i = 0; i < batch.count; i++)
		check_event(record_at(&batch, i));
	record_batch_release(&batch);
	return 0;
}
