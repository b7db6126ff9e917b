/* Members of answers that count. */
#include "api/count_json.h"

#include <inttypes.h>

#include "api/page_json.h"
#include "codec/json_text.h"
#include "query/field.h"

void count_json_field(struct buf *to, struct span path)
{
	struct buf name = BUF_INIT;

	field_print(path, &name);
	json_text_string(to, buf_span(&name));
	if (!buf_ok(&name))
		to->failed = true;
	buf_release(&name);
}

void count_json_tally(struct buf *to, const struct tally *tally)
{
	buf_printf(to, ",\"total\":{\"value\":%" PRIu64 ",\"relation\":\"%s\"}", tally->total,
		   tally->total_exact ? "eq" : "gte");
	page_json_damaged(to, &tally->gaps);
}
