#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/thread.h"
#include "codec/column.h"
#include "codec/timestamp.h"
#include "text_sample.h"

#define MANY 8192u

/* Values with their own memory, exactly as long as they are, so that reading past one is seen. */
struct texts {
	struct span *value;
	size_t n;
};

static struct span copy_span(const void *p, size_t len)
{
	uint8_t *copy = xalloc(len);

	memcpy(copy, p, len);
	return span_of(copy, len);
}

static struct texts make_texts(struct rng *r, make_text_fn *make, size_t n)
{
	struct texts t = {xarray(n, sizeof(*t.value)), n};

	for (size_t i = 0; i < n; i++) {
		char text[TEXT_MAX];
		size_t len = make(r, i, text);

		t.value[i] = copy_span(text, len);
	}
	return t;
}

static void release_texts(struct texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		free((void *)(uintptr_t)t->value[i].p);
	free(t->value);
}

/* ---- round trips ---- */

static void check_values(const struct column *c, const struct texts *t)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < t->n; i++) {
		buf_reset(&b);
		column_get(c, i, &b);
		assert_true(span_eq(buf_span(&b), t->value[i]));
	}
	buf_release(&b);
}

static enum column_encoding check_round_trip(const struct texts *t)
{
	struct buf b = BUF_INIT;
	enum column_encoding encoding = column_encode(t->value, t->n, &b);
	struct reader from;
	struct column c;

	assert_true(buf_ok(&b));
	assert_int_equal(b.p[0], encoding);
	assert_int_equal(column_classify(t->value, t->n), encoding);
	buf_put_str(&b, "next");
	from = reader_of(buf_span(&b));
	assert_int_equal(column_open(&c, &from, t->n, NULL), 0);
	assert_int_equal(reader_left(&from), 4);
	check_values(&c, t);
	column_release(&c);
	buf_release(&b);
	return encoding;
}

static void test_column__gives_back_every_kind_of_text(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 10, 127, 128, 129, 255, 256, 600, 1025};
	struct rng r = seeded_rng();

	(void)state;
	for (size_t m = 0; m < MAKER_COUNT; m++) {
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			struct texts t = make_texts(&r, makers[m], sizes[s]);

			(void)check_round_trip(&t);
			release_texts(&t);
		}
	}
}

static size_t make_mixed(struct rng *r, size_t i, char to[TEXT_MAX])
{
	return makers[pick(r, MAKER_COUNT)](r, i, to);
}

static void test_column__gives_back_mixed_texts(void **state)
{
	struct rng r = seeded_rng();

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct texts t = make_texts(&r, make_mixed, 1 + pick(&r, 40));

		(void)check_round_trip(&t);
		release_texts(&t);
	}
}

/* HEX of every length, and one digit more or less among them. */
static void test_column__gives_back_hex_of_every_length(void **state)
{
	struct rng r = seeded_rng();

	(void)state;
	for (size_t digits = 1; digits <= 132; digits++) {
		struct texts t = {xarray(300, sizeof(*t.value)), 300};
		enum column_encoding encoding;

		for (size_t i = 0; i < t.n; i++) {
			char text[TEXT_MAX];

			put_hex(&r, digits, text);
			text[0] = i ? text[0] : '0';
			text[digits - 1] = i ? text[digits - 1] : 'e';
			t.value[i] = copy_span(text, digits);
		}
		encoding = check_round_trip(&t);
		if (digits > 1)
			assert_int_equal(encoding, digits % 2 == 0 && digits <= 128 ? COLUMN_HEX : COLUMN_TEXT);
		release_texts(&t);
	}
}

static void test_column__gives_back_the_longest_values(void **state)
{
	uint8_t *long_text = xalloc(65535);
	struct span value[3] = {span_of(long_text, 65535), span_of(long_text, 65534), span_of(NULL, 0)};
	struct texts t = {value, 3};

	(void)state;
	assert_int_equal(check_round_trip(&t), COLUMN_TEXT);
	t.n = 1;
	assert_int_equal(check_round_trip(&t), COLUMN_CONST);
	free(long_text);
}

