/*
 * stele serve: start order is certificate, socket, data folder, server, so that a wrong file, a taken port or a locked
 * folder is said before anything is touched; stop order is the reverse. Signals are taken by this thread alone, which
 * only waits for them.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "api/limits.h"
#include "api/listen.h"
#include "api/server.h"
#include "api/tls.h"
#include "base/diag.h"
#include "base/mem.h"
#include "main/command.h"
#include "main/options.h"

#define DEFAULT_LISTEN "127.0.0.1:8470"

struct serve_options {
	const char *data;
	const char *listen;
	const char *log_host;
	const char *state;
	const char *master_key;
	const char *tls_cert;
	const char *tls_key;
	const char *trust_proxy;
	uint32_t idle_timeout_s;
	uint32_t request_timeout_s;
	uint32_t heartbeat_s;
	uint32_t session_idle_s;
	uint32_t export_keep_s;
	uint32_t verify_rate_mib;
	uint32_t verify_every_s;
	uint32_t system_metrics_s;
	uint32_t request_rate;
	uint32_t event_rate;
	bool has_password_grant;
	bool is_verbose;
};

/* Blocked before the first thread starts, so that all threads leave them to this one. Without a certificate to read
 * again a hang-up ends the program, as it does others. */
static void block_signals(sigset_t *set, bool takes_hangup)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	if (takes_hangup)
		sigaddset(set, SIGHUP);
	must(pthread_sigmask(SIG_BLOCK, set, NULL) == 0);
}

static void greet(const char *url, const char *folder, bool is_first)
{
	printf("stele %s listens on %s, data in %s\n", STELE_VERSION, url, folder);
	if (is_first)
		printf("first start: the credentials are in %s/bootstrap.json\n", folder);
	fflush(stdout);
}

static void wait_for_stop(const sigset_t *set, struct tls *tls)
{
	int signal_number = 0;

	while (sigwait(set, &signal_number) != 0 || signal_number == SIGHUP) {
		if (signal_number == SIGHUP)
			tls_reload(tls);
	}
	diag(DIAG_INFO, "main", "stopping: signal=%d", signal_number);
}

static int run(const struct serve_options *o, struct err *err)
{
	struct server_config config = {.idle_timeout_s = o->idle_timeout_s,
				       .request_timeout_s = o->request_timeout_s,
				       .heartbeat_s = o->heartbeat_s,
				       .has_password_grant = o->has_password_grant,
				       .system_metrics_s = o->system_metrics_s};
	struct service_config service_config = {.io = &io_posix,
						.folder = o->data,
						.master_key = o->master_key,
						.log_host = o->log_host,
						.state_folder = o->state,
						.session_idle_s = o->session_idle_s,
						.export_keep_s = o->export_keep_s,
						.verify_rate_mib = o->verify_rate_mib,
						.verify_every_s = o->verify_every_s,
						.request_rate = o->request_rate,
						.event_rate = o->event_rate};
	struct service *service = NULL;
	struct server *server = NULL;
	char normal[NETWORKS_TEXT_MAX + 1];
	char url[LISTEN_URL_MAX];
	bool is_first;
	sigset_t set;
	int rc;

	if (o->trust_proxy && (rc = network_list_parse(span_str(o->trust_proxy), &config.proxies, normal, err)) < 0)
		return rc;
	mem_tune_for_server();
	block_signals(&set, o->tls_cert);
	if (o->tls_cert && (rc = tls_open(o->tls_cert, o->tls_key, &config.tls, err)) < 0)
		return rc;
	if ((rc = listen_open(o->listen, config.tls, &config.listen_fd, url, err)) < 0) {
		tls_close(config.tls);
		return rc;
	}
	service_config.url = url;
	if ((rc = service_open(&service_config, &service, &is_first, err)) < 0) {
		close(config.listen_fd);
		tls_close(config.tls);
		return rc;
	}
	config.service = service;
	if ((rc = server_start(&config, &server, err)) == 0) {
		greet(url, o->data, is_first);
		wait_for_stop(&set, config.tls);
		server_stop(server);
	}
	service_close(service);
	tls_close(config.tls);
	return rc;
}

