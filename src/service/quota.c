/* From who asks to buckets. */
#include "service/quota.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/rand.h"
#include "service/rate_table.h"
#include "service/service_priv.h"

#define NETWORK_LEN 8 /* bytes of an IPv6 address: its /64 */

enum claimed { CLAIM_ORG, CLAIM_PRINCIPAL, CLAIM_COUNT };

static const char *const claimed_words[CLAIM_COUNT] = {"this org", "this API key or user"};

/* The seed is the node's secret: nobody can choose names that meet in a set. */
static uint64_t name_of(struct service *s, char kind, const void *p, size_t len)
{
	return hash64(p, len, s->rate_seed + (unsigned char)kind);
}

static bool is_closer(uint32_t left, uint32_t limit, const struct quota *than)
{
	return than->limit == 0 || (uint64_t)left * than->limit < (uint64_t)than->left * limit;
}

static void show(struct quota *q, const struct rate_claim *c)
{
	if (c->rate > 0 && is_closer(c->left, c->rate, q))
		*q = (struct quota){c->rate, c->left, c->full_s};
}

static int refuse(const struct rate_claim *c, const char *who, const char *what, struct quota *q, struct err *err)
{
	*q = (struct quota){c->rate, c->left, c->full_s};
	if (err)
		err->retry_s = c->wait_s;
	return err_set(err, E_RATE, "%s may send %u %s a second, and this is too many; go on in %u", who, c->rate, what,
		       c->wait_s);
}

static int take(struct service *s, struct rate_claim claims[CLAIM_COUNT], const char *what, struct quota *q,
		struct err *err)
{
	size_t i = 0;

	if (rate_table_take(s->rates, claims, CLAIM_COUNT, clock_mono_ns())) {
		for (; i < CLAIM_COUNT; i++)
			show(q, &claims[i]);
		return 0;
	}
	while (i + 1 < CLAIM_COUNT && (claims[i].rate == 0 || claims[i].wait_s == 0))
		i++;
	return refuse(&claims[i], claimed_words[i], what, q, err);
}

static uint32_t rate_or(uint32_t rate, uint32_t fallback)
{
	return rate > 0 ? rate : fallback;
}

int quota_request(struct service *s, const struct principal *who, struct quota *q, struct err *err)
{
	const char kind = who->kind == PRINCIPAL_KEY ? 'k' : 'u';
	struct rate_claim claims[CLAIM_COUNT] = {
		[CLAIM_ORG] = {name_of(s, 'o', &who->org->control.id, sizeof(who->org->control.id)),
			       rate_or(who->org->request_rate, s->request_rate), 1},
		[CLAIM_PRINCIPAL] = {name_of(s, kind, who->id, strlen(who->id)),
				     rate_or(who->request_rate, s->request_rate), 1}};

	return take(s, claims, "requests", q, err);
}

int quota_events(struct service *s, const struct principal *who, uint64_t count, struct quota *q, struct err *err)
{
	const char kind = who->kind == PRINCIPAL_KEY ? 'K' : 'U';
	struct rate_claim claims[CLAIM_COUNT] = {
		[CLAIM_ORG] = {name_of(s, 'O', &who->org->control.id, sizeof(who->org->control.id)),
			       rate_or(who->org->event_rate, s->event_rate), count},
		[CLAIM_PRINCIPAL] = {name_of(s, kind, who->id, strlen(who->id)),
				     rate_or(who->event_rate, s->event_rate), count}};

	return take(s, claims, "events", q, err);
}

/* The name of an address: the address, or the network it lies in. */
static uint64_t address_name(struct service *s, struct span ip)
{
	struct in6_addr six;
	char text[INET6_ADDRSTRLEN] = "";

	if (ip.len < sizeof(text) && ip.len > 0)
		memcpy(text, ip.p, ip.len);
	if (inet_pton(AF_INET6, text, &six) == 1)
		return name_of(s, '6', six.s6_addr, NETWORK_LEN);
	return name_of(s, '4', text, strlen(text));
}

int quota_address(struct service *s, struct span ip, struct quota *q, struct err *err)
{
	struct rate_claim claim = {address_name(s, ip), s->request_rate, 1};

	if (!rate_table_take(s->address_rates, &claim, 1, clock_mono_ns()))
		return refuse(&claim, "this address", "requests without credentials", q, err);
	show(q, &claim);
	return 0;
}
