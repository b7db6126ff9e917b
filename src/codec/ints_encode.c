/*
 * Writing a run of integers.
 *
 * The values become a sequence of numbers x from 0 up: minus the smallest, divided by what divides them all (times in
 * whole milliseconds are multiples of 1,000 microseconds). Where neighbours are nearer to each other than to the rest,
 * a second sequence holds their differences. Either can be written in three ways:
 *
 *	packed    one width for all
 *	grouped   each 128 have their own smallest and width
 *	tokens    entropy coded (ints_tokens.c)
 *
 * The first two are measured exactly in one pass. Tokens are estimated from a sample, and only tried when they promise
 * to be smaller by a twentieth: they must be decoded as a whole. The same holds for differences; where differences are
 * taken anyway, tokens need to save only a fiftieth.
 *
 * All arithmetic is modulo 2^64, so that values from INT64_MIN to INT64_MAX go through.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "codec/ints_priv.h"

#define SAMPLE_GROUPS 8
#define SAMPLE_MAX    (SAMPLE_GROUPS * INTS_GROUP)
#define TOKENS_N_MIN  64 /* below, headers eat what tokens save */

struct sequence {
	uint64_t *x; /* owned; NULL: there is none */
	size_t n;
	uint64_t smallest; /* taken off each number when it is written */
	uint64_t range;    /* largest - smallest */
	size_t groups;
	uint64_t group_smallest[INTS_GROUPS_MAX];
	uint8_t group_width[INTS_GROUPS_MAX];
	size_t packed_bytes;
	size_t grouped_bytes;
};

/* A number to divide by, exactly, without dividing: its odd part's inverse modulo 2^64, and its power of two. The odd
 * part divides v when v * inverse is the quotient, so not above any quotient; the power when v has no bit below it. */
struct divisor {
	uint64_t inverse;
	uint64_t limit;
	uint64_t below; /* the power of two - 1 */
	unsigned shift;
};

static struct divisor make_divisor(uint64_t d)
{
	unsigned shift = (unsigned)__builtin_ctzll(d);
	uint64_t odd = d >> shift;
	uint64_t inverse = odd; /* right in the lowest 3 bits; each round doubles them */

	for (unsigned round = 0; round < 5; round++)
		inverse *= 2 - odd * inverse;
	return (struct divisor){inverse, UINT64_MAX / odd, ((uint64_t)1 << shift) - 1, shift};
}

static uint64_t find_gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Whether all distances from `min` are multiples of `d`. */
static bool divides_all(struct divisor d, const int64_t *values, size_t n, int64_t min)
{
	bool has_rest = false;
	uint64_t seen = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t distance = (uint64_t)values[i] - (uint64_t)min;

		has_rest |= distance * d.inverse > d.limit;
		seen |= distance;
	}
	return !has_rest && (seen & d.below) == 0;
}

/* The greatest common divisor of all distances from `min`; at least one of them is not 0. */
static uint64_t find_scale(const int64_t *values, size_t n, int64_t min)
{
	uint64_t scale = 0;

	for (size_t i = 0; i < n && scale != 1; i += 32) {
		size_t len = n - i < 32 ? n - i : 32;

		if (scale && divides_all(make_divisor(scale), values + i, len, min))
			continue;
		for (size_t k = i; k < i + len; k++)
			scale = find_gcd((uint64_t)values[k] - (uint64_t)min, scale);
	}
	return scale;
}

/* The bounds of at most 128 numbers, compared with the sign. Two chains, because each step waits for the one before. */
static void find_bounds(const int64_t *v, size_t n, int64_t *ret_min, int64_t *ret_max)
{
	int64_t min[2] = {v[0], v[n - 1]};
	int64_t max[2] = {v[0], v[n - 1]};

	for (size_t i = 0; i + 2 <= n; i += 2) {
		for (size_t k = 0; k < 2; k++) {
			min[k] = v[i + k] < min[k] ? v[i + k] : min[k];
			max[k] = v[i + k] > max[k] ? v[i + k] : max[k];
		}
	}
	*ret_min = min[0] < min[1] ? min[0] : min[1];
	*ret_max = max[0] > max[1] ? max[0] : max[1];
}

static size_t group_len(size_t n, size_t group)
{
	return n - group * INTS_GROUP < INTS_GROUP ? n - group * INTS_GROUP : INTS_GROUP;
}

static size_t varint_len(uint64_t v)
{
	return v ? (ints__width(v) + 6) / 7 : 1;
}

