/*
 * Headers that say who asks and from where: whatever comes, what is found lies within the header or the decoded bytes,
 * and an address is one.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "api/caller.h"
#include "api/credential.h"
#include "base/mem.h"

static bool lies_in(struct span part, const void *p, size_t len)
{
	const uint8_t *from = p;

	return part.len == 0 || (part.p >= from && part.p + part.len <= from + len);
}

static void check_credential(const char *name, struct span value)
{
	struct credential c = {0};
	struct err err = ERR_INIT;
	int rc = credential_add(&c, span_str(name), value, &err);

	must(rc == 0 || (err.code == rc && err.message[0] != '\0'));
	must(lies_in(c.token, value.p, value.len));
	must(lies_in(c.client_id, value.p, value.len) || lies_in(c.client_id, c.decoded, sizeof(c.decoded)));
	must(lies_in(c.secret, value.p, value.len) || lies_in(c.secret, c.decoded, sizeof(c.decoded)));
	must(rc < 0 || credential_add(&c, span_str(name), value, NULL) == E_INVALID);
	credential_wipe(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct network_list proxies = {.item = {{{[10] = 0xff, [11] = 0xff, [12] = 10}, 104}}, .count = 1};
	uint8_t *copy = xalloc(size ? size : 1);
	char found[CALLER_IP_MAX] = "";
	bool is_client = false;
	uint8_t address[16];

	if (size)
		memcpy(copy, data, size);
	check_credential("authorization", span_of(copy, size));
	check_credential("X-AUTH-TOKEN", span_of(copy, size));
	check_credential("auth", span_of(copy, size));
	caller_forwarded(&proxies, span_of(copy, size), found, &is_client);
	must(found[0] == '\0' || inet_pton(strchr(found, ':') ? AF_INET6 : AF_INET, found, address) == 1);
	free(copy);
	return 0;
}
