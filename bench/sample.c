/* A few thousand random lines tell frequent actors from rare ones well enough: the weights span four decades. */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

#define LINES_SAMPLED 20000u

static void copy_text(char to[SAMPLE_TEXT_MAX], struct span text)
{
	snprintf(to, SAMPLE_TEXT_MAX, "%.*s", (int)text.len, (const char *)text.p);
}

static int compare_id(const void *a, const void *b)
{
	return strcmp(((const struct sample_actor *)a)->id, ((const struct sample_actor *)b)->id);
}

static int compare_seen(const void *a, const void *b)
{
	const struct sample_actor *x = a;
	const struct sample_actor *y = b;

	return (x->seen < y->seen) - (x->seen > y->seen);
}

/* Equal ids side by side become one with their number; returns how many are left. */
static size_t tally(struct sample_actor *actors, size_t count)
{
	size_t n = 0;

	qsort(actors, count, sizeof(*actors), compare_id);
	for (size_t i = 0; i < count; i++) {
		if (n > 0 && strcmp(actors[n - 1].id, actors[i].id) == 0)
			actors[n - 1].seen++;
		else
			actors[n++] = actors[i];
	}
	qsort(actors, n, sizeof(*actors), compare_seen);
	return n;
}

int sample_init(struct sample *s, const struct corpus *corpus, uint64_t seed, struct err *err)
{
	struct sample_actor *actors = xarray(LINES_SAMPLED, sizeof(*actors));
	size_t count = 0;

	*s = (struct sample){.corpus = corpus};
	rng_init(&s->rng, seed);
	for (uint32_t i = 0; i < LINES_SAMPLED; i++) {
		struct span id = corpus_member(corpus_sample(corpus, &s->rng), "\"actor\":", "id");

		if (id.len == 0)
			continue;
		copy_text(actors[count].id, id);
		actors[count++].seen = 1;
	}
	count = tally(actors, count);
	for (size_t i = 0; i < count && i < SAMPLE_FREQUENT_MAX; i++)
		s->frequent[s->n_frequent++] = actors[i];
	for (size_t i = 0; i < count && i < SAMPLE_RARE_MAX; i++)
		s->rare[s->n_rare++] = actors[count - 1 - i];
	free(actors);
	return count > 0 ? 0 : err_set(err, E_INVALID, "the events have no actors to search for");
}

void sample_next(struct sample *s, enum sample_kind kind, char to[SAMPLE_TEXT_MAX])
{
	to[0] = '\0';
	if (kind == SAMPLE_ACTOR_FREQUENT)
		copy_text(to, span_str(s->frequent[rng_below(&s->rng, s->n_frequent)].id));
	else if (kind == SAMPLE_ACTOR_RARE)
		copy_text(to, span_str(s->rare[rng_below(&s->rng, s->n_rare)].id));
	else if (kind == SAMPLE_REQUEST_ID)
		copy_text(to, corpus_member(corpus_sample(s->corpus, &s->rng), "\"attributes\":", "request_id"));
}
