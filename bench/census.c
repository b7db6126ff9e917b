/* The stream is made once more and thrown away: 20 million events cost some seconds, and no file of ten gigabytes. */
#include "census.h"

#include "base/err.h"
#include "base/mem.h"

#define US_PER_HOUR 3600000000

struct event_stream *census_stream(uint64_t events)
{
	struct event_stream *stream = event_stream_new(CENSUS_SEED, EVENT_START_DEFAULT, EVENT_GAP_MS_DEFAULT);

	event_stream_set_rare(stream, CENSUS_RARE_EACH, events);
	return stream;
}

void census_count(struct census_counts *c, const struct event_facts *facts)
{
	int64_t hour = facts->time_us / US_PER_HOUR;

	if (c->events == 0)
		c->first_hour = hour;
	must(hour >= c->first_hour && hour - c->first_hour < (int64_t)CENSUS_HOURS_MAX);
	c->events++;
	c->by_actor[facts->actor]++;
	c->by_class[facts->action][facts->entity][facts->is_failure]++;
	c->by_hour[hour - c->first_hour]++;
}

static void remember(struct census_newest *n, uint64_t key)
{
	n->keys[n->next] = key;
	n->next = (n->next + 1) % CENSUS_NEWEST;
}

static void take(struct census *c, const struct event_facts *facts)
{
	uint64_t key = facts->request_id[0];

	census_count(&c->counts, facts);
	remember(&c->of_all, key);
	remember(&c->of_actor[facts->actor], key);
	remember(&c->of_pair[facts->action][facts->entity], key);
	if (facts->is_failure)
		remember(&c->of_failures[facts->action][facts->entity], key);
}

/* One event of every equal share of the stream, at a random place in it. */
static void take_samples(struct census *c, struct event_stream *stream, uint64_t events, uint64_t seed)
{
	uint64_t share = events / CENSUS_SAMPLES ? events / CENSUS_SAMPLES : 1;
	uint8_t event[EVENT_BYTES_MAX];
	uint64_t chosen = 0;
	struct rng r;

	rng_init(&r, seed);
	for (uint64_t i = 0; i < events; i++) {
		const struct event_facts *facts = event_stream_last(stream);

		(void)event_stream_next(stream, event);
		take(c, facts);
		if (i % share == 0)
			chosen = i + rng_below(&r, share);
		if (i == chosen && c->n_samples < CENSUS_SAMPLES)
			c->samples[c->n_samples++] =
				(struct census_sample){{facts->request_id[0], facts->request_id[1]}, facts->actor};
	}
}

struct census *census_new(struct event_stream *stream, uint64_t events, uint64_t seed)
{
	struct census *c = xalloc(sizeof(*c));

	take_samples(c, stream, events, seed);
	return c;
}

struct census *census_free(struct census *c)
{
	free(c);
	return NULL;
}

/* ---- sums ---- */

uint64_t census_of_pair(const struct census_counts *c, uint32_t action, uint32_t entity)
{
	return c->by_class[action][entity][0] + c->by_class[action][entity][1];
}

uint64_t census_of_action(const struct census_counts *c, uint32_t action)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < EVENT_ENTITIES; i++)
		sum += census_of_pair(c, action, i);
	return sum;
}

uint64_t census_of_entity(const struct census_counts *c, uint32_t entity)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < EVENT_ACTIONS; i++)
		sum += census_of_pair(c, i, entity);
	return sum;
}

uint64_t census_hours(const struct census_counts *c)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < CENSUS_HOURS_MAX; i++)
		count += c->by_hour[i] > 0;
	return count;
}

void census_busiest(const struct census_counts *c, uint32_t *ret, size_t count)
{
	size_t n = 0;

	for (uint32_t actor = 0; actor < EVENT_ACTORS; actor++) {
		size_t at = n;

		for (; at > 0 && c->by_actor[ret[at - 1]] < c->by_actor[actor]; at--) {
			if (at < count)
				ret[at] = ret[at - 1];
		}
		if (at < count)
			ret[at] = actor;
		if (n < count)
			n++;
	}
}