/* Finds the bounds of a sequence as a whole and of its groups, and what writing it will take. */
static void measure(struct sequence *s)
{
	int64_t min = INT64_MAX;
	int64_t max = INT64_MIN;
	size_t bits = 0;

	s->groups = (s->n + INTS_GROUP - 1) / INTS_GROUP;
	for (size_t g = 0; g < s->groups; g++) {
		int64_t low;
		int64_t high;

		find_bounds((const int64_t *)s->x + g * INTS_GROUP, group_len(s->n, g), &low, &high);
		s->group_smallest[g] = (uint64_t)low;
		s->group_width[g] = (uint8_t)ints__width((uint64_t)high - (uint64_t)low);
		bits += (size_t)s->group_width[g] * group_len(s->n, g);
		min = low < min ? low : min;
		max = high > max ? high : max;
	}
	s->smallest = (uint64_t)min;
	s->range = (uint64_t)max - (uint64_t)min;
	s->packed_bytes = 1 + ints__bytes(s->n, ints__width(s->range));
	s->grouped_bytes = 1 + ints__bytes(s->groups, ints__width(s->range)) + 2 * s->groups + (bits + 7) / 8;
}

/* values -> (values - min) / scale */
static bool make_plain(struct sequence *s, const int64_t *values, size_t n, int64_t min, uint64_t scale)
{
	struct divisor d = make_divisor(scale);

	s->n = n;
	s->x = try_alloc(n * sizeof(*s->x));
	if (!s->x)
		return false;
	if (scale == 1) {
		for (size_t i = 0; i < n; i++)
			s->x[i] = (uint64_t)values[i] - (uint64_t)min;
	} else {
		for (size_t i = 0; i < n; i++)
			s->x[i] = (((uint64_t)values[i] - (uint64_t)min) >> d.shift) * d.inverse;
	}
	return true;
}

static bool make_deltas(struct sequence *s, const struct sequence *plain)
{
	s->n = plain->n - 1;
	s->x = try_alloc(s->n * sizeof(*s->x));
	if (!s->x)
		return false;
	for (size_t i = 0; i < s->n; i++)
		s->x[i] = plain->x[i + 1] - plain->x[i];
	return true;
}

/* What a few groups say about the rest. */
struct sample {
	size_t plain_bytes;  /* by tokens */
	size_t deltas_bytes; /* by tokens, of differences */
	struct ints__token_kind plain_kind;
	struct ints__token_kind deltas_kind;
	bool are_deltas_near; /* differences range less than the numbers do */
};

/* Copies numbers and differences of up to eight groups, spread evenly; returns how many. At least one: a sequence has
 * two numbers. */
static size_t copy_sample(const struct sequence *plain, uint64_t *numbers, uint64_t *deltas)
{
	size_t step = plain->groups > SAMPLE_GROUPS ? plain->groups / SAMPLE_GROUPS : 1;
	size_t count = 0;

	for (size_t g = 0, taken = 0; g < plain->groups && taken < SAMPLE_GROUPS; g += step, taken++) {
		const uint64_t *x = plain->x + g * INTS_GROUP;

		for (size_t i = 1; i < group_len(plain->n, g); i++, count++) {
			numbers[count] = x[i] - plain->smallest;
			deltas[count] = x[i] - x[i - 1];
		}
	}
	return count;
}

static struct sample take_sample(const struct sequence *plain)
{
	uint64_t numbers[SAMPLE_MAX];
	uint64_t deltas[SAMPLE_MAX];
	size_t count = copy_sample(plain, numbers, deltas);
	struct sample ret;
	uint64_t largest = 0;

	for (size_t i = 0; i < count; i++)
		largest |= deltas[i];
	if (largest >> 63) {
		largest = 0;
		for (size_t i = 0; i < count; i++)
			largest |= deltas[i] = ints__zigzag(deltas[i]);
	}
	/* In zigzag, differences of unrelated numbers take one bit more than the numbers. */
	ret.are_deltas_near = ints__width(largest) <= ints__width(plain->range);
	ret.plain_bytes = ints__tokens_estimate(numbers, count, plain->range, plain->n, &ret.plain_kind);
	ret.deltas_bytes = ints__tokens_estimate(deltas, count, largest, plain->n, &ret.deltas_kind);
	return ret;
}

/* ---- writing ---- */

static size_t best_packing(const struct sequence *s)
{
	return s->packed_bytes <= s->grouped_bytes ? s->packed_bytes : s->grouped_bytes;
}

/* The head: mark, base, and as the mark says scale and step (what is added to each difference). */
static void put_head(struct buf *to, unsigned mark, uint64_t base, uint64_t scale, uint64_t step)
{
	if (scale > 1)
		mark |= INTS_SCALED;
	buf_put_u8(to, (uint8_t)mark);
	buf_put_varint(to, ints__zigzag(base));
	if (mark & INTS_SCALED)
		buf_put_varint(to, scale);
	if ((mark & INTS_DELTA) && !(mark & INTS_ZIGZAG))
		buf_put_varint(to, ints__zigzag(step));
}

static void put_groups(struct buf *to, const struct sequence *s)
{
	unsigned width = ints__width(s->range);
	unsigned end = 0;

	buf_put_u8(to, (uint8_t)width);
	ints__pack(to, s->group_smallest, s->groups, width, s->smallest);
	for (size_t g = 0; g < s->groups; g++) {
		end += s->group_width[g];
		buf_put_u16(to, (uint16_t)end);
	}
	for (size_t g = 0; g < s->groups; g++)
		ints__pack(to, s->x + g * INTS_GROUP, group_len(s->n, g), s->group_width[g], s->group_smallest[g]);
}

