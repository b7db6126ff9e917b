/* stele-peer: loads the benchmark's events into another store and asks it the benchmark's questions. */
#include "peer.h"

#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "report.h"
#include "target.h"

static const char usage[] = "usage: stele-peer STORE --events FILE --data DIR [OPTION]...\n"
			    "\n"
			    "  --library FILE     of the store (clickhouse: libchdb.so, duckdb: libduckdb.so)\n"
			    "  --connection TEXT  postgres: where it listens\n"
			    "  --pid PID          postgres: of its first process\n"
			    "  --rounds N         searches of each kind (100)\n"
			    "  --json FILE        append the figures as a line of JSON\n"
			    "\n"
			    "stores:\n";

static const struct peer_ops *const stores[] = {&peer_postgres,   &peer_postgres_gin,    &peer_sqlite,
						&peer_clickhouse, &peer_clickhouse_zstd, &peer_duckdb};

#define STORE_COUNT (sizeof(stores) / sizeof(stores[0]))

struct options {
	struct peer peer;
	const char *json;
	uint64_t rounds;
};

/* ---- for the stores ---- */

void peer_row_read(struct span line, struct peer_row *ret)
{
	*ret = (struct peer_row){.time = corpus_member(line, "{", "time"),
				 .actor_id = corpus_member(line, "\"actor\":", "id"),
				 .action = corpus_member(line, "{", "action"),
				 .entity_type = corpus_member(line, "\"entity\":", "type"),
				 .entity_id = corpus_member(line, "\"entity\":", "id"),
				 .request_id = corpus_member(line, "\"attributes\":", "request_id"),
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

static int measure_query(struct peer *p, struct sample *sample, enum sample_kind kind, const char *prefix,
			 uint64_t rounds, struct report *r, struct err *err)
{
	struct latency latency = LATENCY_INIT;
	char value[SAMPLE_TEXT_MAX];
	int rc = 0;

	for (uint64_t i = 0; i < rounds && rc == 0; i++) {
		uint64_t rows = 0;
		int64_t begin_ns;

		sample_next(sample, kind, value);
		begin_ns = clock_mono_ns();
		rc = p->ops->query(p, kind, value, &rows, err);
		latency_add(&latency, clock_mono_ns() - begin_ns);
		if (rc == 0 && rows == 0)
			rc = err_set(err, E_NOT_FOUND, "no event found for '%s'", value);
	}
	report_add_latency(r, prefix, &latency);
	latency_release(&latency);
	return rc;
}

static int measure(struct options *o, const struct corpus *corpus, struct report *r, struct err *err)
{
	static const struct {
		enum sample_kind kind;
		const char *prefix;
	} kinds[] = {{SAMPLE_NONE, "newest_"},
		     {SAMPLE_ACTOR_FREQUENT, "actor_"},
		     {SAMPLE_ACTOR_RARE, "rare_actor_"},
		     {SAMPLE_REQUEST_ID, "request_id_"}};
	struct sample sample;
	int rc = sample_init(&sample, corpus, 1, err);

	if (rc < 0)
		return rc;
	if ((rc = measure_load(&o->peer, corpus, r, err)) < 0)
		return rc;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && rc == 0; i++)
		rc = measure_query(&o->peer, &sample, kinds[i].kind, kinds[i].prefix, o->rounds, r, err);
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
		o->rounds = strtoull(text, NULL, 10);
		return o->rounds > 0;
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
					      {"pid", 1, NULL, 'p'},     {"rounds", 1, NULL, 'r'},
					      {"json", 1, NULL, 'j'},    {NULL, 0, NULL, 0}};
	bool is_good = true;
	int c;

	*o = (struct options){.rounds = 100};
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