static void test_column__gives_back_the_longest_runs(void **state)
{
	struct rng r = seeded_rng();

	(void)state;
	for (size_t m = 0; m < MAKER_COUNT; m += 3) {
		struct texts t = make_texts(&r, makers[m], 65536);

		(void)check_round_trip(&t);
		release_texts(&t);
	}
}

/* ---- which encoding ---- */

static void test_column__knows_each_encoding(void **state)
{
	static const struct {
		const char *value[2];
		enum column_encoding encoding;
	} cases[] = {
		{{"", ""}, COLUMN_CONST},
		{{"x", "x"}, COLUMN_CONST},
		{{"", "1"}, COLUMN_TEXT},
		{{"1", ""}, COLUMN_TEXT},
		{{"0", "-1"}, COLUMN_INT},
		{{"9223372036854775807", "-9223372036854775808"}, COLUMN_INT},
		{{"9223372036854775808", "1"}, COLUMN_TEXT},
		{{"-9223372036854775809", "1"}, COLUMN_TEXT},
		{{"99999999999999999999", "1"}, COLUMN_TEXT},
		{{"-0", "1"}, COLUMN_TEXT},
		{{"-", "1"}, COLUMN_TEXT},
		{{"+1", "1"}, COLUMN_TEXT},
		{{"1", "1.0"}, COLUMN_TEXT},
		{{"1", "a"}, COLUMN_HEX_INT},
		{{"0", "fffffffffffffff"}, COLUMN_HEX_INT},
		{{"a", "1000000000000000"}, COLUMN_TEXT},
		{{"a", "A"}, COLUMN_TEXT},
		{{"a", "0a"}, COLUMN_TEXT},
		{{"0a", "12"}, COLUMN_HEX},
		{{"0a", "g2"}, COLUMN_TEXT},
		{{"0a", "012"}, COLUMN_TEXT},
		{{"00", "01"}, COLUMN_HEX},
		{{"000", "001"}, COLUMN_TEXT},
		{{"0123456789abcdef", "fedcba9876543210"}, COLUMN_HEX},
		{{"0123456789abcdef", "fedcba987654321O"}, COLUMN_TEXT},
		{{"0123456789abcdef01", "fedcba98765432101/"}, COLUMN_TEXT},
		{{"0123456789abcdef01", "fedcba98765432101:"}, COLUMN_TEXT},
		{{"0123456789abcdef01", "fedcba98765432101`"}, COLUMN_TEXT},
		{{"00112233-4455-6677-8899-aabbccddeeff", "10112233-4455-6677-8899-aabbccddeeff"}, COLUMN_UUID},
		{{"00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefF"}, COLUMN_TEXT},
		{{"00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899_aabbccddeeff"}, COLUMN_TEXT},
		{{"00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeef"}, COLUMN_TEXT},
		{{"0.0.0.0", "255.255.255.255"}, COLUMN_IPV4},
		{{"1.2.3.4", "1.2.3.256"}, COLUMN_TEXT},
		{{"1.2.3.4", "1.2.3.04"}, COLUMN_TEXT},
		{{"1.2.3.4", "00.2.3.4"}, COLUMN_TEXT},
		{{"1.2.3.4", "1.2.3.4."}, COLUMN_TEXT},
		{{"1.2.3.4", "1.2..3.4"}, COLUMN_TEXT},
		{{"1.2.3.4", ".1.2.3.4"}, COLUMN_TEXT},
		{{"1.2.3.4", "1.2.3.4.5"}, COLUMN_TEXT},
		{{"1.2.3.4", "1.2.1234"}, COLUMN_TEXT},
		{{"1.2.3.4", "1.2.3.-4"}, COLUMN_TEXT},
		{{"1.2.3.4", "1.2.3.4a"}, COLUMN_TEXT},
		{{"1.2.3.4", "1.2.3.1/1"}, COLUMN_TEXT},
		{{"2026-11-21T10:00:00.000000Z", "0001-01-01T00:00:00.000000Z"}, COLUMN_TIME},
		{{"2026-11-21T10:00:00.000000Z", "9999-12-31T23:59:59.999999Z"}, COLUMN_TIME},
		{{"2026-11-21T10:00:00.000000Z", "2026-02-29T10:00:00.000000Z"}, COLUMN_TEXT},
		{{"2026-11-21T10:00:00.000000Z", "2026-11-21T10:00:60.000000Z"}, COLUMN_TEXT},
		{{"2026-11-21T10:00:00.000000Z", "2026-11-21T10:00:00Z"}, COLUMN_TEXT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct texts t = {xarray(2, sizeof(struct span)), 2};

		for (size_t k = 0; k < 2; k++)
			t.value[k] = copy_span(cases[i].value[k], strlen(cases[i].value[k]));
		if (check_round_trip(&t) != cases[i].encoding)
			fail_msg("%s, %s", cases[i].value[0], cases[i].value[1]);
		release_texts(&t);
	}
}

/* The slow twins: parse with the C library, write again, compare. */
static bool is_int(const char *s)
{
	char again[32];

	(void)snprintf(again, sizeof(again), "%lld", strtoll(s, NULL, 10));
	return strcmp(again, s) == 0;
}

static bool is_hex_int(const char *s)
{
	char again[32];

	(void)snprintf(again, sizeof(again), "%llx", strtoull(s, NULL, 16));
	return strlen(s) <= 15 && strcmp(again, s) == 0;
}

static bool is_ipv4(const char *s)
{
	struct in_addr address;
	char again[INET_ADDRSTRLEN];

	return inet_pton(AF_INET, s, &address) == 1 && inet_ntop(AF_INET, &address, again, sizeof(again)) &&
	       strcmp(again, s) == 0;
}

static bool is_time(const char *s)
{
	uint8_t again[TIMESTAMP_LEN];
	int64_t us;

	if (!timestamp_parse(span_str(s), &us))
		return false;
	timestamp_format(us, again);
	return span_eq_str(span_of(again, sizeof(again)), s);
}

static bool is_uuid(const char *s)
{
	if (strlen(s) != 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !strchr("0123456789abcdef", s[i]))
			return false;
	}
	return true;
}

