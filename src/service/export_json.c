/* Records as they are stored: one a line, or as the items of one array. */
#include "service/export_priv.h"

static int put_line(struct export *x, struct span record, struct buf *to, struct err *err)
{
	(void)x;
	(void)err;
	buf_put_span(to, record);
	buf_put_u8(to, '\n');
	return 0;
}

static int begin_array(struct export *x, struct buf *to, struct err *err)
{
	(void)x;
	(void)err;
	buf_put_u8(to, '[');
	return 0;
}

static int put_item(struct export *x, struct span record, struct buf *to, struct err *err)
{
	(void)err;
	buf_put_str(to, x->records ? ",\n" : "\n");
	buf_put_span(to, record);
	return 0;
}

static int end_array(struct export *x, struct buf *to, struct err *err)
{
	(void)x;
	(void)err;
	buf_put_str(to, "\n]\n");
	return 1;
}

const struct export_ops export__ndjson = {.put = put_line};
const struct export_ops export__json = {.begin = begin_array, .put = put_item, .end = end_array};
