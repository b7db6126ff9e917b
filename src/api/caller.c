/* The caller of a request. What a client says of itself is cut to what an event can hold. */
#include "api/caller.h"

#include <string.h>
#include <strings.h>

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

/* ---- X-Forwarded-For ---- */

static struct span trim(struct span s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_from(s, 1);
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* "192.0.2.7", "192.0.2.7:80", "2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:80", without the port and brackets. */
static struct span cut_port(struct span s)
{
	const uint8_t *colon = s.len ? memchr(s.p, ':', s.len) : NULL;
	const uint8_t *end = s.len ? memchr(s.p, ']', s.len) : NULL;

	if (s.len > 0 && s.p[0] == '[' && end)
		return span_of(s.p + 1, (size_t)(end - s.p) - 1);
	if (colon && colon == memrchr(s.p, ':', s.len))
		s.len = (size_t)(colon - s.p);
	return s;
}

static bool read_ip(struct span text, char ip[CALLER_IP_MAX])
{
	char copy[CALLER_IP_MAX] = "";
	struct in6_addr ip6;
	struct in_addr ip4;

	text = cut_port(trim(text));
	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.p, 0, text.len))
		return false;
	memcpy(copy, text.p, text.len);
	if (inet_pton(AF_INET, copy, &ip4) == 1)
		return inet_ntop(AF_INET, &ip4, ip, CALLER_IP_MAX);
	if (inet_pton(AF_INET6, copy, &ip6) != 1)
		return false;
	put_ip6(&ip6, ip);
	return true;
}

void caller_forwarded(const struct network_list *proxies, struct span header, char found[CALLER_IP_MAX],
		      bool *is_client)
{
	while (header.len > 0) {
		const uint8_t *comma = memchr(header.p, ',', header.len);
		struct span item = span_of(header.p, comma ? (size_t)(comma - header.p) : header.len);
		char ip[CALLER_IP_MAX];
		bool is_address = read_ip(item, ip);
		bool is_proxy = is_address && network_list_has(proxies, span_str(ip));

		if (!is_address) {
			found[0] = '\0';
			*is_client = false;
		} else if (!is_proxy || (found[0] == '\0' && !*is_client)) {
			memcpy(found, ip, sizeof(ip));
			*is_client = !is_proxy;
		}
		header = span_from(header, item.len + (comma != NULL));
	}
}

struct forwarded_walk {
	const struct network_list *proxies;
	char *found;
	bool is_client;
	bool is_secure;
};

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct forwarded_walk *walk = cls;

	if (value && strcasecmp(name, "X-Forwarded-For") == 0)
		caller_forwarded(walk->proxies, span_str(value), walk->found, &walk->is_client);
	if (value && strcasecmp(name, "X-Forwarded-Proto") == 0)
		walk->is_secure = strcasecmp(value, "https") == 0;
	return MHD_YES;
}

/* ---- all of it ---- */

static bool take_forwarded(struct MHD_Connection *connection, const struct network_list *proxies,
			   char ip[CALLER_IP_MAX])
{
	char found[CALLER_IP_MAX] = "";
	struct forwarded_walk walk = {.proxies = proxies, .found = found};

	if (proxies->count == 0 || !network_list_has(proxies, span_str(ip)))
		return false;
	MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, &walk);
	if (found[0] != '\0')
		memcpy(ip, found, sizeof(found));
	return walk.is_secure;
}

void caller_take(struct MHD_Connection *connection, const struct network_list *proxies, char ip[CALLER_IP_MAX],
		 struct caller *ret, bool *ret_is_secure)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const char *agent = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_USER_AGENT);
	size_t len = agent ? strnlen(agent, USER_AGENT_MAX) : 0;

	ip[0] = '\0';
	if (info && info->client_addr)
		put_ip(info->client_addr, ip);
	*ret_is_secure = take_forwarded(connection, proxies, ip);
	*ret = (struct caller){.ip = span_str(ip)};
	ret->user_agent = span_of(agent, utf8_valid_prefix(span_of(agent, len)));
}
