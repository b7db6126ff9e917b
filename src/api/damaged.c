/* The header of what is missing: its first ranges. */
#include "api/damaged.h"

#include <inttypes.h>

#include "api/limits.h"

void damaged_add_header(struct reply *reply, const struct snapshot_gap *gap, size_t count)
{
	struct buf list = BUF_INIT;

	for (size_t i = 0; i < count && i < DAMAGED_SHOWN_MAX; i++)
		buf_printf(&list, "%s%" PRIu64 "-%" PRIu64, i ? ", " : "", gap[i].first, gap[i].next - 1);
	if (count > DAMAGED_SHOWN_MAX)
		buf_put_str(&list, ", ...");
	buf_put_u8(&list, 0);
	if (list.len > 1 && buf_ok(&list))
		reply_add_header(reply, "Stele-Damaged", (const char *)list.p);
	buf_release(&list);
}
