/*
 * Where a request comes from: its address and user agent, as events of the self ledger tell them, and as the networks
 * of keys and the throttling of guesses go by.
 *
 * Behind a proxy the connection's address is the proxy's, and the client's stands in X-Forwarded-For. Anybody can send
 * that header, so it is looked at only when the connection comes from a network that an operator trusts, and then only
 * what trusted proxies have written of it counts.
 */
#ifndef STELE_API_CALLER_H
#define STELE_API_CALLER_H

#include <arpa/inet.h>
#include <microhttpd.h>

#include "service/network.h"
#include "service/principal.h"

#define CALLER_IP_MAX INET6_ADDRSTRLEN

/* Texts live as long as `ip` and the connection's headers. An IPv4 address in an IPv6 one is written as IPv4.
 * *ret_is_secure: a trusted proxy says that the client came to it over TLS. */
void caller_take(struct MHD_Connection *connection, const struct network_list *proxies, char ip[CALLER_IP_MAX],
		 struct caller *ret, bool *ret_is_secure);

/* Finds the client in one X-Forwarded-For after the other, in their order: the last address that is no trusted proxy's,
 * or the first of all when all are. What is no address hides what stands before it. `found` is "" before the first, and
 * stays so when there is none. An address may have a port behind it. */
void caller_forwarded(const struct network_list *proxies, struct span header, char found[CALLER_IP_MAX],
		      bool *is_client);

#endif
