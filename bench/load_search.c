/*
 * The questions of question.h: alone, while events come in, and alone again.
 *
 * The kinds take turns in short batches until the time is up, so that whatever the machine or the server does meanwhile
 * falls on all of them. What comes in makes the store grow, and a question about all of it slower: the time under load
 * is set against the mean of the times before and after, at the sizes between which it was taken.
 */
#include <stdio.h>
#include <time.h>

#include "ask.h"
#include "base/clock.h"
#include "base/mem.h"
#include "feed.h"
#include "load.h"

#define BATCH_NS         100000000 /* of one kind, once begun */
#define CYCLES_MIN       3u        /* of all kinds, for those that take longer than a batch */
#define FEED_CONNECTIONS 4u
#define FEED_BODY_EVENTS 2000u    /* a body of 1 MB: 50 of them a second */
#define FEED_EARLY_S     2        /* before the first question */
#define EXPORT_SCALE     110688.0 /* records of an export that its time is also given for */

struct search_stat {
	struct latency latency;
	struct latency scaled; /* exports: for EXPORT_SCALE records */
	double first_ms;
	int64_t cpu_ns;
	uint64_t bytes; /* exports */
};

struct search_phase {
	struct search_stat stats[QUESTION_KINDS];
};

struct search {
	const struct load *load;
	struct event_stream *stream;
	struct census *census;
	struct question_source source;
	struct ask ask;
	struct feed *feed; /* NULL: nothing comes in */
	struct census_counts least;
	struct census_counts most;
	bool is_grown; /* what is newest is not known any more */
	bool is_missing[QUESTION_KINDS];
};

static void release_phase(struct search_phase *p)
{
	for (int i = 0; i < QUESTION_KINDS; i++) {
		latency_release(&p->stats[i].latency);
		latency_release(&p->stats[i].scaled);
	}
}

/* ---- asking ---- */

static int check(struct search *s, const struct question *q, struct err *err)
{
	const struct ask_bounds bounds = {&s->least, s->feed ? &s->most : &s->least, s->is_grown ? NULL : s->census};
	int rc;

	if (s->feed)
		feed_get_sent(s->feed, &s->most);
	rc = ask_check(&s->ask, q, &s->source, &bounds, err);
	if (rc < 0)
		err_set_field(err, question_name(q->kind), strlen(question_name(q->kind)));
	return rc;
}

static void count_answer(struct search *s, struct search_stat *stat, const struct question *q, int64_t took_ns)
{
	if (stat->latency.count == 0)
		stat->first_ms = (double)took_ns / 1e6;
	latency_add(&stat->latency, took_ns);
	if (q->kind != QUESTION_EXPORT)
		return;
	stat->bytes += s->ask.drained.bytes;
	latency_add(&stat->scaled, (int64_t)((double)took_ns * EXPORT_SCALE / (double)s->ask.drained.lines));
}

static int ask_one(struct search *s, struct search_stat *stat, enum question_kind kind, struct err *err)
{
	struct question q;
	int64_t took_ns;
	int rc;

	question_draw(&s->source, kind, &q);
	if (s->feed)
		feed_get_answered(s->feed, &s->least);
	if ((rc = ask_put(&s->ask, &q, &took_ns, err)) < 0)
		return rc;
	s->is_missing[kind] = s->load->may_miss && ask_is_missing(&s->ask, &q);
	if (s->is_missing[kind])
		return 0;
	if ((rc = check(s, &q, err)) < 0)
		return rc;
	count_answer(s, stat, &q, took_ns);
	return 0;
}

static int run_batch(struct search *s, struct search_stat *stat, enum question_kind kind, struct err *err)
{
	int64_t begin_ns = clock_mono_ns();
	int64_t cpu_ns = target_cpu_ns(&s->load->target);
	int rc = 0;

	do {
		rc = ask_one(s, stat, kind, err);
	} while (rc == 0 && !s->is_missing[kind] && clock_mono_ns() - begin_ns < BATCH_NS);
	stat->cpu_ns += target_cpu_ns(&s->load->target) - cpu_ns;
	return rc;
}

static int run_phase(struct search *s, struct search_phase *p, struct err *err)
{
	int64_t end_ns = clock_mono_ns() + (int64_t)s->load->seconds * 1000000000;
	int rc = 0;

	for (uint32_t cycle = 0; rc == 0 && (cycle < CYCLES_MIN || clock_mono_ns() < end_ns); cycle++) {
		for (int i = 0; i < QUESTION_KINDS && rc == 0; i++) {
			if (!s->is_missing[i])
				rc = run_batch(s, &p->stats[i], (enum question_kind)i, err);
		}
	}
	return rc;
}

/* For whoever wants to know where the time of a page goes; another value than any that was measured. */
static void explain(struct search *s)
{
	struct question q;

	for (int i = 0; i < QUESTION_KINDS; i++) {
		question_draw(&s->source, (enum question_kind)i, &q);
		if (!s->is_missing[i] && (question_is_page(q.kind) || q.kind == QUESTION_REGEX))
			ask_explain(&s->ask, &q);
	}
}

/* ---- while events come in ---- */

