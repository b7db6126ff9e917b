/*
 * Columns and runs of integers from anywhere: what opens reads without harm, and values cut out of the input come back
 * as they went in.
 */
#include "base/mem.h"
#include "codec/column.h"

#define VALUES_MAX 600
#define READ_MAX   (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_column(struct span in, size_t n)
{
	struct reader r = reader_of(in);
	struct buf out = BUF_INIT;
	struct column c;
	int64_t number;

	if (column_open(&c, &r, n, NULL) < 0)
		return;
	for (size_t i = 0; i < n && out.len < READ_MAX; i++) {
		column_get(&c, i, &out);
		(void)column_number(&c, i, &number);
	}
	column_release(&c);
	buf_release(&out);
}

/* What opens must also survive being written and read again. */
static void open_ints(struct span in, size_t n)
{
	struct reader r = reader_of(in);
	int64_t *values = xarray(n, sizeof(*values));
	struct buf b = BUF_INIT;
	struct ints run;

	if (ints_open(&run, &r, n, NULL) < 0)
		goto out;
	ints_read(&run, 0, n, values);
	for (size_t i = 0; i < n; i++)
		must(ints_get(&run, i) == values[i]);
	ints_release(&run);
	ints_encode(values, n, &b);
	r = reader_of(buf_span(&b));
	must(ints_open(&run, &r, n, NULL) == 0 && reader_left(&r) == 0);
	for (size_t i = 0; i < n; i++)
		must(ints_get(&run, i) == values[i]);
	ints_release(&run);
out:
	buf_release(&b);
	free(values);
}

/* The input's lines as values. */
static size_t cut_values(struct span in, struct span values[VALUES_MAX])
{
	size_t n = 0;

	while (n < VALUES_MAX && in.len) {
		const uint8_t *end = memchr(in.p, '\n', in.len);
		size_t len = end ? (size_t)(end - in.p) : in.len;

		values[n++] = span_of(in.p, len < 65535 ? len : 65535);
		in = span_from(in, end ? len + 1 : len);
	}
	return n;
}

static void encode_lines(struct span in)
{
	struct span values[VALUES_MAX];
	size_t n = cut_values(in, values);
	struct buf b = BUF_INIT;
	struct buf out = BUF_INIT;
	struct column c;
	struct reader r;

	if (n == 0)
		return;
	must(column_encode(values, n, &b) == column_classify(values, n));
	r = reader_of(buf_span(&b));
	must(column_open(&c, &r, n, NULL) == 0 && reader_left(&r) == 0);
	for (size_t i = 0; i < n; i++) {
		buf_reset(&out);
		column_get(&c, i, &out);
		must(span_eq(buf_span(&out), values[i]));
	}
	column_release(&c);
	buf_release(&b);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in;
	size_t n;

	if (size < 3)
		return 0;
	n = (size_t)get_u16le(data + 1) % (data[0] & 4 ? 65536 : 300) + 1;
	in = span_of(data + 3, size - 3);
	if (data[0] % 4 == 0)
		open_ints(in, n);
	else if (data[0] % 4 == 1)
		encode_lines(in);
	else
		open_column(in, n);
	return 0;
}
