/* The smallest parts of a query's text: runs, quotes, paths; and what is kept for later. */
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

/* 10.0.0.0/8 or fe80::/10, the address not looked at closely. */
static bool is_address_range(struct span run)
{
	size_t dots = 0, colons = 0, at = 0, digits;

	for (; at < run.len && run.p[at] != '/'; at++) {
		uint8_t c = run.p[at];

		dots += c == '.';
		colons += c == ':';
		if (c != '.' && c != ':' && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
			return false;
	}
	for (digits = 0; at + 1 + digits < run.len; digits++)
		if (run.p[at + 1 + digits] < '0' || run.p[at + 1 + digits] > '9')
			return false;
	return digits > 0 && (dots == 3 || colons >= 2);
}

static bool has_wildcard_inside(struct span run)
{
	for (size_t i = 0; i < run.len; i++)
		if (run.p[i] == '?' || (run.p[i] == '*' && i + 1 < run.len))
			return true;
	return false;
}

const char *query__refusal(struct span run)
{
	switch (run.p[0]) {
	case '/':
		return "not supported yet: regular expressions; put text that begins with '/' in quotes";
	case '[':
	case '{':
		return "not supported yet: ranges; put text that begins with a bracket in quotes";
	case '<':
	case '>':
		return "not supported yet: comparisons; put text that begins with '<' or '>' in quotes";
	default:
		break;
	}
	if (is_address_range(run))
		return "not supported yet: ranges of addresses; the beginning of one (10.0.*) is";
	if (has_wildcard_inside(run))
		return "not supported yet: '?', and '*' elsewhere than at the end; put text that holds them in quotes";
	return NULL;
}
