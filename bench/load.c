/* stele-load: puts load on a server and prints what it did and what it cost. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "load.h"

#define GENERATED_MIN 20000u
#define GENERATED_MAX 200000000u

static const char usage[] =
	"usage: stele-load MODE --url http://HOST:PORT [OPTION]...\n"
	"\n"
	"  bulk     appends bodies of many events over a few connections\n"
	"  single   appends one event a request over many connections\n"
	"  fill     appends generated events in their order\n"
	"  search   asks about what fill appended, alone and while more comes in\n"
	"  prove    proofs, tiles and entries of what fill appended\n"
	"  figures  memory and disk; with --seal after sealing everything\n"
	"  ready    waits until the server is ready\n"
	"\n"
	"  --key KEY           API key\n"
	"  --events FILE       one event a line (bulk, single)\n"
	"  --count N           only the first N events of the file; fill, search, prove: so many events\n"
	"  --connections N     bulk 4, single 64\n"
	"  --body-bytes N      bulk: at most N bytes a body (4194304)\n"
	"  --repeat N          bulk: the events N times over (1)\n"
	"  --seconds N         search: about so long alone, and under load; prove (20)\n"
	"  --rate N            search: events that come in a second, meanwhile (0: none)\n"
	"  --allow-missing     search: leave out what the server does not have\n"
	"  --seed N            search, prove: of the drawn values (1)\n"
	"  --pid PID           of the server: CPU time and memory\n"
	"  --data DIR          of the server: disk\n"
	"  --stored N          figures: events in the folder, for bytes per event\n"
	"  --seal              figures: seal before looking\n"
	"  --settle S          wait for background work at most S seconds (300)\n"
	"  --since NS          ready: when it was started, nanoseconds since 1970\n"
	"  --json FILE         append the figures as a line of JSON\n"
	"  --label NAME        their name there (the mode)\n";

struct options {
	struct load load;
	const char *mode;
	const char *url;
	const char *events;
	const char *json;
	const char *label;
	uint64_t stored;
	int64_t since_ns;
	bool wants_seal;
};

/* ---- what appends cost ---- */

void load_cost_begin(const struct load *l, struct load_cost *c)
{
	target_usage(&l->target, &c->before);
	c->client_cpu_ns = clock_cpu_ns();
	c->before.wall_ns = clock_mono_ns();
}

static void report_cpu(const struct target_usage *before, const struct target_usage *after, int64_t settled_cpu_ns,
		       double events, struct report *r)
{
	report_add(r, "cpu_us_per_event_until_answer", (double)(after->cpu_ns - before->cpu_ns) / 1000 / events);
	report_add(r, "cpu_us_per_event", (double)(settled_cpu_ns - before->cpu_ns) / 1000 / events);
}

int load_cost_end(const struct load *l, struct load_cost *c, uint64_t events, uint64_t bytes, struct report *r,
		  struct err *err)
{
	int64_t end_ns = clock_mono_ns();
	double seconds = (double)(end_ns - c->before.wall_ns) / 1e9;
	double client_us = (double)(clock_cpu_ns() - c->client_cpu_ns) / 1000;
	struct target_usage after;
	int64_t idle_ns;

	target_usage(&l->target, &after);
	report_add(r, "events", (double)events);
	report_add(r, "seconds", seconds);
	report_add(r, "events_per_s", (double)events / seconds);
	report_add(r, "mb_per_s", (double)bytes / 1e6 / seconds);
	report_add(r, "commits", after.commits - c->before.commits);
	report_add(r, "client_cpu_us_per_event", client_us / (double)events);
	if (after.records - c->before.records < (double)events)
		return err_set(err, E_INTERNAL, "the server counts %.0f events, %" PRIu64 " were sent",
			       after.records - c->before.records, events);
	if (l->target.pid == 0)
		return 0;
	idle_ns = target_wait_idle(&l->target, l->settle_s);
	report_add(r, "settle_seconds", (double)(idle_ns - end_ns) / 1e9);
	report_add(r, "settled_events_per_s", (double)events * 1e9 / (double)(idle_ns - c->before.wall_ns));
	report_cpu(&c->before, &after, target_cpu_ns(&l->target), (double)events, r);
	target_report_memory(&l->target, r);
	return target_report_disk(&l->target, events, r, err);
}

/* ---- modes ---- */

static int seal(const struct load *l, struct err *err)
{
	struct wire_reply reply = WIRE_REPLY_INIT;
	int rc = wire_fetch(&l->target.address, "POST", "/v1/seal", l->target.key, &reply, err);

	if (rc == 0)
		rc = wire_reply_expect(&reply, 200, err);
	wire_reply_release(&reply);
	return rc;
}

static int show_figures(struct options *o, struct report *r, struct err *err)
{
	int64_t begin_ns = clock_mono_ns();
	int rc = o->wants_seal ? seal(&o->load, err) : 0;

	if (rc < 0)
		return rc;
	if (o->wants_seal)
		report_add(r, "seal_seconds", (double)(clock_mono_ns() - begin_ns) / 1e9);
	target_wait_idle(&o->load.target, o->load.settle_s);
	target_report_memory(&o->load.target, r);
	return target_report_disk(&o->load.target, o->stored, r, err);
}

/* By the wall clock, since the caller took the start with it. */
static int show_ready(struct options *o, struct report *r, struct err *err)
{
	int rc = target_wait_ready(&o->load.target, o->load.settle_s, err);

	if (rc == 0 && o->since_ns != 0)
		report_add(r, "start_ms", ((double)clock_wall_us() - (double)o->since_ns / 1e3) / 1e3);
	return rc;
}

