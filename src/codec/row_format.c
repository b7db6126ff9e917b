/* The table of row formats. */
#include "codec/row_format.h"

#include <stdlib.h>

#include "codec/json_text.h"

const char *const row_format_names[ROW_FORMAT_COUNT + 1] = {
#define ROW_FORMAT(name, text, event) text,
#include "codec/row_format.tbl"
#undef ROW_FORMAT
	NULL};

row_event_fn *row_format_event(enum row_format f)
{
	static row_event_fn *const events[ROW_FORMAT_COUNT] = {
#define ROW_FORMAT(name, text, event) event,
#include "codec/row_format.tbl"
#undef ROW_FORMAT
	};

	return events[f];
}

void row_put_yyjson(struct buf *to, yyjson_val *value)
{
	size_t len = 0;
	char *text = yyjson_val_write(value, YYJSON_WRITE_NOFLAG, &len);

	if (text)
		buf_put(to, text, len);
	else
		to->failed = true;
	free(text);
}

struct span row_string(yyjson_val *v)
{
	return yyjson_is_str(v) ? span_of(yyjson_get_str(v), yyjson_get_len(v)) : span_of(NULL, 0);
}

int row_refuse(struct err *err, struct span member, const char *why)
{
	err_set_field(err, (const char *)member.p, member.len);
	return err_set(err, E_INVALID, "%s", why);
}

void row_keep_begin(struct buf *kept, struct span name)
{
	buf_put_str(kept, kept->len > 0 ? "," : "");
	json_text_string(kept, name);
	buf_put_u8(kept, ':');
}

void row_keep(struct buf *kept, struct span name, yyjson_val *value)
{
	row_keep_begin(kept, name);
	row_put_yyjson(kept, value);
}

void row_keep_end(struct buf *to, const struct buf *kept, const char *vendor)
{
	if (kept->len > 0) {
		buf_printf(to, ",\"attributes\":{\"%s\":{", vendor);
		buf_put_span(to, buf_span(kept));
		buf_put_str(to, "}}");
	}
	if (!buf_ok(kept))
		to->failed = true;
	buf_put_u8(to, '}');
}
