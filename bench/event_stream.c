/*
 * One event costs some 300 ns, so that a generator never limits what it feeds: what repeats is written once and copied
 * (an actor's members, the text of the day), an actor is drawn in constant time from an alias table (Walker 1977, built
 * as Vose 1991 has it), and one 64-bit random number serves several small draws.
 */
#include "event_stream.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"

#define NAMED_AGENTS    6u
#define AGENT_COUNT     66u
#define ACTOR_TEXT_MAX  160u
#define PARETO_ALPHA    1.1
#define US_PER_DAY      86400000000
#define ID_MEMBER       "\"type\":\"user\",\"id\":\""
#define DECIMALS_TABLED 20000u
#define RARE_SEED       0x7261726500000000u /* so that rare actors change nothing in what else is drawn */

struct text {
	uint32_t len;
	char p[ACTOR_TEXT_MAX];
};

struct actor {
	struct text members; /* from "type" to the end of the object */
	struct text name;
};

/* Column i is taken with probability `keep`, else its alias. */
struct alias {
	double keep;
	uint32_t other;
};

struct event_stream {
	struct rng rng;
	double now_us; /* whole microseconds; exact up to 2^53 */
	double gap_us;
	int64_t day;          /* days since 1970 that `date` is of */
	char date[12];        /* YYYY-MM-DDT */
	uint64_t made;        /* events so far */
	uint64_t rare_period; /* every so many events one is a rare actor's; 0: none is */
	uint64_t rare_limit;  /* rare actors' events in all */
	struct event_facts last;
	struct actor actors[EVENT_ACTORS];
	struct alias alias[EVENT_USUAL_ACTORS];
	struct text agents[AGENT_COUNT];
	struct text decimals[DECIMALS_TABLED];
	char hex[256][2];
};

static const char *const entities[EVENT_ENTITIES] = {"usergroup",   "agent",          "role",
						     "ssostatus",   "serviceaccount", "llmintegrations",
						     "domains",     "ratelimits",     "emailnotificationpreferences",
						     "nlprules",    "userenrollment", "finding",
						     "integration", "session",        "policy",
						     "apikey",      "report",         "campaign"};
static const char *const actions[EVENT_ACTIONS] = {"create", "update", "delete", "login", "logout",
						   "read",   "export", "grant",  "revoke"};
static const char *const agents[NAMED_AGENTS] = {
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.0.0 "
	"Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
	"Safari/537.36",
	"curl/8.5.0",
	"python-requests/2.31.0",
	"Go-http-client/2.0",
	"okhttp/4.12.0"};

/* ---- tables ---- */

static void set_text(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void set_text(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->p, sizeof(t->p), fmt, args);
	va_end(args);
	must(n >= 0 && (size_t)n < sizeof(t->p));
	t->len = (uint32_t)n;
}

static void make_actor(struct event_stream *s, struct rng *r, uint32_t i)
{
	uint64_t high = rng_next(r);
	uint64_t low = rng_next(r);

	set_text(&s->actors[i].name, "user%u name%u", i, i % 97);
	set_text(&s->actors[i].members,
		 ID_MEMBER "u-%08x-%04x-%04x-%04x-%012llx\",\"name\":\"user%u name%u\","
			   "\"email\":\"user%u.name%u@corp%u.example\"}",
		 (unsigned)(high >> 32), (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff),
		 (unsigned)(low >> 48), (unsigned long long)(low & 0xffffffffffff), i, i % 97, i, i % 97, i % 13);
}

/* How often each actor acts: Pareto weights, scaled so that their mean is 1. */
static void draw_weights(struct rng *r, double *weight)
{
	double sum = 0;

	for (uint32_t i = 0; i < EVENT_USUAL_ACTORS; i++) {
		weight[i] = pow(1.0 - rng_unit(r), -1.0 / PARETO_ALPHA);
		sum += weight[i];
	}
	for (uint32_t i = 0; i < EVENT_USUAL_ACTORS; i++)
		weight[i] *= EVENT_USUAL_ACTORS / sum;
}

