/* The smallest parts of a query's text: runs, quotes, paths. */
#include "codec/json_text.h"
#include "codec/shape.h"
#include "query/query_priv.h"

bool query__is_name_byte(uint8_t c)
{
	if (c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
		return true;
	return c == '_' || c == '-' || c == '@' || c == '/' || c == '$';
}

size_t query__run_end(struct span text, size_t at)
{
	while (at < text.len && !query__is_blank(text.p[at]) && text.p[at] != '(' && text.p[at] != ')' &&
	       text.p[at] != '"')
		at++;
	return at;
}

size_t query__read_quoted(struct span text, size_t at, struct buf *to)
{
	for (at++; at < text.len && text.p[at] != '"'; at++) {
		if (text.p[at] == '\\' && at + 1 < text.len && (text.p[at + 1] == '"' || text.p[at + 1] == '\\'))
			at++;
		buf_put_u8(to, text.p[at]);
	}
	return at < text.len ? at + 1 : 0;
}

/* One segment of a path; what is behind it, or 0. */
static size_t read_segment(struct span text, size_t at, struct buf *to)
{
	struct buf plain = BUF_INIT;
	size_t end = at;

	if (at < text.len && text.p[at] == '"') {
		end = query__read_quoted(text, at, &plain);
	} else {
		while (end < text.len && query__is_name_byte(text.p[end]))
			end++;
		buf_put(&plain, text.p + at, end - at);
		end = end > at ? end : 0;
	}
	json_text_escape(to, buf_span(&plain));
	if (!buf_ok(&plain))
		to->failed = true;
	buf_release(&plain);
	return end;
}

size_t query__read_path(struct span text, size_t at, struct buf *to)
{
	for (;;) {
		at = read_segment(text, at, to);
		if (at == 0 || at >= text.len)
			return 0;
		if (text.p[at] == ':')
			return to->len ? at + 1 : 0; /* the empty path means something else */
		if (text.p[at] != '.')
			return 0;
		buf_put_u8(to, SHAPE_PATH_SEP);
		at++;
	}
}
