/* Random texts of each kind that a column knows. Include after cmocka.h. */
#ifndef STELE_TESTS_CODEC_TEXT_SAMPLE_H
#define STELE_TESTS_CODEC_TEXT_SAMPLE_H

#include <inttypes.h>

#include "codec/timestamp.h"
#include "event_sample.h"

#define TEXT_MAX 160

typedef size_t make_text_fn(struct rng *r, size_t i, char to[TEXT_MAX]);

static inline size_t make_int(struct rng *r, size_t i, char to[TEXT_MAX])
{
	(void)i;
	return (size_t)snprintf(to, TEXT_MAX, "%" PRId64, (int64_t)rng_next(r) >> pick(r, 64));
}

static inline size_t make_hex_int(struct rng *r, size_t i, char to[TEXT_MAX])
{
	(void)i;
	return (size_t)snprintf(to, TEXT_MAX, "%" PRIx64, rng_next(r) >> (4 + pick(r, 60)));
}

static inline size_t make_small_hex_int(struct rng *r, size_t i, char to[TEXT_MAX])
{
	(void)i;
	return (size_t)snprintf(to, TEXT_MAX, "%x", (unsigned)pick(r, 200000));
}

static inline size_t put_hex(struct rng *r, size_t digits, char to[TEXT_MAX])
{
	for (size_t i = 0; i < digits; i++)
		to[i] = "0123456789abcdef"[pick(r, 16)];
	return digits;
}

static inline size_t make_hex_32(struct rng *r, size_t i, char to[TEXT_MAX])
{
	(void)i;
	return put_hex(r, 32, to);
}

static inline size_t make_uuid(struct rng *r, size_t i, char to[TEXT_MAX])
{
	(void)i;
	put_hex(r, 36, to);
	to[8] = to[13] = to[18] = to[23] = '-';
	return 36;
}

/* Version 7: a time in front. */
static inline size_t make_timed_uuid(struct rng *r, size_t i, char to[TEXT_MAX])
{
	char time[16];

	make_uuid(r, i, to);
	(void)snprintf(time, sizeof(time), "%012llx", 1795000000000ull + 40 * i);
	memcpy(to, time, 8);
	memcpy(to + 9, time + 8, 4);
	return 36;
}

/* A time, a machine, a counter. */
static inline size_t make_object_id(struct rng *r, size_t i, char to[TEXT_MAX])
{
	(void)r;
	return (size_t)snprintf(to, TEXT_MAX, "%08x%s%06x", (unsigned)(1795000000 + i / 20), "a1b2c3d4e5",
				(unsigned)(12345 + i));
}

static inline size_t make_ipv4(struct rng *r, size_t i, char to[TEXT_MAX])
{
	uint32_t v = (uint32_t)rng_next(r);

	(void)i;
	if (pick(r, 4) == 0)
		v &= 0x070f0a0f;
	return (size_t)snprintf(to, TEXT_MAX, "%u.%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
}

static inline size_t make_time(struct rng *r, size_t i, char to[TEXT_MAX])
{
	(void)i;
	timestamp_format(TIMESTAMP_MIN_US + (int64_t)pick(r, TIMESTAMP_MAX_US - TIMESTAMP_MIN_US + 1), (uint8_t *)to);
	return TIMESTAMP_LEN;
}

static inline size_t make_email(struct rng *r, size_t i, char to[TEXT_MAX])
{
	(void)i;
	return (size_t)snprintf(to, TEXT_MAX, "user%u.name%u@corp%u.example", (unsigned)pick(r, 1000),
				(unsigned)pick(r, 100), (unsigned)pick(r, 10));
}

static inline size_t make_noise(struct rng *r, size_t i, char to[TEXT_MAX])
{
	size_t len = pick(r, 4) ? pick(r, 12) : pick(r, TEXT_MAX);

	(void)i;
	for (size_t k = 0; k < len; k++)
		to[k] = (char)rng_next(r);
	return len;
}

static inline size_t make_empty_or_x(struct rng *r, size_t i, char to[TEXT_MAX])
{
	(void)i;
	to[0] = 'x';
	return pick(r, 2);
}

static make_text_fn *const makers[] = {
	make_int,       make_hex_int, make_small_hex_int, make_hex_32, make_uuid,  make_timed_uuid,
	make_object_id, make_ipv4,    make_time,          make_email,  make_noise, make_empty_or_x,
};
#define MAKER_COUNT (sizeof(makers) / sizeof(makers[0]))

#endif
