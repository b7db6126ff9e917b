/* stele-gen: the benchmark's events on standard output. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "event_stream.h"

#define CHUNK_BYTES (1u << 20)

static const char usage[] = "usage: stele-gen [--start TIME] [--gap MS] [--rare TIMES] N [SEED] > events.jsonl\n"
			    "\n"
			    "Writes N audit events, one JSON object a line, the same for the same arguments.\n"
			    "\n"
			    "  --start TIME  when the first one happens, as 2026-01-01T00:00:00Z (the default)\n"
			    "  --gap MS      mean time between two events, in milliseconds (50)\n"
			    "  --rare TIMES  100 further actors with so many events each, spread over the N (0)\n"
			    "  SEED          an integer (1)\n";

struct options {
	uint64_t count;
	uint64_t seed;
	uint64_t rare;
	int64_t start_us;
	double gap_ms;
};

static bool read_count(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && end != text && text[0] != '-';
}

static bool read_gap(const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return *end == '\0' && end != text && *ret >= 0 && *ret <= 1e9;
}

static bool read_start(const char *text, int64_t *ret_us)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (!end || *end != '\0' || tm.tm_year < 70)
		return false;
	*ret_us = (int64_t)timegm(&tm) * 1000000;
	return true;
}

static bool read_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {{"start", required_argument, NULL, 's'},
					      {"gap", required_argument, NULL, 'g'},
					      {"rare", required_argument, NULL, 'r'},
					      {NULL, 0, NULL, 0}};
	bool is_good = true;
	int c;

	*o = (struct options){.seed = 1, .start_us = EVENT_START_DEFAULT, .gap_ms = EVENT_GAP_MS_DEFAULT};
	while (is_good && (c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 's')
			is_good = read_start(optarg, &o->start_us);
		else if (c == 'r')
			is_good = read_count(optarg, &o->rare) && o->rare <= 1000000;
		else
			is_good = c == 'g' && read_gap(optarg, &o->gap_ms);
	}
	if (!is_good || argc - optind < 1 || argc - optind > 2)
		return false;
	return read_count(argv[optind], &o->count) && (argc - optind == 1 || read_count(argv[optind + 1], &o->seed));
}

static int write_all(const struct buf *b)
{
	size_t done = 0;

	while (done < b->len) {
		ssize_t n = write(STDOUT_FILENO, b->p + done, b->len - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

static int generate(const struct options *o)
{
	struct event_stream *stream = event_stream_new(o->seed, o->start_us, o->gap_ms);
	struct buf chunk = BUF_INIT;
	int rc = 0;

	event_stream_set_rare(stream, o->rare, o->count);
	for (uint64_t i = 0; i < o->count && rc == 0; i++) {
		uint8_t *room = buf_room(&chunk, EVENT_BYTES_MAX);

		must(room);
		buf_commit(&chunk, event_stream_next(stream, room));
		if (chunk.len < CHUNK_BYTES && i + 1 < o->count)
			continue;
		rc = write_all(&chunk);
		buf_reset(&chunk);
	}
	buf_release(&chunk);
	event_stream_free(stream);
	return rc;
}

int main(int argc, char **argv)
{
	struct options options;
	int rc;

	if (!read_options(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	rc = generate(&options);
	if (rc < 0)
		fprintf(stderr, "stele-gen: standard output: %s\n", strerror(-rc));
	return rc < 0;
}
