/* Values are drawn as they are met: a name by how often its actor acts, a phrase evenly, a rare actor in turn. */
#include "question.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const names[QUESTION_KINDS] = {
	[QUESTION_NEWEST] = "newest",
	[QUESTION_ACTOR] = "actor",
	[QUESTION_RARE_ACTOR] = "rare_actor",
	[QUESTION_REQUEST_ID] = "request_id",
	[QUESTION_PHRASE] = "phrase",
	[QUESTION_PHRASE_NAME] = "phrase_name",
	[QUESTION_THREE_FIELDS] = "three_fields",
	[QUESTION_BY_ACTION] = "by_action",
	[QUESTION_BY_HOUR] = "by_hour",
	[QUESTION_TOP_ACTORS] = "top_actors",
	[QUESTION_EXPORT] = "export",
	[QUESTION_REGEX] = "regex",
};

const char *question_name(enum question_kind kind)
{
	return names[kind];
}

bool question_is_page(enum question_kind kind)
{
	return kind <= QUESTION_THREE_FIELDS;
}

void question_source_init(struct question_source *s, const struct event_stream *stream, const struct census *census,
			  uint64_t seed)
{
	*s = (struct question_source){.stream = stream, .census = census};
	rng_init(&s->rng, seed);
	census_busiest(&census->counts, s->frequent, QUESTION_FREQUENT_MAX);
}

static void set_actor(struct question_source *s, struct question *q, uint32_t actor)
{
	struct span id = event_stream_actor_id(s->stream, actor);

	q->actor = actor;
	snprintf(q->text, sizeof(q->text), "%.*s", (int)id.len, (const char *)id.p);
}

static const struct census_sample *draw_sample(struct question_source *s)
{
	return &s->census->samples[rng_below(&s->rng, s->census->n_samples)];
}

static void draw_request_id(struct question_source *s, struct question *q)
{
	const struct census_sample *sample = draw_sample(s);

	q->request_key = sample->request_id[0];
	snprintf(q->text, sizeof(q->text), "%016" PRIx64 "%016" PRIx64, sample->request_id[0], sample->request_id[1]);
}

static void draw_phrase_name(struct question_source *s, struct question *q)
{
	struct span name;

	q->actor = draw_sample(s)->actor;
	name = event_stream_actor_name(s->stream, q->actor);
	snprintf(q->text, sizeof(q->text), "by %.*s", (int)name.len, (const char *)name.p);
}

/* There is no z in a description: see event_stream.c. */
static void draw_regex(struct question_source *s, struct question *q)
{
	snprintf(q->text, sizeof(q->text), "zz%c%c[0-9]", (char)('a' + rng_below(&s->rng, 26)),
		 (char)('a' + rng_below(&s->rng, 26)));
}

void question_draw(struct question_source *s, enum question_kind kind, struct question *ret)
{
	*ret = (struct question){.kind = kind,
				 .action = (uint32_t)rng_below(&s->rng, EVENT_ACTIONS),
				 .entity = (uint32_t)rng_below(&s->rng, EVENT_ENTITIES)};
	if (kind == QUESTION_ACTOR)
		set_actor(s, ret, s->frequent[rng_below(&s->rng, QUESTION_FREQUENT_MAX)]);
	else if (kind == QUESTION_RARE_ACTOR)
		set_actor(s, ret, EVENT_USUAL_ACTORS + s->drawn++ % EVENT_RARE_ACTORS);
	else if (kind == QUESTION_REQUEST_ID)
		draw_request_id(s, ret);
	else if (kind == QUESTION_PHRASE)
		snprintf(ret->text, sizeof(ret->text), "%s %s", event_action(ret->action), event_entity(ret->entity));
	else if (kind == QUESTION_PHRASE_NAME)
		draw_phrase_name(s, ret);
	else if (kind == QUESTION_REGEX)
		draw_regex(s, ret);
}

uint64_t question_matches(const struct question *q, const struct census_counts *c)
{
	switch (q->kind) {
	case QUESTION_ACTOR:
	case QUESTION_RARE_ACTOR:
	case QUESTION_PHRASE_NAME:
		return c->by_actor[q->actor];
	case QUESTION_REQUEST_ID:
		return 1;
	case QUESTION_PHRASE:
		return census_of_pair(c, q->action, q->entity);
	case QUESTION_THREE_FIELDS:
		return c->by_class[q->action][q->entity][1];
	case QUESTION_EXPORT:
		return census_of_entity(c, q->entity);
	case QUESTION_REGEX:
		return 0;
	default:
		return c->events;
	}
}

const struct census_newest *question_newest(const struct question *q, const struct census *c)
{
	switch (q->kind) {
	case QUESTION_NEWEST:
		return &c->of_all;
	case QUESTION_ACTOR:
	case QUESTION_RARE_ACTOR:
	case QUESTION_PHRASE_NAME:
		return &c->of_actor[q->actor];
	case QUESTION_PHRASE:
		return &c->of_pair[q->action][q->entity];
	case QUESTION_THREE_FIELDS:
		return &c->of_failures[q->action][q->entity];
	default:
		return NULL;
	}
}
