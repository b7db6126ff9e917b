/* Where a request comes from: its address and user agent, as events of the self ledger tell them. */
#ifndef STELE_API_CALLER_H
#define STELE_API_CALLER_H

#include <arpa/inet.h>
#include <microhttpd.h>

#include "service/principal.h"

#define CALLER_IP_MAX INET6_ADDRSTRLEN

/* Texts live as long as `ip` and the connection's headers. An IPv4 address in an IPv6 one is written as IPv4. */
void caller_take(struct MHD_Connection *connection, char ip[CALLER_IP_MAX], struct caller *ret);

#endif
