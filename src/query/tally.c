/* Counting over a scan. */
#include "query/tally_priv.h"

static const struct range everything = {0, UINT64_MAX};

int tally__look_instead(int rc, const struct err *found, struct err *err)
{
	if (rc < 0 && rc != E_CORRUPT && err)
		*err = *found;
	return rc == E_CORRUPT ? 0 : rc;
}

int tally__judge(struct scan *s, size_t part, enum part_match *ret, uint64_t *ret_count, struct err *err)
{
	struct range whole = scan__part_range(s, part);
	struct err found = ERR_INIT;
	bool is_known = false;
	int rc;

	*ret = PART_SOME;
	*ret_count = 0;
	rc = scan__count_free(s, part, everything, &is_known, ret_count, &found);
	if (rc == 0 && is_known && *ret_count == 0)
		*ret = PART_NONE;
	else if (rc == 0 && is_known && *ret_count == whole.to - whole.from)
		*ret = PART_ALL;
	return tally__look_instead(rc, &found, err);
}

int tally__pieces(struct scan *s, size_t part, enum part_match match, struct piece_list *to, struct err *err)
{
	size_t from = to->count;
	int rc = match == PART_NONE ? 0 : scan__pieces(s, part, everything, to, err);

	for (size_t k = from; k < to->count && match == PART_ALL; k++)
		to->piece[k].needs_match = to->piece[k].needs_time = false;
	return rc;
}

void tally__finish(struct scan *s, uint64_t total, struct tally *to)
{
	to->total = total;
	to->total_exact = s->gaps.count == 0 && s->source->gap_count == 0;
	to->gaps = s->gaps;
	to->damage = s->damage;
	s->gaps = (struct gap_list){0};
}
