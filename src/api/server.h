/*
 * The HTTP server: libmicrohttpd with epoll on a few connection threads, worker threads for what takes long, and
 * appends that wait for the disk suspended, without a thread.
 *
 * Stopping is graceful: no new connections, requests under way are answered, then the threads end.
 */
#ifndef STELE_API_SERVER_H
#define STELE_API_SERVER_H

#include "base/err.h"
#include "service/network.h"
#include "service/service.h"

struct server;
struct tls;

struct server_config {
	struct service *service;     /* outlives the server */
	int listen_fd;               /* from listen_open; taken over */
	unsigned idle_timeout_s;     /* IDLE_TIMEOUT_S unless an operator says otherwise */
	unsigned request_timeout_s;  /* REQUEST_TIMEOUT_S unless an operator says otherwise */
	struct network_list proxies; /* whose X-Forwarded-For is believed */
	struct tls *tls;             /* outlives the server; NULL: plain HTTP */
	bool has_password_grant;     /* Unqork's interface gives users tokens for their passwords */
	unsigned system_metrics_s;   /* SYSTEM_METRICS_S unless an operator says otherwise; 0: none */
	unsigned heartbeat_s;        /* HEARTBEAT_S unless an operator says otherwise */
};

int server_start(const struct server_config *config, struct server **ret, struct err *err)
	__attribute__((warn_unused_result));
struct server *server_stop(struct server *s); /* returns NULL */

#endif
