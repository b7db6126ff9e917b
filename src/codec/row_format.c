/* The table of row formats. */
#include "codec/row_format.h"

#include <stdlib.h>

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
