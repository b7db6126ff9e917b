/* HTML of a few plain elements. */
#include "codec/html_text.h"

#include <string.h>

static const struct {
	const char *text;
	const char *html;
} references[] = {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}};

#define REFERENCE_COUNT (sizeof(references) / sizeof(references[0]))

static const char *const tags[] = {"<b>", "</b>", "<i>",    "</i>",    "<em>", "</em>", "<strong>", "</strong>",
				   "<u>", "</u>", "<code>", "</code>", "<br>", "<br/>", "<p>",      "</p>"};

static const char *reference_of(uint8_t c)
{
	for (size_t i = 0; i < REFERENCE_COUNT; i++) {
		if ((uint8_t)references[i].text[0] == c)
			return references[i].html;
	}
	return NULL;
}

static void put_escaped(struct buf *to, uint8_t c)
{
	const char *reference = reference_of(c);

	if (reference)
		buf_put_str(to, reference);
	else
		buf_put_u8(to, c);
}

void html_escape(struct buf *to, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		put_escaped(to, text.p[i]);
}

/* The length of the plain element that begins here; 0: none does. */
static size_t tag_len(struct span html)
{
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		if (span_starts_with(html, span_str(tags[i])))
			return strlen(tags[i]);
	}
	return 0;
}

/* The reference that begins here, as an index; -1: none does. */
static int find_reference(struct span html)
{
	for (size_t i = 0; i < REFERENCE_COUNT; i++) {
		if (span_starts_with(html, span_str(references[i].html)))
			return (int)i;
	}
	return -1;
}

void html_clean(struct buf *to, struct span html)
{
	while (html.len > 0) {
		int reference = find_reference(html);
		size_t len = reference >= 0 ? strlen(references[reference].html) : tag_len(html);

		if (len > 0)
			buf_put(to, html.p, len);
		else if (html.p[0] == '"' || html.p[0] == '\'') /* only within a tag of another kind do they matter */
			buf_put_u8(to, html.p[0]);
		else
			put_escaped(to, html.p[0]);
		html = span_from(html, len > 0 ? len : 1);
	}
}

void html_to_text(struct buf *to, struct span html)
{
	while (html.len > 0) {
		int reference = find_reference(html);
		size_t len = reference >= 0 ? strlen(references[reference].html) : tag_len(html);

		if (reference >= 0)
			buf_put_str(to, references[reference].text);
		else if (len == 0)
			buf_put_u8(to, html.p[0]);
		html = span_from(html, len > 0 ? len : 1);
	}
}
