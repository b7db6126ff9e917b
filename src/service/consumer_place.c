/* Where a consumer is to read on: a number, a time or an event. */
#include <string.h>

#include "base/clock.h"
#include "codec/time_text.h"
#include "query/query_build.h"
#include "service/consumer_priv.h"

#define POSITION_DIGITS_MAX 18 /* never overflows, and more records than there will be */

static int name_field(struct err *err, const char *field, int rc)
{
	err_set_field(err, field, strlen(field));
	return rc;
}

int consumer__first_from(struct service *s, const struct principal *who, enum control_ledger_name ledger,
			 int64_t from_us, uint64_t *ret, struct err *err)
{
	struct query *all = query_new();
	const struct search_request r = {.query = all,
					 .from_us = from_us,
					 .to_us = INT64_MAX,
					 .oldest_first = true,
					 .limit = 1,
					 .size = UINT64_MAX,
					 .after = UINT64_MAX,
					 .total = SEARCH_TOTAL_NONE,
					 .team = s->team};
	struct search_answer a = SEARCH_ANSWER_INIT;
	struct snapshot *snapshot = NULL;
	int rc;

	if ((rc = ledger_snapshot(who->org->ledger[ledger], &snapshot, err)) < 0)
		goto out;
	if ((rc = search_run(snapshot, &r, &a, err)) < 0)
		goto out;
	*ret = a.count > 0 ? a.index[0] : snapshot->size;
out:
	search_answer_release(&a);
	snapshot_free(snapshot);
	query_free(all);
	return rc;
}

static int parse_position(struct span text, uint64_t size, uint64_t *ret, struct err *err)
{
	bool ok = text.len <= POSITION_DIGITS_MAX;
	uint64_t n = 0;

	for (size_t i = 0; ok && i < text.len; i++) {
		ok = text.p[i] >= '0' && text.p[i] <= '9';
		n = n * 10 + (uint64_t)(text.p[i] - '0');
	}
	if (!ok || n > size)
		return err_set(err, E_INVALID, "'position' takes a number from 0 to %llu, how many records there are",
			       (unsigned long long)size);
	*ret = n;
	return 0;
}

int consumer__resolve(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		      const struct consumer_place *place, uint64_t fallback, uint64_t *ret, struct err *err)
{
	int given = (place->position.len > 0) + (place->from.len > 0) + (place->after.len > 0);
	int64_t from_us;
	int rc;

	if (given > 1)
		return err_set(err, E_INVALID, "give one of 'position', 'from' and 'after'");
	*ret = fallback;
	if (place->position.len > 0)
		return name_field(err, "position",
				  parse_position(place->position, ledger_size(who->org->ledger[ledger]), ret, err));
	if (place->after.len > 0)
		return name_field(err, "after", service_position(s, who, ledger, place->after, ret, err));
	if (place->from.len == 0)
		return 0;
	if ((rc = time_text_parse(place->from, clock_wall_us(), &from_us, err)) < 0)
		return name_field(err, "from", rc);
	return consumer__first_from(s, who, ledger, from_us, ret, err);
}