static void put_packing(struct buf *to, const struct sequence *s, unsigned mark, uint64_t base, uint64_t scale)
{
	unsigned width = ints__width(s->range);

	if (s->grouped_bytes < s->packed_bytes) {
		put_head(to, mark | INTS_GROUPED, base, scale, s->smallest);
		put_groups(to, s);
		return;
	}
	put_head(to, mark | INTS_PACKED, base, scale, s->smallest);
	buf_put_u8(to, (uint8_t)width);
	ints__pack(to, s->x, s->n, width, s->smallest);
}

/* Appends a sequence as tokens if that takes less than `limit` bytes. Differences of either sign become zigzag numbers,
 * those of one sign start from the smallest. */
static bool try_tokens(struct buf *to, const struct sequence *s, unsigned mark, uint64_t base, uint64_t scale,
		       struct ints__token_kind kind, size_t limit)
{
	bool is_delta = mark & INTS_DELTA;
	bool is_zigzag = is_delta && (int64_t)s->smallest < 0;
	uint64_t *numbers = try_alloc(s->n * sizeof(*numbers));
	struct buf body = BUF_INIT;
	uint64_t largest = 0;
	bool done = false;

	if (!numbers)
		goto out;
	for (size_t i = 0; i < s->n; i++) {
		numbers[i] = is_zigzag ? ints__zigzag(s->x[i]) : s->x[i] - s->smallest;
		largest |= numbers[i];
	}
	if (!ints__tokens_put(&body, kind, numbers, s->n, largest))
		goto out;
	if (!buf_ok(&body) || body.len >= limit)
		goto out;
	put_head(to, mark | INTS_TOKENS | (is_zigzag ? INTS_ZIGZAG : 0), base, scale, s->smallest);
	buf_put_span(to, buf_span(&body));
	done = true;
out:
	buf_release(&body);
	free(numbers);
	return done;
}

/* Writes the smallest of what there is; `first` is the first value, `base` what the smallest number stands for. */
static void put_best(struct buf *to, const struct sequence *plain, const struct sequence *deltas,
		     const struct sample *sample, uint64_t first, uint64_t base, uint64_t scale)
{
	size_t plain_bytes = best_packing(plain);
	size_t deltas_bytes =
		deltas->x ? best_packing(deltas) + varint_len(ints__zigzag(deltas->smallest)) : SIZE_MAX / 32;
	bool take_deltas = deltas_bytes * 20 < plain_bytes * 19;
	size_t limit = take_deltas ? deltas_bytes - deltas_bytes / 50 : plain_bytes - plain_bytes / 20;
	bool are_tokens_deltas = deltas->x && sample->deltas_bytes < sample->plain_bytes;
	size_t tokens_bytes = are_tokens_deltas ? sample->deltas_bytes : sample->plain_bytes;

	if (plain->n >= TOKENS_N_MIN && tokens_bytes < limit) {
		if (are_tokens_deltas ? try_tokens(to, deltas, INTS_DELTA, first, scale, sample->deltas_kind, limit)
				      : try_tokens(to, plain, 0, base, scale, sample->plain_kind, limit))
			return;
	}
	if (take_deltas)
		put_packing(to, deltas, INTS_DELTA, first, scale);
	else
		put_packing(to, plain, 0, base, scale);
}

/* An empty one; its tables are too large to be cleared each time. */
static void start_sequence(struct sequence *s)
{
	s->x = NULL;
	s->n = s->groups = 0;
	s->smallest = s->range = 0;
	s->packed_bytes = s->grouped_bytes = 0;
}

void ints_encode(const int64_t *values, size_t n, struct buf *to)
{
	struct sequence plain;
	struct sequence deltas;
	struct sample sample;
	int64_t min;
	int64_t max;
	uint64_t scale;

	must(n >= 1 && n <= INTS_MAX);
	start_sequence(&plain);
	start_sequence(&deltas);
	find_bounds(values, n, &min, &max);
	if (min == max) {
		put_head(to, INTS_CONST, (uint64_t)min, 1, 0);
		goto out;
	}
	scale = find_scale(values, n, min);
	if (!make_plain(&plain, values, n, min, scale))
		goto no_memory;
	measure(&plain);
	sample = take_sample(&plain);
	if (sample.are_deltas_near || sample.deltas_bytes < sample.plain_bytes) {
		if (!make_deltas(&deltas, &plain))
			goto no_memory;
		measure(&deltas);
	}
	/* The smallest number is 0, unless the range is 2^63 or more and reads as negative numbers better. */
	put_best(to, &plain, &deltas, &sample, (uint64_t)values[0], (uint64_t)min + scale * plain.smallest, scale);
	goto out;
no_memory:
	to->failed = true;
out:
	free(plain.x);
	free(deltas.x);
}