/* Each column below 1 is filled up from one above 1, which then joins the side it falls on. */
static void make_alias(struct event_stream *s)
{
	double *weight = xarray(EVENT_USUAL_ACTORS, sizeof(*weight));
	uint32_t *small = xarray(EVENT_USUAL_ACTORS, sizeof(*small));
	uint32_t *large = xarray(EVENT_USUAL_ACTORS, sizeof(*large));
	uint32_t n_small = 0;
	uint32_t n_large = 0;

	draw_weights(&s->rng, weight);
	for (uint32_t i = 0; i < EVENT_USUAL_ACTORS; i++) {
		s->alias[i] = (struct alias){1.0, i};
		if (weight[i] < 1.0)
			small[n_small++] = i;
		else
			large[n_large++] = i;
	}
	while (n_small > 0 && n_large > 0) {
		uint32_t low = small[--n_small];
		uint32_t high = large[n_large - 1];

		s->alias[low] = (struct alias){weight[low], high};
		weight[high] -= 1.0 - weight[low];
		if (weight[high] < 1.0) {
			n_large--;
			small[n_small++] = high;
		}
	}
	free(weight);
	free(small);
	free(large);
}

static void make_tables(struct event_stream *s)
{
	static const char digits[] = "0123456789abcdef";

	for (uint32_t i = 0; i < 256; i++) {
		s->hex[i][0] = digits[i >> 4];
		s->hex[i][1] = digits[i & 15];
	}
	for (uint32_t i = 0; i < DECIMALS_TABLED; i++)
		set_text(&s->decimals[i], "%u", i);
	for (uint32_t i = 0; i < NAMED_AGENTS; i++)
		set_text(&s->agents[i], "%s", agents[i]);
	for (uint32_t i = 0; i < AGENT_COUNT - NAMED_AGENTS; i++)
		set_text(&s->agents[NAMED_AGENTS + i], "svc-%u/1.%u.%u", i, i % 20, i % 7);
}

struct event_stream *event_stream_new(uint64_t seed, int64_t start_us, double gap_ms)
{
	struct event_stream *s = xalloc(sizeof(*s));
	struct rng rare;

	rng_init(&s->rng, seed);
	rng_init(&rare, seed ^ RARE_SEED);
	s->now_us = (double)start_us;
	s->gap_us = gap_ms * 1000;
	s->day = -1;
	make_tables(s);
	for (uint32_t i = 0; i < EVENT_ACTORS; i++)
		make_actor(s, i < EVENT_USUAL_ACTORS ? &s->rng : &rare, i);
	make_alias(s);
	return s;
}

struct event_stream *event_stream_free(struct event_stream *s)
{
	free(s);
	return NULL;
}

void event_stream_set_rare(struct event_stream *s, uint64_t each, uint64_t total)
{
	s->rare_limit = each * EVENT_RARE_ACTORS;
	s->rare_period = s->rare_limit > 0 ? total / s->rare_limit : 0;
}

const struct event_facts *event_stream_last(const struct event_stream *s)
{
	return &s->last;
}

struct span event_stream_actor_id(const struct event_stream *s, uint32_t actor)
{
	const char *id = s->actors[actor].members.p + sizeof(ID_MEMBER) - 1;

	return span_of(id, strcspn(id, "\""));
}

struct span event_stream_actor_name(const struct event_stream *s, uint32_t actor)
{
	return span_of(s->actors[actor].name.p, s->actors[actor].name.len);
}

const char *event_action(uint32_t i)
{
	return actions[i];
}

const char *event_entity(uint32_t i)
{
	return entities[i];
}

/* ---- writing ---- */

#define put_literal(to, literal) put_bytes((to), (literal), sizeof(literal) - 1)

static inline uint8_t *put_bytes(uint8_t *to, const void *p, size_t len)
{
	memcpy(to, p, len);
	return to + len;
}

static inline uint8_t *put_str(uint8_t *to, const char *s)
{
	return put_bytes(to, s, strlen(s));
}

