/*
 * Cutting any bytes: the input is records, one a line. What is cut is given back by literals and holes, also when it is
 * cut again; no column comes twice; and a set goes on after anything.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "codec/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rebuilt(const struct shape_set *s, uint32_t number, const struct span *holes, struct span record)
{
	const struct shape *shape = shape_set_get(s, number);
	struct buf to = BUF_INIT;

	for (uint32_t h = 0; h < shape->hole_count; h++) {
		buf_put_span(&to, shape->literal[h]);
		buf_put_span(&to, holes[h]);
		for (uint32_t k = 0; k < h; k++)
			must(shape->column[k] != shape->column[h]);
	}
	buf_put_span(&to, shape->literal[shape->hole_count]);
	must(span_eq(buf_span(&to), record));
	buf_release(&to);
}

static void try_record(struct shape_set *s, struct span from)
{
	struct span holes[RECORD_VALUES_MAX];
	uint8_t *copy = xalloc(from.len + 1); /* of just that length, so that reading past it shows */
	struct span record;
	uint32_t first, again;

	copy = xrealloc(copy, from.len ? from.len : 1);
	if (from.len)
		memcpy(copy, from.p, from.len);
	record = span_of(copy, from.len);
	if (shape_cut(s, record, &first, holes) == 0) {
		check_rebuilt(s, first, holes, record);
		must(shape_cut(s, record, &again, holes) == 0 && again == first);
		check_rebuilt(s, again, holes, record);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shape_set *s = shape_set_new();

	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;

		try_record(s, span_of(data, len));
		data += end ? len + 1 : len;
		size -= end ? len + 1 : len;
	}
	shape_set_free(s);
	return 0;
}
