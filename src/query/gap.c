/* A short list, in order: those that touch become one. */
#include "query/gap.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int gap_list_add(struct gap_list *gaps, uint64_t first, uint64_t next, struct err *err)
{
	struct snapshot_gap *grown = try_realloc(gaps->gap, (gaps->count + 1) * sizeof(*grown));
	size_t from = 0, to;

	if (!grown)
		return err_set(err, E_NO_MEMORY, "not enough memory for the list of damaged records");
	gaps->gap = grown;
	while (from < gaps->count && grown[from].next < first)
		from++;
	for (to = from; to < gaps->count && grown[to].first <= next; to++) { /* those it touches become one with it */
		first = grown[to].first < first ? grown[to].first : first;
		next = grown[to].next > next ? grown[to].next : next;
	}
	memmove(grown + from + 1, grown + to, (gaps->count - to) * sizeof(*grown));
	grown[from] = (struct snapshot_gap){first, next};
	gaps->count = gaps->count - (to - from) + 1;
	return 0;
}

void gap_list_release(struct gap_list *gaps)
{
	free(gaps->gap);
	*gaps = (struct gap_list){0};
}