static bool is_hex_32(const char *s)
{
	return strlen(s) == 32 && strspn(s, "0123456789abcdef") == 32;
}

/* A text of the kind, or nearly: a byte changed, left out or added. */
static size_t make_near(struct rng *r, make_text_fn *make, char to[TEXT_MAX])
{
	static const char bytes[] = "0123456789abcdefABFGg.-:/`TZ +\x01\xff";
	size_t len = make(r, 0, to);
	size_t at = pick(r, len);

	switch (pick(r, 4)) {
	case 0:
		to[at] = bytes[pick(r, sizeof(bytes) - 1)];
		break;
	case 1:
		memmove(to + at, to + at + 1, len - at - 1);
		len--;
		break;
	case 2:
		memmove(to + at + 1, to + at, len - at);
		to[at] = bytes[pick(r, sizeof(bytes) - 1)];
		len++;
		break;
	default:
		break;
	}
	to[len] = 0;
	return len;
}

static void test_column__agrees_with_the_slow_twins(void **state)
{
	static const struct {
		make_text_fn *make;
		bool (*is_one)(const char *s);
		const char *other;
		enum column_encoding encoding;
	} twins[] = {
		{make_int, is_int, "-7", COLUMN_INT},
		{make_hex_int, is_hex_int, "dad", COLUMN_HEX_INT},
		{make_hex_32, is_hex_32, "00112233445566778899aabbccddeeff", COLUMN_HEX},
		{make_uuid, is_uuid, "00112233-4455-6677-8899-aabbccddeeff", COLUMN_UUID},
		{make_ipv4, is_ipv4, "255.0.1.20", COLUMN_IPV4},
		{make_time, is_time, "2026-11-21T10:00:00.000000Z", COLUMN_TIME},
	};
	struct rng r = seeded_rng();

	(void)state;
	for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
		for (unsigned round = 0; round < 5000; round++) {
			char text[TEXT_MAX];
			size_t len = make_near(&r, twins[i].make, text);
			struct span values[2] = {span_str(twins[i].other), copy_span(text, len)};
			bool is_one = column_classify(values, 2) == twins[i].encoding;

			if (!span_eq(values[0], values[1]) && is_one != twins[i].is_one(text))
				fail_msg("\"%s\" taken: %d", text, is_one);
			free((void *)(uintptr_t)values[1].p);
		}
	}
}