int cmd_serve(int argc, char **argv)
{
	struct serve_options o = {.listen = DEFAULT_LISTEN,
				  .idle_timeout_s = IDLE_TIMEOUT_S,
				  .request_timeout_s = REQUEST_TIMEOUT_S,
				  .heartbeat_s = HEARTBEAT_S,
				  .system_metrics_s = SYSTEM_METRICS_S};
	const struct option_spec specs[] = {
		{"data", OPTION_TEXT, "DIR", "the data folder, made when missing (required)", &o.data, 0, 0},
		MASTER_KEY_SPEC(o.master_key),
		{"listen", OPTION_TEXT, "ADDRESS:PORT", "where to listen (" DEFAULT_LISTEN "); port 0 takes a free one",
		 &o.listen, 0, 0},
		{"log-host", OPTION_TEXT, "HOST",
		 "what the names of the logs begin with, which are for good (" DEFAULT_LOG_HOST ")", &o.log_host, 0, 0},
		{"state", OPTION_TEXT, "DIR",
		 "keep the signed tree heads here too, outside of the data folder, so that an old copy of it is found "
		 "out",
		 &o.state, 0, 0},
		{"tls-cert", OPTION_TEXT, "FILE",
		 "serve HTTPS alone, with this chain of certificates (PEM); with --tls-key", &o.tls_cert, 0, 0},
		{"tls-key", OPTION_TEXT, "FILE", "the private key of the first of them (PEM)", &o.tls_key, 0, 0},
		{"trust-proxy", OPTION_TEXT, "NETWORKS",
		 "believe the X-Forwarded-For of proxies there: 10.0.0.0/8,2001:db8::7", &o.trust_proxy, 0, 0},
		{"idle-timeout", OPTION_NUMBER, "SECONDS", "close connections on which nothing moves (30)",
		 &o.idle_timeout_s, 1, 86400},
		{"request-timeout", OPTION_NUMBER, "SECONDS",
		 "close connections whose request or answer takes longer; large ones have more (60)",
		 &o.request_timeout_s, 1, 86400},
		{"heartbeat", OPTION_NUMBER, "SECONDS", "give a sign of life to clients that follow events (15)",
		 &o.heartbeat_s, 1, 86400},
		{"session-idle", OPTION_NUMBER, "SECONDS", "end sessions of users that nothing uses (1800)",
		 &o.session_idle_s, 1, 43200},
		{"export-keep", OPTION_NUMBER, "SECONDS", "keep the files of export jobs so long (86400)",
		 &o.export_keep_s, 1, 31536000},
		{"verify-rate", OPTION_NUMBER, "MIB", "read so much a second to verify what is stored (8)",
		 &o.verify_rate_mib, 1, 4096},
		{"verify-every", OPTION_NUMBER, "SECONDS", "begin no pass of the verification sooner (21600)",
		 &o.verify_every_s, 1, 31536000},
		{"system-metrics", OPTION_NUMBER, "SECONDS",
		 "write the server's own performance into the org _system so often (60); 0: never", &o.system_metrics_s,
		 0, 86400},
		{"request-rate", OPTION_NUMBER, "N",
		 "requests a second of each org, key and address that has no limit of its own (no limit)",
		 &o.request_rate, 1, RATE_MAX},
		{"event-rate", OPTION_NUMBER, "N",
		 "events a second of each org and key that has no limit of its own (no limit)", &o.event_rate, 1,
		 RATE_MAX},
		{"password-grant", OPTION_FLAG, NULL, "let Unqork's interface give users tokens for their passwords",
		 &o.has_password_grant, 0, 0},
		{"verbose", OPTION_FLAG, NULL, "log at debug level", &o.is_verbose, 0, 0},
	};
	const struct options options = {"serve", NULL, "Stops cleanly on SIGINT and SIGTERM.", specs,
					OPTIONS_COUNT(specs)};
	struct err err = ERR_INIT;
	int code;

	if (options_parse(&options, argc, argv, NULL, &code))
		return code;
	if (!o.data) {
		fprintf(stderr, "stele serve: --data DIR is required\n");
		return EXIT_CODE_USAGE;
	}
	if (!o.tls_cert != !o.tls_key) {
		fprintf(stderr, "stele serve: --tls-cert FILE and --tls-key FILE go together\n");
		return EXIT_CODE_USAGE;
	}
	diag_set_level(o.is_verbose ? DIAG_DEBUG : DIAG_INFO);
	if (run(&o, &err) < 0)
		return command_fail("serve", &err, err.code == E_INVALID ? EXIT_CODE_USAGE : EXIT_CODE_CANNOT);
	return EXIT_CODE_OK;
}
