/* Two readings of all figures, and what happened between them. */
#include "api/system_metrics.h"

#include <inttypes.h>
#include <stdlib.h>

#include "api/limits.h"
#include "api/process.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "service/log.h"
#include "service/retention.h"
#include "service/system_org.h"
#include "service/verification.h"

#define NS_PER_S 1e9
#define MS_PER_S 1000
#define ACTION   "system.metrics"

struct reading_of_all {
	struct meter_counts requests;
	struct store_figures store;
	int64_t mono_ns;
	int64_t cpu_ns;
	uint64_t aborted;
};

struct system_metrics {
	struct server *server;
	unsigned every_s;
	struct thread thread;
	struct reading_of_all before, now;
	bool is_failing;
	struct mutex mu; /* guards is_stopping */
	struct cond cond;
	bool is_stopping;
};

static void read_all(struct server *s, struct reading_of_all *r)
{
	meter_read(&s->meter, &r->requests);
	service_figures(s->service, &r->store);
	r->mono_ns = clock_mono_ns();
	r->cpu_ns = clock_cpu_ns();
	r->aborted = s->meter.aborted;
}

/* ---- the event ---- */

static void put_route(struct buf *to, const struct meter_change *c, bool is_first)
{
	buf_printf(to, "%s{\"route\":\"%s %s\",\"count\":%" PRIu64 ",\"failed\":%" PRIu64, is_first ? "" : ",",
		   c->method, c->path, c->count, c->failed);
	buf_printf(to, ",\"p50_ms\":%.2f,\"p95_ms\":%.2f,\"p99_ms\":%.2f}", c->p50_ms, c->p95_ms, c->p99_ms);
}

static void put_requests(struct buf *to, const struct system_metrics *m)
{
	struct meter_change c;
	uint64_t count = 0, failed = 0;
	unsigned listed = 0;

	buf_put_str(to, ",\"routes\":[");
	for (size_t i = 0; i < METER_ROUTES; i++) {
		meter_change(&m->before.requests, &m->now.requests, i, &c);
		if (c.count == 0)
			continue;
		count += c.count;
		failed += c.failed;
		if (listed < METRICS_ROUTES_MAX)
			put_route(to, &c, listed++ == 0);
	}
	buf_printf(to, "],\"requests\":{\"count\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"aborted\":%" PRIu64 "}", count,
		   failed, m->now.aborted - m->before.aborted);
}

static void put_process(struct buf *to, struct system_metrics *m, double seconds)
{
	struct server *s = m->server;

	buf_printf(to, ",\"cpu\":{\"seconds\":%.3f,\"share\":%.3f}",
		   (double)(m->now.cpu_ns - m->before.cpu_ns) / NS_PER_S,
		   (double)(m->now.cpu_ns - m->before.cpu_ns) / NS_PER_S / seconds);
	buf_printf(to,
		   ",\"memory\":{\"resident_bytes\":%" PRIu64 ",\"answers_bytes\":%" PRIu64 ",\"head_bytes\":%" PRIu64
		   "}",
		   process_resident_bytes(), budget_used(&s->budget), m->now.store.head_bytes);
	buf_printf(to,
		   ",\"disk\":{\"free_bytes\":%" PRIu64 ",\"journal_bytes\":%" PRIu64 ",\"segment_bytes\":%" PRIu64 "}",
		   service_disk_free(s->service), m->now.store.journal_bytes, m->now.store.segment_bytes);
}

