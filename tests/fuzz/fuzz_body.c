/*
 * A request body as the server takes it: the first byte says encoding, step and whether bad events are skipped, the
 * rest comes in pieces, is decompressed, parsed and made into records. Whatever comes, every record is canonical.
 */
#include <stddef.h>
#include <stdint.h>

#include "api/body.h"
#include "api/limits.h"
#include "codec/record.h"

static bool skip(void *user, uint64_t position, const struct err *err)
{
	must(err->code < 0 && err->message[0] != '\0');
	++*(uint64_t *)user;
	return true;
}

static int feed(struct body *b, struct span bytes, size_t step)
{
	for (size_t at = 0; at < bytes.len; at += step) {
		size_t n = bytes.len - at < step ? bytes.len - at : step;
		int rc = body_feed(b, span_of(bytes.p + at, n), NULL);

		if (rc < 0)
			return rc;
	}
	return body_end(b, NULL);
}

static void parse(struct span body, bool is_partial)
{
	static struct record_parser *parser;
	struct record_batch batch = RECORD_BATCH_INIT;
	struct err err = ERR_INIT;
	uint64_t refused = 0;
	int rc;

	if (!parser)
		parser = record_parser_new();
	rc = record_parse_body(parser, body, RECORD_BODY_AUTO, 0, 1000, is_partial ? skip : NULL, &refused, &batch,
			       &err);
	must(rc == 0 || (err.code == rc && err.message[0] != '\0'));
	must(rc == 0 || batch.count == 0);
	for (size_t i = 0; i < batch.count; i++)
		must(batch.refs[i].len <= RECORD_BYTES_MAX && batch.refs[i].off + batch.refs[i].len <= batch.bytes.len);
	record_batch_release(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct body b;
	static struct budget budget = {.max_bytes = 1u << 22};
	uint8_t choice;

	if (size == 0)
		return 0;
	choice = data[0];
	must(body_begin(&b, (enum body_encoding)(choice % 3), &budget, NULL) == 0);
	if (feed(&b, span_of(data + 1, size - 1), 1 + (choice >> 4) * 31u) == 0)
		parse(buf_span(&b.bytes), (choice & 8) != 0);
	body_reset(&b);
	must(budget_used(&budget) == 0);
	return 0;
}