/* ---- numbers ---- */

static void test_column__tells_the_numbers(void **state)
{
	static const struct {
		const char *value[2];
		int64_t number;
	} cases[] = {
		{{"-5", "77"}, 77},
		{{"1.2.3.4", "192.0.2.255"}, 0xc00002ff},
		{{"2026-11-21T10:00:00.000000Z", "1970-01-01T00:00:01.000002Z"}, 1000002},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span values[2] = {span_str(cases[i].value[0]), span_str(cases[i].value[1])};
		struct buf b = BUF_INIT;
		struct column c;
		struct reader from;
		int64_t number;

		(void)column_encode(values, 2, &b);
		from = reader_of(buf_span(&b));
		assert_int_equal(column_open(&c, &from, 2, NULL), 0);
		assert_true(column_number(&c, 1, &number));
		assert_int_equal(number, cases[i].number);
		column_release(&c);
		buf_release(&b);
	}
}

static void test_column__tells_no_number_of_texts(void **state)
{
	static const char *const pairs[][2] = {{"a", "b c"}, {"x", "x"}, {"a", "b"}, {"0a", "0b"}};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct span values[2] = {span_str(pairs[i][0]), span_str(pairs[i][1])};
		struct buf b = BUF_INIT;
		struct column c;
		struct reader from;
		int64_t number = 42;

		(void)column_encode(values, 2, &b);
		from = reader_of(buf_span(&b));
		assert_int_equal(column_open(&c, &from, 2, NULL), 0);
		assert_false(column_number(&c, 1, &number));
		assert_int_equal(number, 42);
		column_release(&c);
		buf_release(&b);
	}
}

/* ---- sizes ---- */

static void check_bytes(const char *a, const char *b_text, const char *bytes, size_t len)
{
	struct span values[2] = {span_str(a), span_str(b_text)};
	struct buf b = BUF_INIT;

	(void)column_encode(values, 2, &b);
	assert_int_equal(b.len, len);
	assert_memory_equal(b.p, bytes, len);
	buf_release(&b);
}

static void test_column__writes_the_bytes_of_the_format(void **state)
{
	(void)state;
	check_bytes("ab", "ab",
		    "\x00\x02"
		    "ab",
		    4);
	check_bytes("", "", "\x00\x00", 2);
	check_bytes("1", "2", "\x01\x01\x02\x01\x02", 5);
	check_bytes("a", "b", "\x02\x01\x14\x01\x02", 5);
	check_bytes("0a01", "0b02", "\x03\x02\x00\x0a\x01\x0b\x02", 7);
	check_bytes("00112233-4455-6677-8899-aabbccddeeff", "ff112233-4455-6677-8899-aabbccddeeff",
		    "\x04\x00\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"
		    "\xff\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
		    34);
	check_bytes("0.0.0.1", "0.0.0.2", "\x05\x01\x02\x01\x02", 5);
	check_bytes("1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00.000002Z", "\x06\x01\x02\x01\x02", 5);
	check_bytes("x", "y z",
		    "\x07\x09\x02\x02\x01\x02\x00"
		    "xy z",
		    11);
}

static void test_column__keeps_its_sizes(void **state)
{
	static const struct {
		make_text_fn *make;
		enum column_encoding encoding;
		size_t bytes_min;
		size_t bytes_max;
	} golden[] = {
		{make_small_hex_int, COLUMN_HEX_INT, 18436, 18440}, {make_hex_32, COLUMN_HEX, 131075, 131075},
		{make_uuid, COLUMN_UUID, 131074, 131074},           {make_timed_uuid, COLUMN_UUID, 80000, 96000},
		{make_object_id, COLUMN_HEX, 4000, 20000},          {make_email, COLUMN_TEXT, 30000, 46000},
	};
	struct rng r;

	(void)state;
	rng_init(&r, 7);
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		struct texts t = make_texts(&r, golden[i].make, MANY);
		struct buf b = BUF_INIT;

		assert_int_equal(column_encode(t.value, t.n, &b), golden[i].encoding);
		assert_in_range(b.len, golden[i].bytes_min, golden[i].bytes_max);
		buf_release(&b);
		release_texts(&t);
	}
}

