/* IP addresses from text and back. Parsed here rather than by inet_pton, which wants a NUL behind each value. */
#include "query/address_priv.h"

#include <arpa/inet.h>

#include "base/err.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool parse_quad(struct span text, uint8_t *ret)
{
	size_t at = 0;

	for (int i = 0; i < 4; i++) {
		size_t from = at;
		unsigned n = 0;

		for (; at < text.len && at - from < 3 && text.p[at] >= '0' && text.p[at] <= '9'; at++)
			n = n * 10 + (text.p[at] - '0');
		if (at == from || n > 255 || (text.p[from] == '0' && at - from > 1))
			return false;
		ret[i] = (uint8_t)n;
		if (i < 3 && (at == text.len || text.p[at++] != '.'))
			return false;
	}
	return at == text.len;
}

static unsigned hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 16u;
}

/* Up to four hexadecimal digits at `at`; what is behind them. */
static size_t read_group(struct span text, size_t at, unsigned *ret)
{
	size_t from = at;

	for (*ret = 0; at < text.len && at - from < 5 && hex_value(text.p[at]) < 16; at++)
		*ret = *ret << 4 | hex_value(text.p[at]);
	return at;
}

/* Puts zeros where "::" was. */
static bool spread(uint8_t *address, size_t len, size_t gap)
{
	if (gap == SIZE_MAX)
		return len == ADDRESS_LEN;
	if (len == ADDRESS_LEN)
		return false;
	memmove(address + ADDRESS_LEN - (len - gap), address + gap, len - gap);
	memset(address + gap, 0, ADDRESS_LEN - len);
	return true;
}

static bool parse_groups(struct span text, uint8_t *ret)
{
	size_t at = text.p[0] == ':', len = 0, gap = SIZE_MAX;
	unsigned group;

	if (at && (text.len < 2 || text.p[1] != ':'))
		return false;
	while (at < text.len) {
		size_t end = read_group(text, at, &group);

		if (text.p[at] == ':') { /* the second one */
			if (gap != SIZE_MAX)
				return false;
			gap = len;
			at++;
			continue;
		}
		if (end < text.len && text.p[end] == '.') {
			if (len > ADDRESS_LEN - 4 || !parse_quad(span_from(text, at), ret + len))
				return false;
			len += 4;
			break;
		}
		if (end == at || end - at > 4 || len == ADDRESS_LEN)
			return false;
		ret[len++] = (uint8_t)(group >> 8);
		ret[len++] = (uint8_t)group;
		at = end + 1;
		if (end < text.len && (text.p[end] != ':' || at == text.len))
			return false;
	}
	return spread(ret, len, gap);
}

bool address__parse(struct span text, uint8_t ret[ADDRESS_LEN])
{
	if (text.len < 2 || text.len >= ADDRESS_TEXT_LEN || (text.p[0] != ':' && hex_value(text.p[0]) > 15))
		return false;
	if (memchr(text.p, ':', text.len))
		return parse_groups(text, ret);
	memcpy(ret, mapped, sizeof(mapped));
	return parse_quad(text, ret + sizeof(mapped));
}

bool address__is_v4(const uint8_t address[ADDRESS_LEN])
{
	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

static bool read_prefix(struct span text, unsigned max, unsigned *ret)
{
	*ret = 0;
	if (text.len == 0 || text.len > 3 || (text.len > 1 && text.p[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		*ret = *ret * 10 + (text.p[i] - '0');
	}
	return *ret <= max;
}

bool address__parse_network(struct span text, uint8_t ret_first[ADDRESS_LEN], uint8_t ret_last[ADDRESS_LEN])
{
	const uint8_t *slash = text.len ? memchr(text.p, '/', text.len) : NULL;
	struct span address = span_of(text.p, slash ? (size_t)(slash - text.p) : 0);
	bool is_quad = slash && !memchr(text.p, ':', address.len);
	unsigned prefix;

	if (!slash || !address__parse(address, ret_first) ||
	    !read_prefix(span_from(text, address.len + 1), is_quad ? 32 : 128, &prefix))
		return false;
	prefix += is_quad ? 96 : 0;
	memcpy(ret_last, ret_first, ADDRESS_LEN);
	for (unsigned bit = prefix; bit < 128; bit++) {
		uint8_t mask = (uint8_t)(0x80u >> bit % 8);

		ret_first[bit / 8] &= (uint8_t)~mask;
		ret_last[bit / 8] |= mask;
	}
	return true;
}

void address__format(const uint8_t address[ADDRESS_LEN], char ret[ADDRESS_TEXT_LEN])
{
	bool is_v4 = address__is_v4(address);

	must(inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? address + sizeof(mapped) : address, ret, ADDRESS_TEXT_LEN));
}
