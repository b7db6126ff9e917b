/* GET /metrics: figures as Prometheus text. No tenant, key or content is named. */
#include "api/handler.h"
#include "api/process.h"
#include "api/request.h"
#include "base/clock.h"
#include "service/log.h"
#include "service/retention.h"
#include "service/verification.h"

static void put_metric(struct buf *to, const char *name, const char *type, const char *help, double value)
{
	buf_printf(to, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, type, name, value);
}

static void put_figures(struct server *s, const struct store_figures *f, const struct verification_figures *v,
			const struct retention_result *t, bool is_writable, struct buf *to)
{
	struct log_figures log;
	struct tls_figures tls;

	service_log_figures(s->service, &log);
	tls_figures(s->tls, &tls);
#define METRIC(name, type, help, value) put_metric(to, name, type, help, value);
#include "api/metric.tbl"
#undef METRIC
}

enum handled handle_metrics(struct request *r)
{
	struct server *s = r->server;
	struct buf *to = &r->reply.body;
	struct verification_figures verification;
	struct retention_result retention;
	struct store_figures figures;

	service_figures(s->service, &figures);
	service_verification_figures(s->service, &verification);
	service_retention_last(s->service, &retention);
	reply_json(&r->reply, 200);
	r->reply.content_type = CONTENT_PROMETHEUS;
	buf_put_str(to, "# HELP stele_build_info The running version.\n# TYPE stele_build_info gauge\n"
			"stele_build_info{version=\"" STELE_VERSION "\"} 1\n");
	put_figures(s, &figures, &verification, &retention, service_ready(s->service, NULL) == 0, to);
	meter_put(&s->meter, to);
	return HANDLED_NOW;
}
