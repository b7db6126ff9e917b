/* Writing CSV. */
#include "codec/csv.h"

#include "codec/json_text.h"

static size_t skip_digits(struct span s, size_t at)
{
	while (at < s.len && s.p[at] >= '0' && s.p[at] <= '9')
		at++;
	return at;
}

/* An optional sign, digits, a fraction and an exponent, and nothing else. */
static bool is_plain_number(struct span s)
{
	size_t at = s.len > 0 && (s.p[0] == '-' || s.p[0] == '+') ? 1 : 0;
	size_t end = skip_digits(s, at);

	if (end == at)
		return false;
	if (end < s.len && s.p[end] == '.') {
		at = end + 1;
		end = skip_digits(s, at);
		if (end == at)
			return false;
	}
	if (end < s.len && (s.p[end] | 0x20) == 'e') {
		at = end + 1;
		if (at < s.len && (s.p[at] == '-' || s.p[at] == '+'))
			at++;
		end = skip_digits(s, at);
		if (end == at)
			return false;
	}
	return end == s.len;
}

static bool begins_formula(struct span s)
{
	static const char *const wide[] = {"\uff1d", "\uff0b", "\uff0d", "\uff20"}; /* = + - @ of full width */

	if (s.len > 0 && s.p[0] != 0 && strchr("=+-@\t\r\n", s.p[0]))
		return true;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		if (span_starts_with(s, span_str(wide[i])))
			return true;
	}
	return false;
}

/* Whether a spreadsheet would run it. */
static bool is_formula(struct span text)
{
	size_t at = 0;

	while (at < text.len && text.p[at] == ' ')
		at++;
	return begins_formula(span_from(text, at)) && !is_plain_number(text);
}

/* Blanks at the ends are cut off by some readers unless they are quoted. */
static bool needs_quotes(struct span text)
{
	if (!text.p || text.len == 0)
		return false;
	if (text.p[0] == ' ' || text.p[text.len - 1] == ' ')
		return true;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];

		if (c == '"' || c == ',' || c == '\r' || c == '\n')
			return true;
	}
	return false;
}

static void put_quoted(struct buf *to, struct span text)
{
	while (text.len > 0) {
		const uint8_t *quote = memchr(text.p, '"', text.len);
		size_t plain = quote ? (size_t)(quote - text.p) + 1 : text.len;

		buf_put(to, text.p, plain);
		if (quote)
			buf_put_u8(to, '"');
		text = span_from(text, plain);
	}
}

void csv_put_text(struct buf *to, struct span text, struct buf *scratch)
{
	if (is_formula(text)) {
		buf_reset(scratch);
		buf_put_u8(scratch, '\'');
		buf_put_span(scratch, text);
		if (!buf_ok(scratch))
			to->failed = true;
		text = buf_span(scratch);
	}
	if (!needs_quotes(text)) {
		buf_put_span(to, text);
		return;
	}
	buf_put_u8(to, '"');
	put_quoted(to, text);
	buf_put_u8(to, '"');
}

void csv_put_json(struct buf *to, struct span json, struct buf *scratch)
{
	struct buf text = BUF_INIT;

	if (json.len == 0 || json.p[0] == 'n')
		return;
	if (json.p[0] != '"' || json.len < 2) {
		csv_put_text(to, json, scratch);
		return;
	}
	json = span_of(json.p + 1, json.len - 2);
	if (json.len == 0 || !memchr(json.p, '\\', json.len)) {
		csv_put_text(to, json, scratch);
		return;
	}
	json_text_unescape(&text, json);
	if (!buf_ok(&text))
		to->failed = true;
	csv_put_text(to, buf_span(&text), scratch);
	buf_release(&text);
}
