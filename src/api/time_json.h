/* Times in answers. */
#ifndef STELE_API_TIME_JSON_H
#define STELE_API_TIME_JSON_H

#include "base/buf.h"
#include "codec/timestamp.h"

/* Appends ,"name":"<canonical time>". */
static inline void time_put_json(struct buf *to, const char *name, int64_t us)
{
	uint8_t text[TIMESTAMP_LEN];

	timestamp_format(us, text);
	buf_printf(to, ",\"%s\":\"%.*s\"", name, TIMESTAMP_LEN, (const char *)text);
}

/* The same, or null for a time of 0. */
static inline void time_put_json_or_null(struct buf *to, const char *name, int64_t us)
{
	if (us == 0)
		buf_printf(to, ",\"%s\":null", name);
	else
		time_put_json(to, name, us);
}

#endif
