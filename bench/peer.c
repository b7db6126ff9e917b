/* stele-peer: loads the benchmark's events into another store and asks it the benchmark's questions. */
#include "peer.h"

#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "report.h"
#include "target.h"

#define ROUNDS_MIN 3u /* of each kind of question, however long they take */
#define ROUNDS_MAX 500u

static const char usage[] = "usage: stele-peer STORE --events FILE --data DIR [OPTION]...\n"
			    "\n"
			    "  --library FILE     of the store (clickhouse: libchdb.so, duckdb: libduckdb.so)\n"
			    "  --connection TEXT  postgres: where it listens\n"
			    "  --pid PID          postgres: of its first process\n"
			    "  --seconds N        about so long for each kind of question (3)\n"
			    "  --json FILE        append the figures as a line of JSON\n"
			    "\n"
			    "stores:\n";

static const struct peer_ops *const stores[] = {&peer_postgres,   &peer_postgres_gin,    &peer_sqlite,
						&peer_clickhouse, &peer_clickhouse_zstd, &peer_duckdb};

#define STORE_COUNT (sizeof(stores) / sizeof(stores[0]))

struct options {
	struct peer peer;
	const char *json;
	double seconds; /* for each kind of question */
};

/* ---- for the stores ---- */

void peer_row_read(struct span line, struct peer_row *ret)
{
	*ret = (struct peer_row){.time = corpus_member(line, "{", "time"),
				 .actor_id = corpus_member(line, "\"actor\":", "id"),
				 .action = corpus_member(line, "{", "action"),
				 .entity_type = corpus_member(line, "\"entity\":", "type"),
				 .entity_id = corpus_member(line, "\"entity\":", "id"),
				 .outcome_type = corpus_member(line, "\"outcome\":", "type"),
				 .request_id = corpus_member(line, "\"attributes\":", "request_id"),
				 .description = corpus_member(line, "{", "description"),
				 .text = line};
}

int peer_symbol(void *library, const char *name, void *ret_function, struct err *err)
{
	void *found = dlsym(library, name);

	if (!found)
		return err_set(err, E_UNSUPPORTED, "the library has no %s", name);
	memcpy(ret_function, &found, sizeof(found));
	return 0;
}

int peer_folder_bytes(struct peer *p, double *ret, struct err *err)
{
	struct target folder = {.folder = p->folder};
	struct target_disk disk;
	int rc = target_disk(&folder, &disk, err);

	if (rc == 0)
		*ret = (double)(disk.journal + disk.segments + disk.other);
	return rc;
}

int64_t peer_own_cpu_ns(struct peer *p)
{
	return clock_cpu_ns();
}

/* ---- measuring ---- */

static int measure_load(struct peer *p, const struct corpus *corpus, struct report *r, struct err *err)
{
	double events = (double)corpus->events;
	int64_t begin_ns = clock_mono_ns();
	int64_t begin_cpu_ns = p->ops->cpu_ns(p);
	double disk;
	int64_t end_ns;
	int rc;

	if ((rc = p->ops->load(p, corpus, err)) < 0)
		return rc;
	end_ns = clock_mono_ns();
	report_add(r, "events", events);
	report_add(r, "seconds", (double)(end_ns - begin_ns) / 1e9);
	report_add(r, "events_per_s", events * 1e9 / (double)(end_ns - begin_ns));
	if ((rc = p->ops->settle(p, err)) < 0)
		return rc;
	report_add(r, "settle_seconds", (double)(clock_mono_ns() - end_ns) / 1e9);
	report_add(r, "cpu_us_per_event", (double)(p->ops->cpu_ns(p) - begin_cpu_ns) / 1000 / events);
	if ((rc = p->ops->disk_bytes(p, &disk, err)) < 0)
		return rc;
	report_add(r, "disk_bytes_per_event", disk / events);
	return 0;
}

/* What a right answer has. */
static struct peer_answer expected(const struct question *q, const struct census_counts *c)
{
	struct peer_answer a = {.rows = question_matches(q, c), .sum = c->events};
	uint32_t busiest[QUESTION_TOP];

	if (q->kind == QUESTION_BY_ACTION)
		a.rows = EVENT_ACTIONS;
	else if (q->kind == QUESTION_BY_HOUR)
		a.rows = census_hours(c);
	else if (q->kind == QUESTION_TOP_ACTORS)
		a.rows = QUESTION_TOP;
	else if (q->kind == QUESTION_REGEX)
		a = (struct peer_answer){1, 0};
	else
		a.sum = 0;
	if (question_is_page(q->kind) && q->kind != QUESTION_RARE_ACTOR && a.rows > QUESTION_LIMIT)
		a.rows = QUESTION_LIMIT;
	if (q->kind != QUESTION_TOP_ACTORS)
		return a;
	a.sum = 0;
	census_busiest(c, busiest, QUESTION_TOP);
	for (size_t i = 0; i < QUESTION_TOP; i++)
		a.sum += c->by_actor[busiest[i]];
	return a;
}

static int check(const struct question *q, const struct peer_answer *found, const struct census_counts *c,
		 struct err *err)
{
	struct peer_answer right = expected(q, c);

	if (found->rows == right.rows && found->sum == right.sum)
		return 0;
	return err_set(err, E_INTERNAL, "%s '%s': %" PRIu64 " rows, sum %" PRIu64 ", not %" PRIu64 " and %" PRIu64,
		       question_name(q->kind), q->text, found->rows, found->sum, right.rows, right.sum);
}