static int run_load(struct options *o, struct report *r, struct err *err)
{
	bool is_single = strcmp(o->mode, "single") == 0;
	int rc = corpus_open(o->events, o->load.count, &o->load.corpus, err);

	if (rc < 0)
		return rc;
	if (o->load.connections == 0)
		o->load.connections = is_single ? 64 : 4;
	rc = is_single ? load_single(&o->load, r, err) : load_bulk(&o->load, r, err);
	corpus_close(&o->load.corpus);
	return rc;
}

/* No less than what gives each rare actor its events, no more than there are hours for. */
static int run_generated(struct options *o, struct report *r, struct err *err)
{
	if (o->load.count < GENERATED_MIN || o->load.count > GENERATED_MAX)
		return err_set(err, E_INVALID, "give --count, %u to %u events", GENERATED_MIN, GENERATED_MAX);
	if (strcmp(o->mode, "prove") == 0)
		return load_prove(&o->load, r, err);
	return strcmp(o->mode, "fill") == 0 ? load_fill(&o->load, r, err) : load_search(&o->load, r, err);
}

static int run(struct options *o, struct report *r, struct err *err)
{
	int rc = wire_address_parse(o->url, &o->load.target.address, err);

	if (rc < 0)
		return rc;
	if (strcmp(o->mode, "figures") == 0)
		return show_figures(o, r, err);
	if (strcmp(o->mode, "ready") == 0)
		return show_ready(o, r, err);
	if (strcmp(o->mode, "fill") == 0 || strcmp(o->mode, "search") == 0 || strcmp(o->mode, "prove") == 0)
		return run_generated(o, r, err);
	if (!o->events)
		return err_set(err, E_INVALID, "--events is missing");
	return run_load(o, r, err);
}

/* ---- command line ---- */

static bool read_number(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

static bool take_number(struct options *o, int c, uint64_t n)
{
	switch (c) {
	case 'n':
		o->load.count = n;
		return n > 0;
	case 'c':
		o->load.connections = (uint32_t)n;
		return n > 0 && n <= 10000;
	case 'b':
		o->load.body_bytes = n;
		return n > 0;
	case 'r':
		o->load.repeat = (uint32_t)n;
		return n > 0 && n <= 1000000;
	case 'q':
		o->load.seconds = (uint32_t)n;
		return n > 0 && n <= 86400;
	case 'a':
		o->load.rate = n;
		return n <= 10000000;
	case 's':
		o->load.seed = n;
		return true;
	case 'p':
		o->load.target.pid = (pid_t)n;
		return n > 0;
	case 't':
		o->stored = n;
		return true;
	case 'w':
		o->load.settle_s = (int)n;
		return n <= 86400;
	case 'i':
		o->since_ns = (int64_t)n;
		return true;
	default:
		return false;
	}
}

static bool take_text(struct options *o, int c, const char *text)
{
	switch (c) {
	case 'U':
		o->url = text;
		return true;
	case 'K':
		o->load.target.key = text;
		return true;
	case 'E':
		o->events = text;
		return true;
	case 'D':
		o->load.target.folder = text;
		return true;
	case 'J':
		o->json = text;
		return true;
	case 'L':
		o->label = text;
		return true;
	default:
		return false;
	}
}

static bool read_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {{"url", 1, NULL, 'U'},           {"key", 1, NULL, 'K'},
					      {"events", 1, NULL, 'E'},        {"data", 1, NULL, 'D'},
					      {"json", 1, NULL, 'J'},          {"label", 1, NULL, 'L'},
					      {"count", 1, NULL, 'n'},         {"connections", 1, NULL, 'c'},
					      {"body-bytes", 1, NULL, 'b'},    {"repeat", 1, NULL, 'r'},
					      {"seconds", 1, NULL, 'q'},       {"seed", 1, NULL, 's'},
					      {"pid", 1, NULL, 'p'},           {"stored", 1, NULL, 't'},
					      {"settle", 1, NULL, 'w'},        {"since", 1, NULL, 'i'},
					      {"rate", 1, NULL, 'a'},          {"seal", 0, NULL, 'S'},
					      {"allow-missing", 0, NULL, 'M'}, {NULL, 0, NULL, 0}};
	bool is_good = true;
	uint64_t n;
	int c;

	*o = (struct options){.load = {.body_bytes = 4u << 20,
				       .repeat = 1,
				       .seconds = 20,
				       .seed = 1,
				       .settle_s = 300,
				       .count = UINT64_MAX}};
	while (is_good && (c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'S')
			o->wants_seal = true;
		else if (c == 'M')
			o->load.may_miss = true;
		else if (c >= 'A' && c <= 'Z')
			is_good = take_text(o, c, optarg);
		else
			is_good = c != '?' && read_number(optarg, &n) && take_number(o, c, n);
	}
	if (!is_good || argc - optind != 1 || !o->url)
		return false;
	o->mode = argv[optind];
	return true;
}

static bool is_mode(const char *name)
{
	static const char *const modes[] = {"bulk", "single", "fill", "search", "prove", "figures", "ready"};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(name, modes[i]) == 0)
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	struct options options;
	struct report report = REPORT_INIT;
	struct err err = ERR_INIT;
	const char *label;
	int rc;

	if (!read_options(argc, argv, &options) || !is_mode(options.mode)) {
		fputs(usage, stderr);
		return 2;
	}
	label = options.label ? options.label : options.mode;
	rc = run(&options, &report, &err);
	if (rc == 0)
		report_print(&report, label);
	if (rc == 0 && options.json)
		rc = report_append(&report, label, options.json, &err);
	if (rc < 0)
		fprintf(stderr, "stele-load: %s: %s%s%s\n", label, err.message, err.field[0] ? ", at " : "", err.field);
	return rc < 0;
}
