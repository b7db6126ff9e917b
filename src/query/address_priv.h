/*
 * IP addresses as numbers of 16 bytes, so that they compare by memcmp. An IPv4 address is the IPv6 address that stands
 * for it (::ffff:10.0.0.1): servers that listen on both write one client either way.
 */
#ifndef STELE_QUERY_ADDRESS_PRIV_H
#define STELE_QUERY_ADDRESS_PRIV_H

#include "base/span.h"

#define ADDRESS_LEN      16u
#define ADDRESS_TEXT_LEN 46u /* longest text with its NUL */

/* Takes what inet_pton takes: no zone, no octets that begin with 0. */
bool address__parse(struct span text, uint8_t ret[ADDRESS_LEN]);

bool address__is_v4(const uint8_t address[ADDRESS_LEN]);

/* The first and the last address of "10.0.0.0/8" or "2001:db8::/32"; bits behind the prefix do not count. */
bool address__parse_network(struct span text, uint8_t ret_first[ADDRESS_LEN], uint8_t ret_last[ADDRESS_LEN]);

/* The one way to write it; NUL-terminated. */
void address__format(const uint8_t address[ADDRESS_LEN], char ret[ADDRESS_TEXT_LEN]);

#endif
