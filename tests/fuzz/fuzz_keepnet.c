/*
 * Rows and filters of Keepnet's clients: a row that is taken comes out as a row, and in again as the same; a filter
 * that is taken is a query that prints and parses.
 */
#include <stddef.h>
#include <stdint.h>

#include "api/dialect_keepnet_filter.h"
#include "base/err.h"
#include "codec/record_rows.h"

static bool take(struct span text, struct record_batch *batch, struct err *err)
{
	struct record_parser *parser = record_parser_new(), *events = record_parser_new();
	const struct record_rows rows = {ROW_FORMAT_KEEPNET, NULL, events};
	int rc = record_parse_rows(parser, &rows, text, 0, 100, NULL, NULL, batch, err);

	record_parser_free(parser);
	record_parser_free(events);
	return rc == 0;
}

static void put_rows(const struct record_batch *batch, struct buf *to)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct record_ref *ref = &batch->refs[i];

		row_put_json(&keepnet_row, NULL, span_of(batch->bytes.p + ref->off, ref->len), to);
		buf_put_u8(to, '\n');
	}
}

/* A row that comes out may be larger than what an event can be, as its values then stand in strings. */
static void try_rows(struct span text)
{
	struct record_batch first = RECORD_BATCH_INIT, second = RECORD_BATCH_INIT;
	struct buf rows = BUF_INIT, again = BUF_INIT;
	struct err err = ERR_INIT;

	if (take(text, &first, &err)) {
		put_rows(&first, &rows);
		if (take(buf_span(&rows), &second, &err)) {
			put_rows(&second, &again);
			must(span_eq(buf_span(&rows), buf_span(&again)));
		} else {
			must(err.code == E_TOO_LARGE);
		}
	} else {
		must(err.code < 0 && err.message[0] != '\0');
	}
	buf_release(&rows);
	buf_release(&again);
	record_batch_release(&first);
	record_batch_release(&second);
}

static void try_filter(struct span text)
{
	/* Without YYJSON_READ_INSITU the text is only read, though its type says otherwise. */
	yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.p, text.len, 0, NULL, NULL);
	struct buf print = BUF_INIT, again = BUF_INIT;
	struct query *q = NULL, *parsed = NULL;
	struct err err = ERR_INIT;
	int rc;

	if (doc && yyjson_is_obj(yyjson_doc_get_root(doc))) {
		if (keepnet__filter(yyjson_doc_get_root(doc), &q, &err) == 0) {
			query_print(q, &print);
			rc = query_parse(buf_span(&print), 0, &parsed, NULL);
			must(rc == 0 ||
			     rc == E_TOO_LARGE); /* leaves that share an expression, as text, have one each */
			if (parsed)
				query_print(parsed, &again);
			must(rc < 0 || span_eq(buf_span(&print), buf_span(&again)));
		} else {
			must(err.message[0] != '\0');
		}
	}
	query_free(q);
	query_free(parsed);
	buf_release(&print);
	buf_release(&again);
	yyjson_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_rows(span_of(data, size));
	try_filter(span_of(data, size));
	return 0;
}
