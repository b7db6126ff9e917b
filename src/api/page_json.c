/* Records of a page, as JSON. */
#include "api/page_json.h"

#include <inttypes.h>

void page_json_records(struct buf *to, const struct page *page, bool is_turned)
{
	const uint8_t *at = is_turned ? page->records.p + page->records.len : page->records.p;

	(void)buf_room(to, page->records.len + page->count + 256); /* one growth instead of many */
	buf_put_u8(to, '[');
	for (uint32_t k = 0; k < page->count; k++) {
		uint32_t len = page->len[is_turned ? page->count - 1 - k : k];
		const uint8_t *record = is_turned ? at - len : at;

		if (k > 0)
			buf_put_u8(to, ',');
		buf_put(to, record, len);
		at = is_turned ? record : record + len;
	}
	buf_put_u8(to, ']');
}

void page_json_damaged(struct buf *to, const struct gap_list *damaged)
{
	for (size_t i = 0; i < damaged->count; i++)
		buf_printf(to, "%s{\"first\":%" PRIu64 ",\"next\":%" PRIu64 "}", i ? "," : ",\"damaged\":[",
			   damaged->gap[i].first, damaged->gap[i].next);
	if (damaged->count > 0)
		buf_put_u8(to, ']');
}
