/* Networks: addresses of one length, of which so many bits are compared. */
#include "service/network.h"

#include <arpa/inet.h>
#include <string.h>

#define ADDRESS_BITS   128u
#define V4_PREFIX_BITS 96u /* before the IPv4 address in the IPv6 one that stands for it */

static const uint8_t v4_prefix[NETWORK_ADDRESS_LEN] = {[10] = 0xff, [11] = 0xff};

/* *ret_spare: bits that stand before what was written. */
static bool parse_address(struct span text, uint8_t ret[NETWORK_ADDRESS_LEN], unsigned *ret_spare)
{
	char ip[INET6_ADDRSTRLEN];

	if (text.len == 0 || text.len >= sizeof(ip) || memchr(text.p, 0, text.len))
		return false;
	memcpy(ip, text.p, text.len);
	ip[text.len] = '\0';
	*ret_spare = 0;
	if (inet_pton(AF_INET6, ip, ret) == 1)
		return true;
	memcpy(ret, v4_prefix, sizeof(v4_prefix));
	*ret_spare = V4_PREFIX_BITS;
	return inet_pton(AF_INET, ip, ret + V4_PREFIX_BITS / 8) == 1;
}

/* One to three digits, without a 0 in front. */
static bool parse_bits(struct span text, unsigned *ret)
{
	unsigned n = 0;

	if (text.len == 0 || text.len > 3 || (text.len > 1 && text.p[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		n = n * 10 + (unsigned)(text.p[i] - '0');
	}
	*ret = n;
	return true;
}

static bool parse_network(struct span text, struct network *ret)
{
	const uint8_t *slash = text.len ? memchr(text.p, '/', text.len) : NULL;
	size_t len = slash ? (size_t)(slash - text.p) : text.len;
	unsigned spare, bits;

	if (!parse_address(span_of(text.p, len), ret->address, &spare))
		return false;
	ret->bits = ADDRESS_BITS;
	if (!slash)
		return true;
	if (!parse_bits(span_from(text, len + 1), &bits) || bits > ADDRESS_BITS - spare)
		return false;
	ret->bits = spare + bits;
	return true;
}

static struct span trim(struct span s)
{
	while (s.len > 0 && s.p[0] == ' ')
		s = span_from(s, 1);
	while (s.len > 0 && s.p[s.len - 1] == ' ')
		s.len--;
	return s;
}

static int refuse(struct span item, struct err *err)
{
	return err_set(err, E_INVALID,
		       "'%.*s' is no address and no network; give a list like 10.0.0.0/8,2001:db8::/32,192.0.2.7",
		       (int)(item.len < INET6_ADDRSTRLEN ? item.len : INET6_ADDRSTRLEN), (const char *)item.p);
}

int network_list_parse(struct span text, struct network_list *ret, char normal[NETWORKS_TEXT_MAX + 1], struct err *err)
{
	struct network_list list = {.count = 0};
	size_t at = 0;

	normal[0] = '\0';
	for (bool more = trim(text).len > 0; more;) {
		const uint8_t *comma = text.len ? memchr(text.p, ',', text.len) : NULL;
		size_t len = comma ? (size_t)(comma - text.p) : text.len;
		struct span item = trim(span_of(text.p, len));

		if (list.count == NETWORKS_MAX)
			return err_set(err, E_TOO_LARGE, "a key has at most %u networks", NETWORKS_MAX);
		if (!parse_network(item, &list.item[list.count++]))
			return refuse(item, err);
		if (at > 0)
			normal[at++] = ',';
		memcpy(normal + at, item.p, item.len); /* NETWORKS_MAX of the longest fit */
		at += item.len;
		normal[at] = '\0';
		more = comma != NULL;
		text = span_from(text, comma ? len + 1 : len);
	}
	*ret = list;
	return 0;
}

/* A network of IPv6 that spans all of IPv4 was not meant to let that in. */
static bool has(const struct network *n, const uint8_t address[NETWORK_ADDRESS_LEN], bool is_v4)
{
	size_t bytes = n->bits / 8;
	unsigned rest = n->bits % 8;

	if (is_v4 && n->bits < V4_PREFIX_BITS)
		return false;
	if (memcmp(n->address, address, bytes) != 0)
		return false;
	return rest == 0 || (n->address[bytes] ^ address[bytes]) >> (8 - rest) == 0;
}

bool network_list_has(const struct network_list *list, struct span ip)
{
	uint8_t address[NETWORK_ADDRESS_LEN];
	unsigned spare;
	bool is_v4;

	if (!parse_address(ip, address, &spare))
		return false;
	is_v4 = memcmp(address, v4_prefix, V4_PREFIX_BITS / 8) == 0;
	for (unsigned i = 0; i < list->count; i++) {
		if (has(&list->item[i], address, is_v4))
			return true;
	}
	return false;
}
