/* The text of a query, a NUL, a record: what parses prints and parses back the same, and matching never fails. */
#include "query/query.h"

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US INT64_C(1790000000000000)

static const char *const records[] = {
	"{\"action\":\"update\",\"actor\":{\"id\":\"u-1\",\"name\":\"Ada "
	"\\\"B\\\"\"},\"attributes\":{\"a.b\":[1,[true,{\"c\":"
	"\"x\"}],null],\"d\":{}},\"id\":\"4e15ae9f6d0ea55915c77814ff5228f8\",\"time\":\"2026-11-21T10:00:00.000000Z\"}",
	"{\"action\":\"updated "
	"\xc3\x84rzte\",\"attributes\":{\"a\":[\"12.50\",12.5,-7,9007199254740993,\"1e400\"],\"due\":"
	"\"2026-02-28\",\"n\":\"\"},\"context\":{\"ip\":\"10.0.0.7\",\"peer\":\"2001:db8::1\"},\"received\":"
	"\"2026-11-21T10:00:00.120000Z\",\"time\":\"2026-11-21T10:00:00.000000Z\",\"type\":\"a\\\\b\\nc\"}",
};

static void check_print(const struct query *q)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct query *again = NULL;

	query_print(q, &once);
	if (once.len <= QUERY_BYTES_MAX) { /* quotes make it longer */
		must(query_parse(buf_span(&once), 0, &again, NULL) == 0);
		query_print(again, &twice);
		must(span_eq(buf_span(&once), buf_span(&twice)));
		for (size_t k = 0; k < sizeof(records) / sizeof(records[0]); k++)
			must(query_matches(query_root(q), span_str(records[k])) ==
			     query_matches(query_root(again), span_str(records[k])));
		query_free(again);
	}
	buf_release(&once);
	buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, 0, size) : NULL;
	size_t len = end ? (size_t)(end - data) : size;
	struct query *q = NULL;
	struct err err = ERR_INIT;

	if (query_parse(span_of(data, len), NOW_US, &q, &err) < 0) {
		must(err.code == E_SYNTAX || err.code == E_TOO_LARGE);
		must(err.offset >= 0 && (size_t)err.offset <= len);
		return 0;
	}
	check_print(q);
	if (end)
		query_matches(query_root(q), span_of(end + 1, size - len - 1));
	query_free(q);
	return 0;
}