/* ---- damage ---- */

/* Opens a copy that ends where its memory does, and reads all that opens. Returns what column_open did. */
static int open_and_read(const uint8_t *p, size_t len, size_t n)
{
	struct span copy = copy_span(p, len);
	struct reader from = reader_of(copy);
	struct buf b = BUF_INIT;
	struct column c;
	int64_t number;
	int rc = column_open(&c, &from, n, NULL);

	if (rc == 0) {
		for (size_t i = 0; i < n && b.len < (1 << 20); i++) {
			column_get(&c, i, &b);
			(void)column_number(&c, i, &number);
		}
		column_release(&c);
	}
	buf_release(&b);
	free((void *)(uintptr_t)copy.p);
	return rc;
}

static void check_damaged(struct buf *b, size_t n)
{
	for (size_t len = 0; len < b->len; len++)
		assert_int_equal(open_and_read(b->p, len, n), E_CORRUPT);
	for (size_t bit = 0; bit < b->len * 8; bit++) {
		int rc;

		b->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rc = open_and_read(b->p, b->len, n);
		assert_true(rc == 0 || rc == E_CORRUPT);
		b->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void test_column__survives_cuts_and_flips(void **state)
{
	static const size_t sizes[] = {1, 2, 20, 260};
	struct rng r = seeded_rng();

	(void)state;
	for (size_t m = 0; m < MAKER_COUNT; m++) {
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			struct texts t = make_texts(&r, makers[m], sizes[s]);
			struct buf b = BUF_INIT;

			(void)column_encode(t.value, t.n, &b);
			if (b.len < 1500)
				check_damaged(&b, t.n);
			buf_release(&b);
			release_texts(&t);
		}
	}
}

static void test_column__survives_noise(void **state)
{
	uint8_t noise[80];
	struct rng r = seeded_rng();

	(void)state;
	for (unsigned round = 0; round < 30000; round++) {
		size_t len = pick(&r, sizeof(noise));
		int rc;

		for (size_t i = 0; i < len; i++)
			noise[i] = (uint8_t)(pick(&r, 3) ? pick(&r, 8) : rng_next(&r));
		rc = open_and_read(noise, len, 1 + pick(&r, 200));
		assert_true(rc == 0 || rc == E_CORRUPT);
	}
}

/* Each rule of docs/format/column.md by its number, with a run of two values that is right but for it. */
static void test_column__refuses_what_the_format_forbids(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{"\x08\x00", 2}, /* 1: no such encoding */
		{"\x00\x03"
		 "ab",
		 4},                                                  /* 2: a constant cut off */
		{"\x02\x01\x01\x01\x02", 5},                          /* 3: a negative HEX_INT */
		{"\x06\x00\x80\x80\x80\x80\x80\x80\x80\x80\x70", 11}, /* 3: a time beyond year 9999 */
		{"\x03\x00\x00", 3},                                  /* 4: rows of no bytes */
		{"\x03\x41\x00"
		 "0123456789012345678901234567890123456789012345678901234567890123456789"
		 "01234567890123456789012345678901234567890123456789012345678901",
		 135}, /* 4: rows of 65 bytes */
		{"\x03\x02\x04\x01"
		 "aaaaaa",
		 10}, /* 5: a place beyond the row */
		{"\x03\x02\x01\x01"
		 "aaa",
		 7}, /* 6: places that do not inflate */
		{"\x07\x00\x01\x00"
		 "",
		 4},                             /* 7: texts of -1 bytes */
		{"\x07\x00\x80\x80\x08\x00", 6}, /* 7: texts of 65,536 bytes */
		{"\x07\x00\x02\x02"
		 "aa",
		 6}, /* 8: packed longer than plain */
		{"\x07\x00\xfe\xff\x07\x02"
		 "aa",
		 8}, /* 9: two bytes that inflate to 131,070 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(open_and_read((const uint8_t *)cases[i].bytes, cases[i].len, 2), E_CORRUPT);
}

/* The same for what only a frame that inflates can show; two values, frames of bytes as they are or one repeated. */
static void test_column__refuses_frames_that_do_not_fit(void **state)
{
#define FRAME_AA                                                                                                       \
	"\x28\xb5\x2f\xfd\x20\x02\x11\x00\x00"                                                                         \
	"aa"
#define FRAME_AAAA                                                                                                     \
	"\x28\xb5\x2f\xfd\x20\x04\x21\x00\x00"                                                                         \
	"aaaa"
#define FRAME_A99                                                                                                      \
	"\x28\xb5\x2f\xfd\x20\x63\x1b\x03\x00"                                                                         \
	"a"
#define FRAME_A100                                                                                                     \
	"\x28\xb5\x2f\xfd\x20\x64\x23\x03\x00"                                                                         \
	"a"
	static const struct {
		const char *bytes;
		size_t len;
		int rc;
	} cases[] = {
		{"\x03\x02\x02\x0b" FRAME_AA "bb", 17, 0},
		{"\x03\x02\x04\x0b" FRAME_AA "bb", 17, E_CORRUPT},   /* 5: a place beyond the row */
		{"\x03\x02\x02\x0d" FRAME_AAAA "bb", 19, E_CORRUPT}, /* 6: places of four rows */
		{"\x07\x00\x64\x0a" FRAME_A100, 14, 0},
		{"\x07\x00\x64\x0a" FRAME_A99, 14, E_CORRUPT},  /* 9: a byte too few */
		{"\x07\x00\x62\x0a" FRAME_A99, 14, E_CORRUPT},  /* 9: a byte too many */
		{"\x07\x00\x04\x0d" FRAME_AAAA, 17, E_CORRUPT}, /* 8: packed longer than plain */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = open_and_read((const uint8_t *)cases[i].bytes, cases[i].len, 2);

		if (rc != cases[i].rc)
			fail_msg("case %zu: %d", i, rc);
	}
}

/* Rule 9: before memory is taken. */
static void test_column__takes_no_memory_on_the_word_of_a_length(void **state)
{
	static const char bytes[] = "\x07\x00\xfe\xff\x07\x02"
				    "aa";
	struct span in = span_of(bytes, sizeof(bytes) - 1);
	struct reader from = reader_of(in);
	struct err err = ERR_INIT;
	struct column c;

	(void)state;
	assert_int_equal(column_open(&c, &from, 65536, &err), E_CORRUPT);
	assert_non_null(strstr(err.message, "cannot hold"));
}

/* ---- threads ---- */

static void *encode_in_thread(void *arg)
{
	struct rng r = seeded_rng();
	struct texts t = make_texts(&r, make_email, 200);

	*(enum column_encoding *)arg = check_round_trip(&t);
	release_texts(&t);
	return NULL;
}

/* The contexts of a thread go with it: the leak checker sees those that do not. */
static void test_column__works_in_threads(void **state)
{
	struct thread threads[4];
	enum column_encoding encodings[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		thread_start(&threads[i], "column", encode_in_thread, &encodings[i]);
	for (size_t i = 0; i < 4; i++) {
		thread_join(&threads[i]);
		assert_int_equal(encodings[i], COLUMN_TEXT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_column__gives_back_every_kind_of_text),
		cmocka_unit_test(test_column__gives_back_mixed_texts),
		cmocka_unit_test(test_column__gives_back_hex_of_every_length),
		cmocka_unit_test(test_column__gives_back_the_longest_values),
		cmocka_unit_test(test_column__gives_back_the_longest_runs),
		cmocka_unit_test(test_column__knows_each_encoding),
		cmocka_unit_test(test_column__agrees_with_the_slow_twins),
		cmocka_unit_test(test_column__tells_the_numbers),
		cmocka_unit_test(test_column__tells_no_number_of_texts),
		cmocka_unit_test(test_column__writes_the_bytes_of_the_format),
		cmocka_unit_test(test_column__keeps_its_sizes),
		cmocka_unit_test(test_column__survives_cuts_and_flips),
		cmocka_unit_test(test_column__survives_noise),
		cmocka_unit_test(test_column__refuses_what_the_format_forbids),
		cmocka_unit_test(test_column__refuses_frames_that_do_not_fit),
		cmocka_unit_test(test_column__takes_no_memory_on_the_word_of_a_length),
		cmocka_unit_test(test_column__works_in_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
