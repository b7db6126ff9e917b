/* They are rare, so nothing is moved unless one is found. */
#include "codec/json_line.h"

/* The escape of what some readers take for the end of a line, though JSON has it within strings: NEL and the two
 * separators of Unicode; NULL when no such thing begins at `p`. */
static const char *line_end_at(const uint8_t *p, const uint8_t *end, size_t *ret_len)
{
	if (end - p >= 2 && p[0] == 0xc2 && p[1] == 0x85) {
		*ret_len = 2;
		return "\\u0085";
	}
	if (end - p >= 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] | 1) == 0xa9) {
		*ret_len = 3;
		return p[2] == 0xa8 ? "\\u2028" : "\\u2029";
	}
	return NULL;
}

/* The first of them, or `end`. Most events are ASCII, and looked at eight bytes at a time. */
static const uint8_t *find_line_end(const uint8_t *p, const uint8_t *end)
{
	uint64_t eight;
	size_t len;

	for (;; p++) {
		while (end - p >= 8 && (memcpy(&eight, p, 8), (eight & UINT64_C(0x8080808080808080)) == 0))
			p += 8;
		if (p == end || (*p >= 0x80 && line_end_at(p, end, &len)))
			return p;
	}
}

void json_line_escape(struct buf *to, size_t begin)
{
	const uint8_t *p = to->p + begin, *end = to->p + to->len, *found = find_line_end(p, end);
	struct buf line = BUF_INIT;
	size_t len = 0;

	if (found == end)
		return;
	while (p < end) {
		buf_put(&line, p, (size_t)(found - p));
		p = found;
		if (p == end)
			break;
		buf_put_str(&line, line_end_at(p, end, &len));
		p += len;
		found = find_line_end(p, end);
	}
	to->len = begin;
	buf_put_span(to, buf_span(&line));
	if (!buf_ok(&line))
		to->failed = true;
	buf_release(&line);
}