static void report_query(struct report *r, enum question_kind kind, double first_ms, struct latency *latency)
{
	char name[sizeof(r->figures[0].name)];

	latency_sort(latency);
	snprintf(name, sizeof(name), "%s_first_ms", question_name(kind));
	report_add(r, name, first_ms);
	snprintf(name, sizeof(name), "%s_p50_ms", question_name(kind));
	report_add(r, name, latency_ms(latency, 0.5));
	snprintf(name, sizeof(name), "%s_count", question_name(kind));
	report_add(r, name, (double)latency->count);
}

static int measure_query(struct options *o, struct question_source *source, enum question_kind kind, struct report *r,
			 struct err *err)
{
	int64_t end_ns = clock_mono_ns() + (int64_t)(o->seconds * 1e9);
	struct latency latency = LATENCY_INIT;
	double first_ms = 0;
	int rc = 0;

	while (rc == 0 && latency.count < ROUNDS_MAX && (latency.count < ROUNDS_MIN || clock_mono_ns() < end_ns)) {
		struct peer_answer found = {0, 0};
		struct question q;
		int64_t begin_ns;

		question_draw(source, kind, &q);
		begin_ns = clock_mono_ns();
		rc = o->peer.ops->query(&o->peer, &q, &found, err);
		latency_add(&latency, clock_mono_ns() - begin_ns);
		if (latency.count == 1)
			first_ms = latency_mean_ms(&latency);
		if (rc == 0)
			rc = check(&q, &found, &source->census->counts, err);
	}
	if (rc == 0)
		report_query(r, kind, first_ms, &latency);
	latency_release(&latency);
	return rc;
}

/* The file must be the counted stream, or no answer could be checked. */
static int check_file(const struct corpus *corpus, const struct census *census, struct err *err)
{
	const uint8_t *end = memrchr(corpus->p, '\n', corpus->len - 1);
	uint64_t last = census->of_all.keys[(census->of_all.next + CENSUS_NEWEST - 1) % CENSUS_NEWEST];
	struct span line = corpus_line(corpus, end ? (uint64_t)(end - corpus->p) + 1 : 0);
	struct span id = corpus_member(line, "\"attributes\":", "request_id");
	char expect[17];

	snprintf(expect, sizeof(expect), "%016" PRIx64, last);
	if (id.len > 16 && memcmp(id.p, expect, 16) == 0)
		return 0;
	return err_set(err, E_INVALID, "the events are not those of stele-gen --rare %u %" PRIu64, CENSUS_RARE_EACH,
		       corpus->events);
}

static int measure(struct options *o, const struct corpus *corpus, struct report *r, struct err *err)
{
	struct event_stream *stream = census_stream(corpus->events);
	struct census *census = census_new(stream, corpus->events, 1);
	struct question_source source;
	int rc = check_file(corpus, census, err);

	question_source_init(&source, stream, census, 1);
	if (rc == 0)
		rc = measure_load(&o->peer, corpus, r, err);
	for (int i = 0; i < QUESTION_KINDS && rc == 0; i++)
		rc = measure_query(o, &source, (enum question_kind)i, r, err);
	census_free(census);
	event_stream_free(stream);
	return rc;
}

static int run(struct options *o, struct report *r, struct err *err)
{
	struct corpus corpus = {.fd = -1};
	int rc;

	if ((rc = corpus_open(o->peer.events, UINT64_MAX, &corpus, err)) < 0)
		return rc;
	rc = o->peer.ops->open(&o->peer, err);
	if (rc == 0)
		rc = measure(o, &corpus, r, err);
	o->peer.ops->close(&o->peer);
	corpus_close(&corpus);
	return rc;
}

/* ---- command line ---- */

static bool take_option(struct options *o, int c, const char *text)
{
	switch (c) {
	case 'e':
		o->peer.events = text;
		return true;
	case 'd':
		o->peer.folder = text;
		return true;
	case 'l':
		o->peer.library = text;
		return true;
	case 'c':
		o->peer.connection = text;
		return true;
	case 'p':
		o->peer.pid = (pid_t)strtol(text, NULL, 10);
		return o->peer.pid > 0;
	case 'r':
		o->seconds = strtod(text, NULL);
		return o->seconds > 0;
	case 'j':
		o->json = text;
		return true;
	default:
		return false;
	}
}

static bool read_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {{"events", 1, NULL, 'e'},  {"data", 1, NULL, 'd'},
					      {"library", 1, NULL, 'l'}, {"connection", 1, NULL, 'c'},
					      {"pid", 1, NULL, 'p'},     {"seconds", 1, NULL, 'r'},
					      {"json", 1, NULL, 'j'},    {NULL, 0, NULL, 0}};
	bool is_good = true;
	int c;

	*o = (struct options){.seconds = 3};
	while (is_good && (c = getopt_long(argc, argv, "", names, NULL)) != -1)
		is_good = take_option(o, c, optarg);
	if (!is_good || argc - optind != 1 || !o->peer.events || !o->peer.folder)
		return false;
	for (size_t i = 0; i < STORE_COUNT; i++) {
		if (strcmp(argv[optind], stores[i]->name) == 0)
			o->peer.ops = stores[i];
	}
	return o->peer.ops != NULL;
}

int main(int argc, char **argv)
{
	struct options options;
	struct report report = REPORT_INIT;
	struct err err = ERR_INIT;
	int rc;

	if (!read_options(argc, argv, &options)) {
		fputs(usage, stderr);
		for (size_t i = 0; i < STORE_COUNT; i++)
			fprintf(stderr, "  %-16s %s\n", stores[i]->name, stores[i]->summary);
		return 2;
	}
	rc = run(&options, &report, &err);
	if (rc == 0)
		report_print(&report, options.peer.ops->name);
	if (rc == 0 && options.json)
		rc = report_append(&report, options.peer.ops->name, options.json, &err);
	if (rc < 0)
		fprintf(stderr, "stele-peer: %s: %s\n", options.peer.ops->name, err.message);
	return rc < 0;
}
