/*
 * Searches, one after another. Each kind runs its rounds with other values each time, so that no answer comes from a
 * cache of answers; the first round, on a cold server, is a figure of its own. An answer must hold the value and as
 * many events as it should.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "load.h"
#include "sample.h"

struct query_case {
	const char *name;
	const char *query; /* URL-encoded, %s where the value goes; NULL: none */
	enum sample_kind kind;
	const char *more; /* further parameters */
	size_t rows_min;  /* in an answer */
	size_t rows_max;
};

static const struct query_case cases[] = {
	{"newest_", NULL, SAMPLE_NONE, "", 100, 100},
	{"actor_", "actor.id%%3A%%22%s%%22", SAMPLE_ACTOR_FREQUENT, "", 1, 100},
	{"rare_actor_", "actor.id%%3A%%22%s%%22", SAMPLE_ACTOR_RARE, "", 1, 100},
	{"request_id_", "attributes.request_id%%3A%s", SAMPLE_REQUEST_ID, "", 1, 1},
	{"any_field_", "%s", SAMPLE_REQUEST_ID, "", 1, 1},
	{"two_terms_", "entity.type%%3Arole%%20outcome.type%%3Afailure", SAMPLE_NONE, "", 1, 100},
	{"count_", "outcome.type%%3Afailure", SAMPLE_NONE, "&total=exact", 1, 100},
};

static void put_path(char *to, size_t size, const struct query_case *c, const char *value)
{
	char query[256] = "";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (c->query)
		snprintf(query, sizeof(query), c->query, value);
#pragma GCC diagnostic pop
	snprintf(to, size, "/v1/events?limit=100%s%s%s", c->more, c->query ? "&query=" : "", query);
}

/* Each event of an answer has its time of arrival. */
static size_t count_rows(struct span body)
{
	static const char member[] = "\"received\":\"";
	const uint8_t *end = body.p + body.len;
	const uint8_t *at = body.p;
	size_t count = 0;

	while ((at = memmem(at, (size_t)(end - at), member, sizeof(member) - 1)) != NULL) {
		at += sizeof(member) - 1;
		count++;
	}
	return count;
}

static int check_reply(const struct wire_reply *reply, const struct query_case *c, const char *value, double *rows_sum,
		       struct err *err)
{
	struct span body = wire_reply_body(reply);
	size_t rows;
	int rc = wire_reply_expect(reply, 200, err);

	if (rc < 0)
		return rc;
	rows = count_rows(body);
	if (rows < c->rows_min || rows > c->rows_max)
		return err_set(err, E_INTERNAL, "the answer for '%s' has %zu events, not %zu to %zu", value, rows,
			       c->rows_min, c->rows_max);
	if (!memmem(body.p, body.len, value, strlen(value)))
		return err_set(err, E_INTERNAL, "the answer does not hold '%s'", value);
	*rows_sum += (double)rows;
	return 0;
}

static int ask(const struct load *l, int fd, const char *path, struct wire_reply *reply, struct err *err)
{
	struct buf request = BUF_INIT;
	int rc;

	wire_put_head(&request, &l->target.address, "GET", path, l->target.key, NULL);
	buf_put_str(&request, "\r\n");
	wire_reply_reset(reply);
	rc = wire_send(fd, buf_span(&request), false, err);
	if (rc == 0)
		rc = wire_receive(fd, true, reply, err);
	buf_release(&request);
	return rc;
}

static int run_case(const struct load *l, const struct query_case *c, struct sample *sample, int fd, struct report *r,
		    struct err *err)
{
	struct latency latency = LATENCY_INIT;
	struct wire_reply reply = WIRE_REPLY_INIT;
	char value[SAMPLE_TEXT_MAX];
	char name[40];
	char path[512];
	double first_ms = 0;
	double rows_sum = 0;
	int rc = 0;

	for (uint32_t i = 0; i < l->rounds && rc == 0; i++) {
		int64_t begin_ns;

		sample_next(sample, c->kind, value);
		put_path(path, sizeof(path), c, value);
		begin_ns = clock_mono_ns();
		if ((rc = ask(l, fd, path, &reply, err)) < 0)
			break;
		latency_add(&latency, clock_mono_ns() - begin_ns);
		if (i == 0)
			first_ms = latency_mean_ms(&latency);
		rc = check_reply(&reply, c, value, &rows_sum, err);
	}
	if (rc < 0)
		err_set_field(err, c->name, strlen(c->name));
	snprintf(name, sizeof(name), "%sfirst_ms", c->name);
	report_add(r, name, first_ms);
	report_add_latency(r, c->name, &latency);
	snprintf(name, sizeof(name), "%srows_mean", c->name);
	report_add(r, name, rows_sum / l->rounds);
	latency_release(&latency);
	wire_reply_release(&reply);
	return rc;
}

int load_query(struct load *l, struct report *r, struct err *err)
{
	struct sample sample;
	int fd = -1;
	int rc;

	if ((rc = sample_init(&sample, &l->corpus, l->seed, err)) < 0)
		goto out;
	if ((rc = wire_connect(&l->target.address, &fd, err)) < 0)
		goto out;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) && rc == 0; i++)
		rc = run_case(l, &cases[i], &sample, fd, r, err);
out:
	if (fd >= 0)
		close(fd);
	return rc;
}
