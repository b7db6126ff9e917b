/* Lists of networks, as keys are bound to: "10.0.0.0/8,2001:db8::/32,192.0.2.7". Pure. */
#ifndef STELE_SERVICE_NETWORK_H
#define STELE_SERVICE_NETWORK_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"
#include "control/limits.h"

#define NETWORK_ADDRESS_LEN 16 /* an IPv4 address is the IPv6 address that stands for it, ::ffff:a.b.c.d */

struct network {
	uint8_t address[NETWORK_ADDRESS_LEN];
	unsigned bits; /* of it that count */
};

struct network_list {
	struct network item[NETWORKS_MAX];
	unsigned count;
};

/* Addresses and networks with commas between and blanks around; an empty text is an empty list. `normal` gets it
 * without blanks. E_INVALID; E_TOO_LARGE: more than NETWORKS_MAX. */
int network_list_parse(struct span text, struct network_list *ret, char normal[NETWORKS_TEXT_MAX + 1], struct err *err)
	__attribute__((warn_unused_result));

/* Whether an address lies in one of them; false when it is no address. */
bool network_list_has(const struct network_list *list, struct span ip);

#endif