static void put_work(struct buf *to, struct system_metrics *m, double seconds)
{
	struct server *s = m->server;
	uint64_t records = m->now.store.records - m->before.store.records;
	struct log_figures log;

	service_log_figures(s->service, &log);
	buf_printf(to, ",\"ingest\":{\"records\":%" PRIu64 ",\"records_per_second\":%.2f,\"commits\":%" PRIu64 "}",
		   records, (double)records / seconds, m->now.store.commits - m->before.store.commits);
	buf_printf(to,
		   ",\"queues\":{\"work\":%zu,\"unsealed_records\":%" PRIu64 ",\"unsigned_logs\":%" PRIu64
		   ",\"unsigned_seconds\":%.2f}",
		   work_waiting(s->work), m->now.store.head_records, log.unsigned_logs, log.unsigned_seconds);
	buf_printf(to, ",\"clients\":{\"connections\":%" PRIu64 ",\"in_flight\":%" PRIu64 ",\"tails\":%u}",
		   (uint64_t)s->meter.connections, (uint64_t)s->meter.in_flight, tail_hub_count(s->tails));
}

/* Whether anything is wrong. */
static bool put_faults(struct buf *to, struct system_metrics *m)
{
	struct service *service = m->server->service;
	struct verification_figures verification;
	struct retention_result retention;
	bool is_writable = service_ready(service, NULL) == 0;

	service_verification_figures(service, &verification);
	service_retention_last(service, &retention);
	buf_printf(to,
		   ",\"faults\":{\"verification\":%" PRIu64 ",\"damaged_segments\":%" PRIu64
		   ",\"retention_orgs\":%" PRIu64 ",\"writable\":%s}",
		   verification.faults, m->now.store.damaged, retention.failed, is_writable ? "true" : "false");
	return verification.faults + m->now.store.damaged + retention.failed > 0 || !is_writable;
}

static void put_event(struct buf *to, struct system_metrics *m)
{
	double seconds = (double)(m->now.mono_ns - m->before.mono_ns) / NS_PER_S;
	bool has_faults;

	buf_put_str(to, "{\"action\":\"" ACTION "\",\"actor\":{\"id\":\"stele\",\"type\":\"system\"}");
	buf_printf(to, ",\"attributes\":{\"seconds\":%.3f", seconds);
	put_requests(to, m);
	put_process(to, m, seconds);
	put_work(to, m, seconds);
	has_faults = put_faults(to, m);
	buf_printf(to, "},\"severity\":\"%s\"}", has_faults ? "high" : "info");
}

static void write_one(struct system_metrics *m)
{
	struct buf event = BUF_INIT;
	struct err err = ERR_INIT;
	int rc = E_NO_MEMORY;

	read_all(m->server, &m->now);
	put_event(&event, m);
	if (buf_ok(&event))
		rc = service_system_append(m->server->service, buf_span(&event), &err);
	if (rc < 0 && !m->is_failing)
		diag(DIAG_WARNING, "api", "the server's own figures are not written: %s code=%s", err.message,
		     err_wire(rc));
	m->is_failing = rc < 0;
	m->before = m->now;
	buf_release(&event);
}

/* ---- the thread ---- */

static void *run(void *arg)
{
	struct system_metrics *m = arg;

	mutex_lock(&m->mu);
	while (!m->is_stopping) {
		if (cond_wait_for(&m->cond, &m->mu, (int64_t)m->every_s * MS_PER_S))
			continue;
		mutex_unlock(&m->mu);
		write_one(m);
		mutex_lock(&m->mu);
	}
	mutex_unlock(&m->mu);
	return NULL;
}

struct system_metrics *system_metrics_start(struct server *s, unsigned every_s)
{
	struct system_metrics *m;

	if (every_s == 0)
		return NULL;
	m = xalloc(sizeof(*m));
	m->server = s;
	m->every_s = every_s;
	read_all(s, &m->before);
	mutex_init(&m->mu);
	cond_init(&m->cond);
	thread_start(&m->thread, "metrics", run, m);
	return m;
}

struct system_metrics *system_metrics_stop(struct system_metrics *m)
{
	if (!m)
		return NULL;
	mutex_lock(&m->mu);
	m->is_stopping = true;
	cond_signal(&m->cond);
	mutex_unlock(&m->mu);
	thread_join(&m->thread);
	cond_release(&m->cond);
	mutex_release(&m->mu);
	free(m);
	return NULL;
}
