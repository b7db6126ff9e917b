/* Cutting NDJSON into batches. */
#include "main/batch.h"

#include <string.h>

#include "base/mem.h"

#define LINE_BYTES_MAX (32u << 20) /* no server takes a longer one */
#define READ_BYTES     (256u << 10)

struct batch *batch_free(struct batch *b)
{
	if (!b)
		return NULL;
	buf_release(&b->text);
	free(b);
	return NULL;
}

static bool is_blank(struct span line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r' && line.p[i] != '\n')
			return false;
	}
	return true;
}

/* The line at the front of `s`, its LF included. */
static struct span first_line(struct span s)
{
	const uint8_t *end = memchr(s.p, '\n', s.len);

	return span_of(s.p, end ? (size_t)(end - s.p) + 1 : s.len);
}

uint64_t batch_line_of(const struct batch *b, uint64_t position)
{
	struct span rest = buf_span(&b->text);
	uint64_t line = b->first_line;

	while (rest.len > 0) {
		struct span s = first_line(rest);

		if (!is_blank(s) && position-- == 0)
			break;
		rest = span_from(rest, s.len);
		line++;
	}
	return line;
}

/* How many bytes and lines of what was read make the next batch; 0 when a whole line is not there yet. */
static size_t measure(const struct batch_reader *r, uint32_t *ret_lines)
{
	size_t len = 0;
	uint32_t lines = 0;

	while (lines < r->lines_max && len < r->rest.len) {
		struct span s = first_line(span_from(buf_span(&r->rest), len));
		bool is_whole = s.p[s.len - 1] == '\n' || r->at_end;

		if (!is_whole || (len > 0 && len + s.len > r->bytes_max))
			break;
		len += s.len;
		lines++;
	}
	*ret_lines = lines;
	return len;
}

static int read_more(struct batch_reader *r, struct err *err)
{
	uint8_t *to = buf_room(&r->rest, READ_BYTES);
	int64_t n;

	if (!to)
		return err_set(err, E_NO_MEMORY, "not enough memory for a batch");
	if ((n = input_read(r->input, to, READ_BYTES, err)) < 0)
		return (int)n;
	buf_commit(&r->rest, (size_t)n);
	r->at_end = n == 0;
	return 0;
}

static struct batch *take(struct batch_reader *r, size_t len, uint32_t lines)
{
	struct batch *b = xalloc(sizeof(*b));

	buf_put(&b->text, r->rest.p, len);
	must(buf_ok(&b->text));
	b->off = r->off;
	b->first_line = r->line + 1;
	memmove(r->rest.p, r->rest.p + len, r->rest.len - len);
	r->rest.len -= len;
	r->off += len;
	r->line += lines;
	return b;
}

int batch_read(struct batch_reader *r, struct batch **ret, struct err *err)
{
	uint32_t lines = 0;
	size_t len;
	int rc;

	while (!r->at_end && r->rest.len <= r->bytes_max) {
		if ((rc = read_more(r, err)) < 0)
			return rc;
	}
	while ((len = measure(r, &lines)) == 0 && !r->at_end) { /* one line longer than a batch */
		if (r->rest.len > LINE_BYTES_MAX)
			return err_set(err, E_TOO_LARGE, "line %llu has more than %u MiB; an event has at most 64 KiB",
				       (unsigned long long)r->line + 1, LINE_BYTES_MAX >> 20);
		if ((rc = read_more(r, err)) < 0)
			return rc;
	}
	if (len == 0)
		return 0;
	*ret = take(r, len, lines);
	return 1;
}

void batch_reader_release(struct batch_reader *r)
{
	buf_release(&r->rest);
}
