/*
 * Rows of vendors; the first byte chooses whose, and whether bad ones are skipped. A row that is taken in is shown as
 * JSON, and what is shown is taken in and shown the same, or refused because it has become too large.
 */
#include <stdlib.h>

#include "base/err.h"
#include "codec/carbon_black.h"
#include "codec/keepnet.h"
#include "codec/kore.h"
#include "codec/record_rows.h"
#include "codec/threatkey.h"
#include "codec/unqork.h"

#define NOW_US   1795255200000000LL
#define ROWS_MAX 50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct row_given given = {{{(const uint8_t *)"7", 1}, {(const uint8_t *)"name", 4}}};
static const struct row_table *const tables[ROW_FORMAT_COUNT] = {
	[ROW_FORMAT_CARBON_BLACK] = &carbon_black_row,
	[ROW_FORMAT_KEEPNET] = &keepnet_row,
	[ROW_FORMAT_KORE] = &kore_row,
	[ROW_FORMAT_THREATKEY] = &threatkey_row,
};

static struct record_parser *parser, *events;

static bool pass_over(void *user, uint64_t position, const struct err *err)
{
	(void)user, (void)position;
	must(err->code < 0 && err->message[0]);
	return true;
}

static int take(enum row_format f, struct span body, bool is_partial, struct record_batch *batch, struct err *err)
{
	const struct record_rows rows = {f, &given, events};

	return record_parse_rows(parser, &rows, body, NOW_US, ROWS_MAX, is_partial ? pass_over : NULL, NULL, batch,
				 err);
}

static struct span record_at(const struct record_batch *b, size_t i)
{
	return span_of(b->bytes.p + b->refs[i].off, b->refs[i].len);
}

static void show(enum row_format f, struct span record, struct buf *to)
{
	yyjson_doc *doc;

	if (f == ROW_FORMAT_UNQORK)
		unqork_put(record, to);
	else
		row_put_json(tables[f], &given, record, to);
	must(buf_ok(to));
	doc = yyjson_read((const char *)to->p, to->len, YYJSON_READ_BIGNUM_AS_RAW);
	must(doc && yyjson_is_obj(yyjson_doc_get_root(doc)));
	yyjson_doc_free(doc);
}

static void check_record(enum row_format f, struct span record)
{
	struct record_batch again = RECORD_BATCH_INIT;
	struct buf row = BUF_INIT, other = BUF_INIT;
	struct err err = ERR_INIT;
	int rc;

	show(f, record, &row);
	rc = take(f, buf_span(&row), false, &again, &err);
	must(rc == 0 || rc == E_TOO_LARGE);
	if (rc == 0) {
		must(again.count == 1);
		show(f, record_at(&again, 0), &other);
		must(span_eq(buf_span(&row), buf_span(&other)));
	}
	buf_release(&row);
	buf_release(&other);
	record_batch_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;
	enum row_format f;
	int rc;

	if (size == 0)
		return 0;
	if (!parser) {
		parser = record_parser_new();
		events = record_parser_new();
	}
	f = (enum row_format)((data[0] >> 1) % ROW_FORMAT_COUNT);
	rc = take(f, span_of(data + 1, size - 1), data[0] & 1, &batch, &err);
	must(rc == 0 ? batch.count <= ROWS_MAX : batch.count == 0 && err.message[0]);
	for (size_t i = 0; i < batch.count; i++)
		check_record(f, record_at(&batch, i));
	record_batch_release(&batch);
	return 0;
}
