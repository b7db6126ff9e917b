/*
 * The table of guesses: sets of a few entries, found by a hash under a random seed, so that nobody can choose what
 * shares a set. Two entries that share all 64 bits of the hash would be one; that does not happen.
 *
 * An entry is a count of failures and when the next guess may come. It is forgotten when nothing failed for
 * GUESS_FORGET_S. The wall clock may be set: a wait is never longer than the longest one.
 */
#include "service/guess.h"

#include <arpa/inet.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/thread.h"
#include "service/limits.h"

#define US_PER_S INT64_C(1000000)
#define IP6_NET  8 /* bytes of an IPv6 address that tell one client from another */

struct entry {
	uint64_t hash; /* 0: free */
	int64_t seen_us;
	int64_t free_us; /* the next guess may come then */
	uint32_t failures;
	bool has_worked; /* an account, from this address */
};

struct guesses {
	struct mutex mu; /* guards the entries */
	uint64_t seed;
	struct entry entries[GUESS_SETS][GUESS_WAYS];
};

/* How failures of one kind of entry are answered. */
struct rule {
	uint32_t free_failures; /* cost nothing */
	uint32_t delay_max_s;
};

static const struct rule account_rule = {GUESS_ACCOUNT_FREE, GUESS_ACCOUNT_DELAY_MAX_S};
static const struct rule address_rule = {GUESS_ADDRESS_FREE, GUESS_ADDRESS_DELAY_MAX_S};

struct guesses *guesses_new(void)
{
	struct guesses *g = xalloc(sizeof(*g));

	mutex_init(&g->mu);
	rand_bytes(&g->seed, sizeof(g->seed));
	return g;
}

struct guesses *guesses_free(struct guesses *g)
{
	if (!g)
		return NULL;
	mutex_release(&g->mu);
	free(g);
	return NULL;
}

/* ---- names of entries ---- */

static uint64_t hash_address(const struct guesses *g, const struct guess *guess)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct in6_addr ip6;
	uint64_t seed = g->seed + (uint64_t)guess->kind;

	if (guess->ip.len < sizeof(text) && guess->ip.len > 0)
		memcpy(text, guess->ip.p, guess->ip.len);
	if (inet_pton(AF_INET6, text, &ip6) == 1)
		return hash64(ip6.s6_addr, IP6_NET, seed) | 1;
	return hash64(guess->ip.p, guess->ip.len, seed) | 1; /* never that of a free entry */
}

static uint64_t hash_account(const struct guesses *g, const struct guess *guess)
{
	return hash64(guess->account.p, guess->account.len, hash_address(g, guess)) | 1;
}

/* ---- entries ---- */

static bool is_forgotten(const struct entry *e, int64_t now)
{
	int64_t keep_s = e->has_worked ? GUESS_KNOWN_S : GUESS_FORGET_S;

	return e->hash == 0 || now - e->seen_us >= keep_s * US_PER_S;
}

/* What failed long ago no longer counts, though it is known that the account worked. */
static void age(struct entry *e, int64_t now)
{
	if (now - e->seen_us >= GUESS_FORGET_S * US_PER_S)
		e->failures = 0;
}

static struct entry *find_locked(struct guesses *g, uint64_t hash, int64_t now)
{
	struct entry *set = g->entries[hash / 2 % GUESS_SETS];

	for (size_t i = 0; i < GUESS_WAYS; i++) {
		if (set[i].hash == hash && !is_forgotten(&set[i], now)) {
			age(&set[i], now);
			return &set[i];
		}
	}
	return NULL;
}

/* The entry, or a new one in the place of one that is forgotten, or else of the one seen longest ago. */
static struct entry *take_locked(struct guesses *g, uint64_t hash, int64_t now)
{
	struct entry *set = g->entries[hash / 2 % GUESS_SETS];
	struct entry *e = find_locked(g, hash, now);
	struct entry *oldest = set;

	if (e)
		return e;
	for (size_t i = 0; i < GUESS_WAYS; i++) {
		if (is_forgotten(&set[i], now)) {
			oldest = &set[i];
			break;
		}
		if (set[i].seen_us < oldest->seen_us)
			oldest = &set[i];
	}
	*oldest = (struct entry){.hash = hash, .seen_us = now};
	return oldest;
}

/* One second after the first failure that costs something, then twice as long each time. */
static int64_t delay_s(const struct rule *rule, uint32_t failures)
{
	uint32_t over = failures > rule->free_failures ? failures - rule->free_failures : 0;
	int64_t delay = 0;

	if (over > 0)
		delay = over > 20 ? rule->delay_max_s : INT64_C(1) << (over - 1);
	return delay < rule->delay_max_s ? delay : rule->delay_max_s;
}

static void count_locked(struct entry *e, const struct rule *rule, int64_t now)
{
	e->failures++;
	e->seen_us = now;
	e->free_us = now + delay_s(rule, e->failures) * US_PER_S;
}

static int64_t wait_us(const struct entry *e, const struct rule *rule, int64_t now)
{
	int64_t wait = e && e->failures > 0 ? e->free_us - now : 0;
	int64_t most = rule->delay_max_s * US_PER_S;

	return wait < most ? wait : most;
}

/* ---- calls ---- */

int guess_check(struct guesses *g, const struct guess *guess, struct err *err)
{
	int64_t now = clock_wall_us();
	const struct entry *account;
	int64_t wait;
	bool is_known;

	mutex_lock(&g->mu);
	account = find_locked(g, hash_account(g, guess), now);
	wait = wait_us(account, &account_rule, now);
	is_known = account && account->has_worked;
	if (!is_known && guess->ip.len > 0) {
		int64_t address = wait_us(find_locked(g, hash_address(g, guess), now), &address_rule, now);

		wait = address > wait ? address : wait;
	}
	mutex_unlock(&g->mu);
	if (wait <= 0)
		return 0;
	if (err)
		err->retry_s = (uint32_t)((wait + US_PER_S - 1) / US_PER_S);
	return err_set(err, E_QUOTA, "too many failed attempts; try again in %u seconds",
		       (unsigned)((wait + US_PER_S - 1) / US_PER_S));
}

void guess_failed(struct guesses *g, const struct guess *guess)
{
	int64_t now = clock_wall_us();

	mutex_lock(&g->mu);
	if (guess->ip.len > 0)
		count_locked(take_locked(g, hash_address(g, guess), now), &address_rule, now);
	count_locked(take_locked(g, hash_account(g, guess), now), &account_rule, now);
	mutex_unlock(&g->mu);
}

/* The address keeps its count: who has an account of their own could else try others for ever. */
void guess_worked(struct guesses *g, const struct guess *guess)
{
	int64_t now = clock_wall_us();
	struct entry *e;

	mutex_lock(&g->mu);
	e = take_locked(g, hash_account(g, guess), now);
	*e = (struct entry){.hash = e->hash, .seen_us = now, .has_worked = true};
	mutex_unlock(&g->mu);
}
