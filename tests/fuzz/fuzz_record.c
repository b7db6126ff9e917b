/*
 * One event. What is taken must be a fixed point: its record, without id and received, gives the same record again, and
 * with them filled in record_check finds the same places in it. What is refused leaves the batch alone. The same bytes
 * are also taken for a stored record: record_check must refuse or agree that they are canonical.
 */
#include <stdlib.h>

#include "base/err.h"
#include "codec/record.h"

#define NOW_US 1795255200000000LL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct record_parser *parser;

static void put_as_event(struct buf *to, const struct record_batch *batch)
{
	const uint8_t *p = batch->bytes.p;
	const struct record_ref *ref = &batch->refs[0];
	size_t after_id = ref->id_off + RECORD_ID_LEN + 2u, after_received = ref->received_off + TIMESTAMP_LEN + 2u;

	buf_put(to, p, ref->id_off - 6u);
	buf_put(to, p + after_id, ref->received_off - 12u - after_id);
	buf_put(to, p + after_received, ref->len - after_received);
}

static void check_fixed_point(struct record_batch *batch)
{
	struct buf again = BUF_INIT;
	struct err err = ERR_INIT;

	put_as_event(&again, batch);
	must(record_parse(parser, buf_span(&again), 0, batch, &err) == 0);
	must(batch->refs[0].len == batch->refs[1].len);
	must(memcmp(batch->bytes.p, batch->bytes.p + batch->refs[1].off, batch->refs[0].len) == 0);
	buf_release(&again);
}

static void check_stored(struct record_batch *batch)
{
	const struct record_ref *ref = &batch->refs[0];
	struct record_ref found;
	struct err err = ERR_INIT;

	memcpy(batch->bytes.p + ref->id_off, "0123456789abcdef0123456789abcdef", RECORD_ID_LEN);
	timestamp_format(NOW_US, batch->bytes.p + ref->received_off);
	must(record_check(span_of(batch->bytes.p, ref->len), &found, &err) == 0);
	must(found.id_off == ref->id_off && found.received_off == ref->received_off && found.time_us == ref->time_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	struct record_ref ref;
	struct err err = ERR_INIT;

	if (!parser)
		parser = record_parser_new();
	if (record_parse(parser, span_of(data, size), NOW_US, &batch, &err) == 0) {
		must(batch.count == 1 && batch.refs[0].len == batch.bytes.len);
		check_fixed_point(&batch);
		check_stored(&batch);
	} else {
		must(err.code < 0 && err.message[0] && batch.count == 0 && batch.bytes.len == 0);
	}
	if (record_check(span_of(data, size), &ref, NULL) == 0)
		must(ref.off == 0 && ref.len == size);
	record_batch_release(&batch);
	return 0;
}
