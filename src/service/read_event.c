/* Events of what is read, written. */
#include "service/read_event_priv.h"

#include <inttypes.h>

#include "codec/json_text.h"
#include "codec/timestamp.h"
#include "query/limits.h"
#include "query/query.h"
#include "service/service_priv.h"

void read_event__begin(struct buf *to, const struct principal *who, const struct read_event *e)
{
	const char *ledger = control_ledger_names[e->ledger];

	self_event_begin(to, e->action, who);
	buf_put_str(to, ",\"entity\":{\"id\":");
	json_text_string(to, e->entity ? e->id : span_str(ledger));
	buf_printf(to, ",\"type\":\"%s\"},\"attributes\":{\"ledger\":\"%s\"", e->entity ? e->entity : "ledger", ledger);
}

/* Cuts between characters. */
static struct span cut(struct span text, size_t max)
{
	if (text.len <= max)
		return text;
	while (max > 0 && (text.p[max] & 0xc0) == 0x80)
		max--;
	return span_of(text.p, max);
}

void read_event__put_text(struct buf *to, const char *name, struct span text)
{
	if (text.len == 0)
		return;
	buf_printf(to, ",\"%s\":", name);
	json_text_string(to, cut(text, READ_TEXT_MAX));
}

void read_event__put_number(struct buf *to, const char *name, uint64_t number)
{
	buf_printf(to, ",\"%s\":%" PRIu64, name, number);
}

void read_event__put_time(struct buf *to, const char *name, int64_t us)
{
	uint8_t text[TIMESTAMP_LEN];

	if (us < TIMESTAMP_MIN_US || us > TIMESTAMP_MAX_US)
		return;
	timestamp_format(us, text);
	buf_printf(to, ",\"%s\":\"%.*s\"", name, TIMESTAMP_LEN, (const char *)text);
}

void read_event__put_scope(struct buf *to, struct span text, const struct query *query, int64_t from_us, int64_t to_us)
{
	struct buf normal = BUF_INIT;

	query_print(query, &normal);
	if (!buf_ok(&normal))
		to->failed = true;
	buf_put_str(to, ",\"query\":");
	json_text_string(to,
			 normal.len > QUERY_BYTES_MAX && text.len > 0 ? text : cut(buf_span(&normal), QUERY_BYTES_MAX));
	read_event__put_time(to, "from", from_us);
	read_event__put_time(to, "to", to_us);
	buf_release(&normal);
}

int read_event__tell(struct service *s, const struct principal *who, struct buf *event, struct err *err)
{
	buf_put_str(event, "}}");
	return service__tell(s, who, event, err);
}
