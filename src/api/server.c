/*
 * Starting and stopping the server.
 *
 * Stopping: the listening socket is closed first; answers without an end are ended; other answers that are made while
 * they are sent get STREAM_STOP_MS; requests whose body is still coming get STOP_TIMEOUT_MS; what a worker or the
 * journal has is always waited for, since its connection is suspended and its append may be on the disk already.
 */
#include "api/server.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "api/limits.h"
#include "api/paging.h"
#include "api/request.h"
#include "api/system_metrics.h"
#include "base/diag.h"
#include "base/mem.h"

#define STOP_POLL_MS 5

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct server *s = cls;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

		*socket_context = info ? client_open(s->deadlines, info->connect_fd) : NULL;
		atomic_fetch_add_explicit(&s->meter.connections, 1, memory_order_relaxed);
	} else {
		client_close(*socket_context);
		*socket_context = NULL;
		atomic_fetch_sub_explicit(&s->meter.connections, 1, memory_order_relaxed);
	}
}

/* As many handles as the system lets us have; connections fit what there is. */
static unsigned raise_handles(void)
{
	const unsigned reserved = 512; /* for segments, journal and control data */
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return CONNECTION_THREADS;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= CONNECTIONS_MAX + reserved)
		return CONNECTIONS_MAX;
	diag(DIAG_WARNING, "api", "few file handles are allowed, so fewer connections are served: handles=%llu",
	     (unsigned long long)limit.rlim_cur);
	return limit.rlim_cur > 2 * reserved ? (unsigned)limit.rlim_cur - reserved : (unsigned)limit.rlim_cur / 2;
}

static struct MHD_Daemon *start_daemon(struct server *s, const struct server_config *config)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | (config->tls ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_handshake_callback()},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

	return MHD_start_daemon(flags, 0, NULL, NULL, request_on_access, s, MHD_OPTION_LISTEN_SOCKET, config->listen_fd,
				MHD_OPTION_THREAD_POOL_SIZE, CONNECTION_THREADS, MHD_OPTION_CONNECTION_LIMIT,
				raise_handles(), MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK,
				request_on_target, NULL, MHD_OPTION_CONNECTION_TIMEOUT, config->idle_timeout_s,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				MHD_OPTION_NOTIFY_COMPLETED, request_on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
				on_connection, s, MHD_OPTION_ARRAY, config->tls ? tls : none, MHD_OPTION_END);
}

static struct server *free_server(struct server *s)
{
	tail_hub_stop(s->tails);
	proof_waits_stop(s->proofs);
	paging_free(s->paging);
	work_stop(s->work);
	work_stop(s->hashing);
	deadlines_stop(s->deadlines);
	request_pools_release(s);
	recents_free(s->unqork_rates);
	recents_free(s->unqork_locks);
	streams_release(&s->streams);
	mutex_release(&s->pool_mu);
	free(s);
	return NULL;
}

int server_start(const struct server_config *config, struct server **ret, struct err *err)
{
	struct server *s = xalloc(sizeof(*s));

	s->service = config->service;
	s->tls = config->tls;
	s->proxies = config->proxies;
	s->has_password_grant = config->has_password_grant;
	s->budget.max_bytes = BODY_MEMORY_MAX;
	mutex_init(&s->pool_mu);
	streams_init(&s->streams);
	s->unqork_rates = recents_new(UNQORK_RATE_S, false);
	s->unqork_locks = recents_new(UNQORK_LOCK_S, true);
	s->work = work_start(WORKER_THREADS);
	s->hashing = work_start(HASHING_THREADS);
	s->deadlines = deadlines_start(config->idle_timeout_s, config->request_timeout_s);
	s->tails = tail_hub_start(config->service, s->work, &s->busy, config->heartbeat_s);
	s->proofs = proof_waits_start(config->service, s->work);
	s->paging = paging_new();
	s->daemon = start_daemon(s, config);
	if (s->daemon)
		s->metrics = system_metrics_start(s, config->system_metrics_s);
	if (!s->daemon) {
		close(config->listen_fd);
		free_server(s);
		return err_set(err, E_IO, "the HTTP server does not start");
	}
	*ret = s;
	return 0;
}

static void wait_for_requests(struct server *s)
{
	const struct timespec pause = {0, STOP_POLL_MS * 1000000L};

	for (int waited = 0; s->meter.in_flight > 0 && waited < STOP_TIMEOUT_MS; waited += STOP_POLL_MS) {
		if (waited == STREAM_STOP_MS)
			streams_cut(&s->streams);
		nanosleep(&pause, NULL);
	}
	s->is_closing = true;
	while (s->busy > 0)
		nanosleep(&pause, NULL);
}

struct server *server_stop(struct server *s)
{
	int fd;

	if (!s)
		return NULL;
	s->is_stopping = true;
	fd = MHD_quiesce_daemon(s->daemon);
	if (fd >= 0)
		close(fd);
	s->metrics = system_metrics_stop(s->metrics);
	tail_hub_close(s->tails);
	wait_for_requests(s);
	MHD_stop_daemon(s->daemon);
	return free_server(s);
}
