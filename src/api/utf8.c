/* UTF-8: checking, and JSON strings from bytes of unknown origin. */
#include "api/utf8.h"

#include "codec/json_text.h"

static bool is_tail(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* The length of the character at the front, 0 when it is none. */
static size_t character_length(struct span s)
{
	const uint8_t *p = s.p;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return s.len >= 2 && is_tail(p[1]) ? 2 : 0;
	if ((p[0] & 0xf0) == 0xe0) {
		uint8_t low = p[0] == 0xe0 ? 0xa0 : 0x80;
		uint8_t high = p[0] == 0xed ? 0x9f : 0xbf;

		return s.len >= 3 && p[1] >= low && p[1] <= high && is_tail(p[2]) ? 3 : 0;
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		uint8_t low = p[0] == 0xf0 ? 0x90 : 0x80;
		uint8_t high = p[0] == 0xf4 ? 0x8f : 0xbf;

		return s.len >= 4 && p[1] >= low && p[1] <= high && is_tail(p[2]) && is_tail(p[3]) ? 4 : 0;
	}
	return 0;
}

size_t utf8_valid_prefix(struct span text)
{
	size_t at = 0;

	while (at < text.len) {
		size_t n = character_length(span_from(text, at));

		if (n == 0)
			break;
		at += n;
	}
	return at;
}

void utf8_put_json(struct buf *to, struct span text)
{
	buf_put_u8(to, '"');
	while (text.len > 0) {
		size_t valid = utf8_valid_prefix(text);

		json_text_escape(to, span_of(text.p, valid));
		text = span_from(text, valid);
		if (text.len > 0) {
			buf_put_str(to, "\xef\xbf\xbd");
			text = span_from(text, 1);
		}
	}
	buf_put_u8(to, '"');
}