static inline uint8_t *put_text(uint8_t *to, const struct text *t)
{
	return put_bytes(to, t->p, t->len);
}

/* The low `bytes` bytes of v, two digits each. */
static inline uint8_t *put_hex(struct event_stream *s, uint8_t *to, uint64_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		to = put_bytes(to, s->hex[v >> 8 * i & 0xff], 2);
	return to;
}

/* v in hexadecimal without leading zeros. */
static inline uint8_t *put_short_hex(uint8_t *to, uint32_t v)
{
	int digits = v ? (35 - __builtin_clz(v)) / 4 : 1;

	for (int i = digits - 1; i >= 0; i--)
		*to++ = (uint8_t) "0123456789abcdef"[v >> 4 * i & 15];
	return to;
}

static inline uint8_t *put_digits(uint8_t *to, uint32_t v, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		to[i] = (uint8_t)('0' + v % 10);
		v /= 10;
	}
	return to + digits;
}

static void write_date(struct event_stream *s, int64_t day)
{
	time_t seconds = (time_t)(day * 86400);
	struct tm tm;

	must(gmtime_r(&seconds, &tm));
	must(strftime(s->date, sizeof(s->date), "%Y-%m-%dT", &tm) == 11);
	s->day = day;
}

/* Time in milliseconds, cut, not rounded. */
static uint8_t *put_time(struct event_stream *s, uint8_t *to)
{
	int64_t now_us = (int64_t)s->now_us;
	int64_t day = now_us / US_PER_DAY;
	uint32_t ms = (uint32_t)(now_us % US_PER_DAY / 1000);

	if (day != s->day)
		write_date(s, day);
	to = put_bytes(to, s->date, 11);
	to = put_digits(to, ms / 3600000, 2);
	*to++ = ':';
	to = put_digits(to, ms / 60000 % 60, 2);
	*to++ = ':';
	to = put_digits(to, ms / 1000 % 60, 2);
	*to++ = '.';
	to = put_digits(to, ms % 1000, 3);
	*to++ = 'Z';
	return to;
}

/* ---- drawing ---- */

/* A number in [0, n) out of *bits, which keep what was not used: the high and the low half of bits * n (Lemire 2019).
 * Several draws with a small product of their n stay uniform to within that product over 2^64. */
static inline uint32_t take(uint64_t *bits, uint32_t n)
{
	unsigned __int128 product = (unsigned __int128)*bits * n;

	*bits = (uint64_t)product;
	return (uint32_t)(product >> 64);
}

/* A rare actor takes the place of the one that was drawn, in turn and in the middle of each period. */
static uint32_t draw_actor(struct event_stream *s)
{
	uint32_t i = (uint32_t)rng_below(&s->rng, EVENT_USUAL_ACTORS);
	const struct alias *column = &s->alias[i];
	uint32_t drawn = rng_unit(&s->rng) < column->keep ? i : column->other;
	uint64_t turn;

	if (s->rare_period == 0 || s->made % s->rare_period != s->rare_period / 2)
		return drawn;
	turn = s->made / s->rare_period;
	return turn < s->rare_limit ? EVENT_USUAL_ACTORS + (uint32_t)(turn % EVENT_RARE_ACTORS) : drawn;
}

static uint8_t *put_entity_id(struct event_stream *s, uint8_t *to, const char *entity)
{
	uint64_t bits = rng_next(&s->rng);

	if (take(&bits, 2) == 0) {
		to = put_hex(s, to, bits >> 32, 4);
		return put_hex(s, to, rng_next(&s->rng), 8);
	}
	to = put_str(to, entity);
	*to++ = '-';
	return put_text(to, &s->decimals[take(&bits, 20000)]);
}

static uint8_t *put_state(struct event_stream *s, uint8_t *to, uint64_t *bits)
{
	to = put_literal(to, "{\"name\":\"n");
	to = put_text(to, &s->decimals[take(bits, 1000)]);
	to = put_literal(to, "\",\"enabled\":");
	return take(bits, 2) ? put_literal(to, "true}") : put_literal(to, "false}");
}

