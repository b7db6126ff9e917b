/* Random events for the tests of the record. Include after cmocka.h. */
#ifndef STELE_TESTS_CODEC_EVENT_SAMPLE_H
#define STELE_TESTS_CODEC_EVENT_SAMPLE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/rand.h"

/* A seed that is printed, so that a failure can be repeated: STELE_SEED=<it>. */
static inline struct rng seeded_rng(void)
{
	const char *text = getenv("STELE_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)clock_wall_us();
	struct rng r;

	printf("STELE_SEED=%llu\n", (unsigned long long)seed);
	rng_init(&r, seed);
	return r;
}

static inline uint64_t pick(struct rng *r, uint64_t n)
{
	return rng_below(r, n);
}

static inline size_t put_utf8(uint32_t c, uint8_t *to)
{
	if (c < 0x80) {
		to[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (uint8_t)(0xc0 | c >> 6);
		to[1] = (uint8_t)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (uint8_t)(0xe0 | c >> 12);
		to[1] = (uint8_t)(0x80 | (c >> 6 & 63));
		to[2] = (uint8_t)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (uint8_t)(0xf0 | c >> 18);
	to[1] = (uint8_t)(0x80 | (c >> 12 & 63));
	to[2] = (uint8_t)(0x80 | (c >> 6 & 63));
	to[3] = (uint8_t)(0x80 | (c & 63));
	return 4;
}

/* Any scalar value, those where sorting or escaping changes more often than the rest. */
static inline uint32_t random_char(struct rng *r)
{
	static const uint32_t corners[] = {0,      1,      8,      '\t',   '\n',   '\f',    '\r',    0x1f,    '"',
					   '\\',   '/',    0x7f,   0x80,   0x7ff,  0x800,   0xd7ff,  0xe000,  0xe001,
					   0xfffd, 0xffff, 0xfeff, 0x2028, 0x2029, 0x10000, 0x10001, 0x10ffff};
	uint32_t c;

	switch (pick(r, 8)) {
	case 0:
		return corners[pick(r, sizeof(corners) / sizeof(corners[0]))];
	case 1:
		c = (uint32_t)pick(r, 0x110000);
		return c >= 0xd800 && c < 0xe000 ? 0x1f600 : c;
	default:
		return (uint32_t)('a' + pick(r, 26));
	}
}

/* Writes a character the way some producer might: raw, by its short escape, or as \u. */
static inline void put_json_char(struct rng *r, struct buf *to, uint32_t c)
{
	uint8_t raw[4];

	if (c == '/' && pick(r, 2))
		buf_put_str(to, "\\/");
	else if (c == '\n' && pick(r, 2))
		buf_put_str(to, "\\n");
	else if ((c == '"' || c == '\\') && pick(r, 2))
		buf_printf(to, "\\%c", (int)c);
	else if (c >= 0x10000 && pick(r, 2))
		buf_printf(to, "\\u%04x\\u%04X", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
	else if (c < 0x20 || c == '"' || c == '\\' || (c < 0x10000 && !pick(r, 8)))
		buf_printf(to, pick(r, 2) ? "\\u%04x" : "\\u%04X", c);
	else
		buf_put(to, raw, put_utf8(c, raw));
}

static inline void put_random_string(struct rng *r, struct buf *to, size_t max)
{
	size_t n = pick(r, max + 1);

	buf_put_u8(to, '"');
	for (size_t i = 0; i < n; i++)
		put_json_char(r, to, random_char(r));
	buf_put_u8(to, '"');
}

static inline void put_blanks(struct rng *r, struct buf *to)
{
	for (uint64_t n = pick(r, 8); n > 5; n--)
		buf_put_u8(to, (uint8_t) " \t\r "[pick(r, 4)]);
}

static inline void put_random_number(struct rng *r, struct buf *to)
{
	static const char *const corners[] = {"0",
					      "-0",
					      "1.0",
					      "-0.0",
					      "1e21",
					      "1E20",
					      "9e20",
					      "1e-7",
					      "1e-6",
					      "5e-324",
					      "1e17",
					      "9007199254740993",
					      "-9007199254740993",
					      "18446744073709551615",
					      "18446744073709551616",
					      "-9223372036854775808",
					      "-9223372036854775809",
					      "123456789012345678901234567890",
					      "1.7976931348623157e308",
					      "1e-400",
					      "0.1",
					      "100.50"};

	switch (pick(r, 4)) {
	case 0:
		buf_put_str(to, corners[pick(r, sizeof(corners) / sizeof(corners[0]))]);
		break;
	case 1:
		buf_printf(to, "%.17g", (rng_unit(r) - 0.5) * 1e6);
		break;
	case 2:
		buf_printf(to, "%llde%d", (long long)pick(r, 100000), (int)pick(r, 40) - 20);
		break;
	default:
		buf_printf(to, "%lld", (long long)(rng_next(r) >> pick(r, 64)));
	}
}

static inline void put_random_value(struct rng *r, struct buf *to, unsigned depth);

/* The members carry a number of their own, so that no two names are the same. */
static inline void put_random_object(struct rng *r, struct buf *to, unsigned depth)
{
	uint64_t n = pick(r, 30) ? pick(r, 6) : 20 + pick(r, 20), base = pick(r, 1000);

	buf_put_u8(to, '{');
	for (uint64_t i = 0; i < n; i++) {
		put_blanks(r, to);
		buf_put_u8(to, '"');
		for (uint64_t k = pick(r, 10); k > 0; k--)
			put_json_char(r, to, random_char(r));
		buf_printf(to, "%llu\"", (unsigned long long)((base + i * 7919) % 1000));
		put_blanks(r, to);
		buf_put_u8(to, ':');
		put_blanks(r, to);
		put_random_value(r, to, n > 8 ? 0 : depth);
		put_blanks(r, to);
		if (i + 1 < n)
			buf_put_u8(to, ',');
	}
	buf_put_u8(to, '}');
}

static inline void put_random_array(struct rng *r, struct buf *to, unsigned depth)
{
	uint64_t n = pick(r, 5);

	buf_put_u8(to, '[');
	for (uint64_t i = 0; i < n; i++) {
		if (i)
			buf_put_u8(to, ',');
		put_blanks(r, to);
		put_random_value(r, to, depth);
	}
	buf_put_u8(to, ']');
}

static inline void put_random_value(struct rng *r, struct buf *to, unsigned depth)
{
	static const char *const literals[] = {"true", "false", "null"};

	switch (pick(r, depth ? 8 : 4)) {
	case 0:
		put_random_number(r, to);
		break;
	case 1:
		buf_put_str(to, literals[pick(r, 3)]);
		break;
	case 2:
	case 3:
		put_random_string(r, to, 40);
		break;
	case 4:
		put_random_array(r, to, depth - 1);
		break;
	default:
		put_random_object(r, to, depth - 1);
	}
}

/* One event within the limits, its members in any order, on one line. */
static inline void put_random_event(struct rng *r, struct buf *to)
{
	static const char *const objects[] = {"after", "before", "tags",    "attributes",
					      "actor", "entity", "outcome", "context"};
	static const char *const strings[] = {"category", "type", "description"};
	bool is_action_first = pick(r, 2);

	put_blanks(r, to);
	buf_put_u8(to, '{');
	if (is_action_first)
		buf_put_str(to, "\"action\":\"x\",");
	for (size_t i = 0; i < 3; i++)
		if (pick(r, 2)) {
			buf_printf(to, "\"%s\":", strings[i]);
			put_random_string(r, to, 60);
			buf_put_u8(to, ',');
		}
	if (pick(r, 2))
		buf_put_str(to, "\"time\":\"2024-02-29T23:59:59.5+01:00\" ,");
	for (size_t i = 0; i < 8; i++)
		if (pick(r, 3) == 0) {
			buf_printf(to, "\"%s\":", objects[i]);
			if (pick(r, 9))
				put_random_object(r, to, 3);
			else
				buf_put_str(to, "null");
			buf_put_u8(to, ',');
		}
	buf_printf(to, "\"severity\":%s%s}", pick(r, 2) ? "null" : "\"high\"",
		   is_action_first ? "" : ",\"action\":\"\\u0061\"");
	put_blanks(r, to);
}

#endif