static int run_fed(struct search *s, struct search_phase *p, struct report *r, struct err *err)
{
	const struct feed_plan plan = {.target = &s->load->target,
				       .stream = s->stream,
				       .events_max = UINT64_MAX,
				       .connections = FEED_CONNECTIONS,
				       .body_events = FEED_BODY_EVENTS,
				       .rate = (double)s->load->rate};
	const struct timespec early = {FEED_EARLY_S, 0};
	uint64_t bytes;
	uint64_t events;
	int64_t begin_ns;
	double seconds;
	int rc;

	s->is_grown = true;
	if ((rc = feed_start(&plan, &s->least, &s->feed, err)) < 0)
		return rc;
	nanosleep(&early, NULL);
	events = feed_events(s->feed, &bytes);
	begin_ns = clock_mono_ns();
	if ((rc = run_phase(s, p, err)) < 0)
		return rc;
	events = feed_events(s->feed, &bytes) - events;
	seconds = (double)(clock_mono_ns() - begin_ns) / 1e9;
	report_add(r, "feed_events_per_s", (double)events / seconds);
	report_add(r, "feed_wanted_per_s", plan.rate);
	report_add(r, "feed_seconds", seconds);
	report_add(r, "feed_late_ms", feed_late_ms(s->feed));
	rc = feed_stop(s->feed, false, err);
	feed_get_answered(s->feed, &s->least);
	s->feed = feed_free(s->feed);
	return rc;
}

/* ---- reporting ---- */

static void add(struct report *r, enum question_kind kind, const char *figure, double value)
{
	char name[sizeof(r->figures[0].name)];

	snprintf(name, sizeof(name), "%s_%s", question_name(kind), figure);
	report_add(r, name, value);
}

static double p50_of(struct search_stat *stat)
{
	latency_sort(&stat->latency);
	return latency_ms(&stat->latency, 0.5);
}

static void report_alone(const struct search *s, struct search_phase *p, struct report *r)
{
	for (int i = 0; i < QUESTION_KINDS; i++) {
		struct search_stat *stat = &p->stats[i];
		enum question_kind kind = (enum question_kind)i;

		if (s->is_missing[i])
			continue;
		add(r, kind, "first_ms", stat->first_ms);
		add(r, kind, "p50_ms", p50_of(stat));
		add(r, kind, "p99_ms", latency_ms(&stat->latency, 0.99));
		add(r, kind, "cpu_ms", (double)stat->cpu_ns / 1e6 / (double)stat->latency.count);
		add(r, kind, "count", (double)stat->latency.count);
		if (i != QUESTION_EXPORT)
			continue;
		latency_sort(&stat->scaled);
		add(r, kind, "scaled_p50_ms", latency_ms(&stat->scaled, 0.5));
		add(r, kind, "scaled_p99_ms", latency_ms(&stat->scaled, 0.99));
		add(r, kind, "mb_per_s", (double)stat->bytes / 1e6 / (stat->latency.sum_ns / 1e9));
	}
}

static void report_fed(const struct search *s, struct search_phase *before, struct search_phase *fed,
		       struct search_phase *after, struct report *r)
{
	for (int i = 0; i < QUESTION_KINDS; i++) {
		enum question_kind kind = (enum question_kind)i;
		double alone = (p50_of(&before->stats[i]) + p50_of(&after->stats[i])) / 2;

		if (s->is_missing[i])
			continue;
		add(r, kind, "fed_p50_ms", p50_of(&fed->stats[i]));
		add(r, kind, "fed_p99_ms", latency_ms(&fed->stats[i].latency, 0.99));
		add(r, kind, "after_p50_ms", p50_of(&after->stats[i]));
		add(r, kind, "fed_ratio", p50_of(&fed->stats[i]) / alone);
	}
}

/* ---- all of it ---- */

static int run_search(struct search *s, struct report *r, struct err *err)
{
	struct search_phase before = {0};
	struct search_phase fed = {0};
	struct search_phase after = {0};
	int rc;

	report_add(r, "events", (double)s->census->counts.events);
	target_wait_idle(&s->load->target, s->load->settle_s);
	if ((rc = run_phase(s, &before, err)) < 0)
		goto out;
	report_alone(s, &before, r);
	explain(s);
	if (s->load->rate == 0)
		goto out;
	if ((rc = run_fed(s, &fed, r, err)) < 0)
		goto out;
	target_wait_idle(&s->load->target, s->load->settle_s);
	if ((rc = run_phase(s, &after, err)) < 0)
		goto out;
	report_fed(s, &before, &fed, &after, r);
out:
	release_phase(&before);
	release_phase(&fed);
	release_phase(&after);
	return rc;
}

int load_search(struct load *l, struct report *r, struct err *err)
{
	struct search s = {.load = l, .stream = census_stream(l->count)};
	int rc;

	s.census = census_new(s.stream, l->count, l->seed);
	s.least = s.census->counts;
	question_source_init(&s.source, s.stream, s.census, l->seed);
	rc = ask_open(&s.ask, &l->target, err);
	if (rc == 0)
		rc = run_search(&s, r, err);
	if (rc == 0)
		target_report_memory(&l->target, r);
	ask_close(&s.ask);
	feed_free(s.feed);
	census_free(s.census);
	event_stream_free(s.stream);
	return rc;
}