static uint8_t *put_changes(struct event_stream *s, uint8_t *to)
{
	uint64_t bits = rng_next(&s->rng);

	to = put_literal(to, ",\"before\":");
	to = put_state(s, to, &bits);
	to = put_literal(to, ",\"after\":");
	return put_state(s, to, &bits);
}

static uint8_t *put_context(struct event_stream *s, uint8_t *to)
{
	uint64_t bits = rng_next(&s->rng);

	to = put_literal(to, "\"},\"outcome\":{\"type\":\"");
	s->last.is_failure = take(&bits, 100) >= 95;
	to = s->last.is_failure ? put_literal(to, "failure") : put_literal(to, "success");
	to = put_literal(to, "\"},\"context\":{\"ip\":\"10.");
	to = put_text(to, &s->decimals[take(&bits, 4)]);
	*to++ = '.';
	to = put_text(to, &s->decimals[take(&bits, 256)]);
	*to++ = '.';
	to = put_text(to, &s->decimals[take(&bits, 256)]);
	to = put_literal(to, "\",\"user_agent\":\"");
	to = put_text(to, &s->agents[take(&bits, AGENT_COUNT)]);
	return put_literal(to, "\"},\"description\":\"");
}

static uint8_t *put_attributes(struct event_stream *s, uint8_t *to)
{
	to = put_literal(to, "\",\"attributes\":{\"request_id\":\"");
	for (int i = 0; i < 2; i++) {
		s->last.request_id[i] = rng_next(&s->rng);
		to = put_hex(s, to, s->last.request_id[i], 8);
	}
	to = put_literal(to, "\",\"session\":\"");
	to = put_short_hex(to, (uint32_t)rng_below(&s->rng, 200000));
	return put_literal(to, "\"}");
}

size_t event_stream_next(struct event_stream *s, uint8_t *to)
{
	uint32_t drawn = draw_actor(s);
	const struct actor *actor = &s->actors[drawn];
	uint64_t bits = rng_next(&s->rng);
	uint32_t entity_drawn = take(&bits, EVENT_ENTITIES);
	uint32_t action_drawn = take(&bits, EVENT_ACTIONS);
	const char *entity = entities[entity_drawn];
	const char *action = actions[action_drawn];
	uint8_t *const begin = to;
	const uint8_t *id;
	size_t id_len;

	s->now_us += rint(-log(1.0 - rng_unit(&s->rng)) * s->gap_us);
	s->last = (struct event_facts){
		.time_us = (int64_t)s->now_us, .actor = drawn, .action = action_drawn, .entity = entity_drawn};
	to = put_literal(to, "{\"time\":\"");
	to = put_time(s, to);
	to = put_literal(to, "\",\"actor\":{");
	to = put_text(to, &actor->members);
	to = put_literal(to, ",\"action\":\"");
	to = put_str(to, action);
	to = put_literal(to, "\",\"entity\":{\"type\":\"");
	to = put_str(to, entity);
	to = put_literal(to, "\",\"id\":\"");
	id = to;
	to = put_entity_id(s, to, entity);
	id_len = (size_t)(to - id);
	to = put_literal(to, "\",\"name\":\"");
	to = put_str(to, entity);
	*to++ = ' ';
	to = put_text(to, &s->decimals[take(&bits, 3000)]);
	to = put_context(s, to);
	to = put_str(to, action);
	*to++ = ' ';
	to = put_str(to, entity);
	*to++ = ' ';
	to = put_bytes(to, id, id_len);
	to = put_literal(to, " by ");
	to = put_text(to, &actor->name);
	to = put_attributes(s, to);
	if (action == actions[1])
		to = put_changes(s, to);
	to = put_literal(to, "}\n");
	s->made++;
	must((size_t)(to - begin) <= EVENT_BYTES_MAX);
	return (size_t)(to - begin);
}
