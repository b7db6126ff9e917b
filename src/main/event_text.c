/*
 * Events in answers. Records are cut out of the answer by counting braces, not parsed and written again: what is
 * printed is what is stored, byte for byte, and can be hashed.
 */
#include "main/event_text.h"

#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "base/mem.h"

#define EVENTS_START "{\"events\":["
#define ID_LEN       32

/* The length of the JSON object at the front of `s`; 0 when it does not end. */
static size_t object_length(struct span s)
{
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{') {
			depth++;
		} else if (c == '}' && --depth == 0) {
			return i + 1;
		}
	}
	return 0;
}

static bool add_record(struct event_page *p, struct span record)
{
	struct span *records = p->records;

	if ((p->count & (p->count + 1)) == 0 || !records) { /* grows at 0, 1, 3, 7, … */
		records = try_realloc(records, 2 * (p->count + 1) * sizeof(*records));
		if (!records)
			return false;
		p->records = records;
	}
	records[p->count++] = record;
	return true;
}

/* Cuts the records; *ret_rest is what stands behind the array. */
static bool cut_records(struct span body, struct event_page *p, struct span *ret_rest)
{
	struct span at;

	if (!span_starts_with(body, SPAN_LIT(EVENTS_START)))
		return false;
	at = span_from(body, sizeof(EVENTS_START) - 1);
	while (at.len > 0 && at.p[0] == '{') {
		size_t len = object_length(at);

		if (len == 0 || !add_record(p, span_of(at.p, len)))
			return false;
		at = span_from(at, len);
		if (at.len > 0 && at.p[0] == ',')
			at = span_from(at, 1);
	}
	*ret_rest = at;
	return at.len > 0 && at.p[0] == ']';
}

/* Reads what stands behind the records: "],"next_cursor":…}". */
static bool read_rest(struct span rest, struct event_page *p)
{
	struct buf text = BUF_INIT;
	yyjson_doc *doc = NULL;
	yyjson_val *root;
	const char *cursor;
	bool ok;

	buf_put_str(&text, "{\"events\":[");
	buf_put_span(&text, rest);
	if (buf_ok(&text))
		doc = yyjson_read((const char *)text.p, text.len, 0);
	root = yyjson_doc_get_root(doc);
	ok = yyjson_is_obj(root);
	cursor = yyjson_get_str(yyjson_obj_get(root, "next_cursor"));
	if (cursor)
		p->next_cursor = xstrdup(cursor);
	p->explain = yyjson_val_write(yyjson_obj_get(root, "explain"), YYJSON_WRITE_PRETTY, NULL);
	p->has_total = yyjson_is_obj(yyjson_obj_get(root, "total"));
	p->total = yyjson_get_uint(yyjson_obj_get(yyjson_obj_get(root, "total"), "value"));
	p->total_exact = yyjson_equals_str(yyjson_obj_get(yyjson_obj_get(root, "total"), "relation"), "eq");
	yyjson_doc_free(doc);
	buf_release(&text);
	return ok;
}

int event_page_parse(struct span body, struct event_page *ret, struct err *err)
{
	struct event_page page = {0};
	struct span rest;

	if (cut_records(body, &page, &rest) && read_rest(rest, &page)) {
		*ret = page;
		return 0;
	}
	event_page_release(&page);
	return err_set(err, E_INVALID, "the server's answer is no page of events");
}

void event_page_release(struct event_page *p)
{
	free(p->records);
	free(p->next_cursor);
	free(p->explain);
	*p = (struct event_page){0};
}

/* Appends text without control characters, so that no event can steer a terminal. */
static void put_plain(struct buf *to, const char *text)
{
	for (; *text; text++)
		buf_put_u8(to, (uint8_t)*text < 0x20 || *text == 0x7f ? ' ' : (uint8_t)*text);
}

/* The first of an object's members `names` that is a string; "" when there is none. */
static const char *label(yyjson_val *object, const char *const *names)
{
	for (; *names; names++) {
		const char *text = yyjson_get_str(yyjson_obj_get(object, *names));

		if (text && *text)
			return text;
	}
	return "";
}

static void put_label(struct buf *to, const char *text)
{
	if (!*text)
		return;
	buf_put_str(to, "  ");
	put_plain(to, text);
}

void event_text_line(struct buf *to, struct span record)
{
	static const char *const who[] = {"email", "name", "id", "type", NULL};
	static const char *const what[] = {"name", "id", "type", NULL};
	static const char *const how[] = {"type", NULL};
	yyjson_doc *doc = yyjson_read((const char *)record.p, record.len, 0);
	yyjson_val *root = yyjson_doc_get_root(doc);
	const char *time = yyjson_get_str(yyjson_obj_get(root, "time"));
	const char *action = yyjson_get_str(yyjson_obj_get(root, "action"));
	const char *description = yyjson_get_str(yyjson_obj_get(root, "description"));

	put_plain(to, time ? time : "");
	put_label(to, label(yyjson_obj_get(root, "actor"), who));
	put_label(to, action ? action : "");
	put_label(to, label(yyjson_obj_get(root, "entity"), what));
	put_label(to, label(yyjson_obj_get(root, "outcome"), how));
	put_label(to, description ? description : "");
	buf_put_u8(to, '\n');
	yyjson_doc_free(doc);
}

/* The top-level id: found by parsing, since other objects of a record have ids too. */
struct span event_text_id(struct span record)
{
	yyjson_doc *doc = yyjson_read((const char *)record.p, record.len, 0);
	const char *id = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), "id"));
	char text[ID_LEN + 8] = "";
	const uint8_t *at = NULL;

	if (id && strlen(id) == ID_LEN) {
		memcpy(text, id, ID_LEN);
		at = memmem(record.p, record.len, text, ID_LEN);
	}
	yyjson_doc_free(doc);
	return span_of(at, at ? ID_LEN : 0);
}
