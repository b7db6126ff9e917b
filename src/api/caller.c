/* The caller of a request. What a client says of itself is cut to what an event can hold. */
#include "api/caller.h"

#include <string.h>

#include "api/limits.h"
#include "api/utf8.h"

static void put_ip6(const struct in6_addr *address, char ip[CALLER_IP_MAX])
{
	if (IN6_IS_ADDR_V4MAPPED(address))
		inet_ntop(AF_INET, address->s6_addr + 12, ip, CALLER_IP_MAX);
	else
		inet_ntop(AF_INET6, address, ip, CALLER_IP_MAX);
}

static void put_ip(const struct sockaddr *address, char ip[CALLER_IP_MAX])
{
	if (address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, ip, CALLER_IP_MAX);
	else if (address->sa_family == AF_INET6)
		put_ip6(&((const struct sockaddr_in6 *)address)->sin6_addr, ip);
}

void caller_take(struct MHD_Connection *connection, char ip[CALLER_IP_MAX], struct caller *ret)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const char *agent = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_USER_AGENT);
	size_t len = agent ? strnlen(agent, USER_AGENT_MAX) : 0;

	ip[0] = '\0';
	if (info && info->client_addr)
		put_ip(info->client_addr, ip);
	*ret = (struct caller){.ip = span_str(ip)};
	ret->user_agent = span_of(agent, utf8_valid_prefix(span_of(agent, len)));
}
