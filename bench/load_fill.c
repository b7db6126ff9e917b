/* Generated events over one connection, so that they arrive in the order of the stream, which is what answers are
 * checked against. No file of them is needed. */
#include "base/clock.h"
#include "feed.h"
#include "load.h"

#define FILL_BODY_EVENTS 8000u /* some 4 MiB */

int load_fill(struct load *l, struct report *r, struct err *err)
{
	static const struct census_counts nothing;
	struct event_stream *stream = census_stream(l->count);
	const struct feed_plan plan = {.target = &l->target,
				       .stream = stream,
				       .events_max = l->count,
				       .connections = 1,
				       .body_events = FILL_BODY_EVENTS};
	struct load_cost cost;
	struct feed *feed = NULL;
	uint64_t events;
	uint64_t bytes;
	int rc;

	load_cost_begin(l, &cost);
	if ((rc = feed_start(&plan, &nothing, &feed, err)) < 0)
		goto out;
	if ((rc = feed_stop(feed, true, err)) < 0)
		goto out;
	events = feed_events(feed, &bytes);
	rc = load_cost_end(l, &cost, events, bytes, r, err);
out:
	feed_free(feed);
	event_stream_free(stream);
	return rc;
}
