/*
 * Any JSON value in canonical form.
 *
 * Names are sorted by UTF-16 code units. On UTF-8 that is the order of the bytes, except that the code points beyond
 * U+FFFF, which UTF-16 writes as surrogates (D800 to DFFF), come before U+E000 to U+FFFF: where two names first differ,
 * lead bytes F0 to F4 sort before EE and EF. Names are compared by their first eight bytes as one number, made so that
 * it orders as they do; nearly always that decides.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "codec/record_priv.h"

/* Puts F0-F4 in front of EE and EF and leaves all else in order. */
static uint8_t rank_byte(uint8_t b)
{
	if (b < 0xee)
		return b;
	return b >= 0xf0 ? (uint8_t)(b - 2) : (uint8_t)(b + 5);
}

uint64_t record__name_prefix(struct span name)
{
	uint64_t v, ranked = 0;

	if (name.len == 0)
		return 0;
	memcpy(&v, name.p, 8);
	v = __builtin_bswap64(v);
	if (name.len < 8)
		v &= ~UINT64_C(0) << (64 - 8 * name.len);
	if (!(v & UINT64_C(0x8080808080808080)))
		return v;
	for (int shift = 56; shift >= 0; shift -= 8)
		ranked |= (uint64_t)rank_byte((uint8_t)(v >> shift)) << shift;
	return ranked;
}

int record__name_cmp(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;

	for (size_t i = 0; i < n; i++)
		if (a.p[i] != b.p[i])
			return rank_byte(a.p[i]) < rank_byte(b.p[i]) ? -1 : 1;
	return (a.len > b.len) - (a.len < b.len);
}

static bool is_after(const struct record_entry *a, const struct record_entry *b)
{
	if (a->prefix != b->prefix)
		return a->prefix > b->prefix;
	return record__name_cmp(record__string(a->key), record__string(b->key)) > 0;
}

/* Shell sort (gaps of Ciura, 2001): insertion sort for the few members an object usually has, and no quadratic time for
 * the 512 it may have. */
static void sort_entries(struct record_entry *entries, size_t n)
{
	static const size_t gaps[] = {301, 132, 57, 23, 10, 1};

	for (size_t g = n <= 12 ? 5 : 0; g < sizeof(gaps) / sizeof(gaps[0]); g++)
		for (size_t i = gaps[g]; i < n; i++) {
			struct record_entry moving = entries[i];
			size_t j = i;

			for (; j >= gaps[g] && is_after(&entries[j - gaps[g]], &moving); j -= gaps[g])
				entries[j] = entries[j - gaps[g]];
			entries[j] = moving;
		}
}

struct span record__cut(struct span text, size_t max)
{
	size_t len = text.len < max ? text.len : max;

	while (len > 0 && len < text.len && (text.p[len] & 0xc0) == 0x80)
		len--;
	return span_of(text.p, len);
}

/* Appends "a.b[3].c" for where the writer is; control characters become '?'. */
static void put_path(const struct record_writer *w, struct buf *to)
{
	for (unsigned d = 1; d <= w->depth; d++) {
		const struct record_step *step = &w->path[d];

		if (!step->key) {
			buf_printf(to, "[%zu]", step->index);
			continue;
		}
		if (d > 1)
			buf_put_u8(to, '.');
		buf_put_span(to, record__string(step->key));
	}
	for (size_t i = 0; i < to->len; i++)
		if (to->p[i] < 0x20)
			to->p[i] = '?';
}

__attribute__((format(printf, 3, 4))) static int fail(struct record_writer *w, int code, const char *fmt, ...)
{
	char what[ERR_MESSAGE_MAX];
	struct buf path = BUF_INIT;
	struct span shown;
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	put_path(w, &path);
	shown = record__cut(buf_span(&path), ERR_FIELD_MAX - 1);
	if (shown.len)
		err_set(w->err, code, "%.*s: %s", (int)shown.len, (const char *)shown.p, what);
	else
		err_set(w->err, code, "%s", what);
	if (w->err)
		err_set_field(w->err, (const char *)shown.p, shown.len);
	buf_release(&path);
	return code;
}

static int duplicate_failed(struct record_writer *w, yyjson_val *key)
{
	w->path[w->depth].key = key;
	return fail(w, E_INVALID, "this member is there twice; a name may occur once in an object");
}

/* Puts the members of `object` on the entry stack, sorted. */
static int open_entries(struct record_writer *w, yyjson_val *object, size_t n)
{
	struct record_entry *entries = w->entries + w->entry_count;
	yyjson_val *key = unsafe_yyjson_get_first(object);

	for (size_t i = 0; i < n; i++) {
		struct span name = record__string(key);

		w->path[w->depth].key = key;
		if (name.len > RECORD_KEY_MAX)
			return fail(w, E_TOO_LARGE, "a member's name may have at most %u bytes, not %zu",
				    RECORD_KEY_MAX, name.len);
		entries[i] = (struct record_entry){record__name_prefix(name), key};
		key = unsafe_yyjson_get_next(key + 1);
	}
	sort_entries(entries, n);
	for (size_t i = 1; i < n; i++)
		if (entries[i].prefix == entries[i - 1].prefix && !is_after(&entries[i], &entries[i - 1]))
			return duplicate_failed(w, entries[i].key);
	w->entry_count += n;
	return 0;
}

static void write_string(struct record_writer *w, yyjson_val *val)
{
	struct span text = record__string(val);

	*w->p++ = '"';
	if (unsafe_yyjson_get_subtype(val) == YYJSON_SUBTYPE_NOESC)
		w->p = json_text__copy(w->p, text.p, text.len);
	else
		w->p = json_text__escape(w->p, text.p, text.len);
	*w->p++ = '"';
}

/* Steps into a container with `n` members to sort. */
static int descend(struct record_writer *w, size_t n)
{
	if (w->depth == RECORD_DEPTH_MAX)
		return fail(w, E_TOO_LARGE, "a record may be at most %u levels deep", RECORD_DEPTH_MAX);
	if (n > RECORD_ENTRIES_MAX - w->entry_count)
		return fail(w, E_TOO_LARGE, "a record may hold at most %u values", RECORD_VALUES_MAX);
	w->depth++;
	return 0;
}

static int write_object(struct record_writer *w, yyjson_val *object)
{
	size_t n = unsafe_yyjson_get_len(object);
	const struct record_entry *entries = w->entries + w->entry_count;
	int rc;

	if ((rc = descend(w, n)) < 0 || (rc = open_entries(w, object, n)) < 0)
		return rc;
	*w->p++ = '{';
	for (size_t i = 0; i < n; i++) {
		if (i)
			*w->p++ = ',';
		w->path[w->depth].key = entries[i].key;
		write_string(w, entries[i].key);
		*w->p++ = ':';
		if ((rc = record__write_value(w, entries[i].key + 1)) < 0)
			return rc;
	}
	*w->p++ = '}';
	w->values += n == 0;
	w->entry_count -= n;
	w->depth--;
	return 0;
}

static int write_array(struct record_writer *w, yyjson_val *array)
{
	size_t n = unsafe_yyjson_get_len(array);
	yyjson_val *item = unsafe_yyjson_get_first(array);
	int rc;

	if ((rc = descend(w, 0)) < 0)
		return rc;
	*w->p++ = '[';
	for (size_t i = 0; i < n; i++) {
		if (i)
			*w->p++ = ',';
		w->path[w->depth] = (struct record_step){NULL, i};
		if ((rc = record__write_value(w, item)) < 0)
			return rc;
		item = unsafe_yyjson_get_next(item);
	}
	*w->p++ = ']';
	w->values += n == 0;
	w->depth--;
	return 0;
}

static void write_integer(struct record_writer *w, uint64_t magnitude, bool is_negative)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);

	if (is_negative)
		*w->p++ = '-';
	do {
		digits[--at] = (uint8_t)('0' + magnitude % 10);
		magnitude /= 10;
	} while (magnitude);
	memcpy(w->p, digits + at, sizeof(digits) - at);
	w->p += sizeof(digits) - at;
}

static int write_number(struct record_writer *w, yyjson_val *val)
{
	int64_t v;

	switch (unsafe_yyjson_get_subtype(val)) {
	case YYJSON_SUBTYPE_UINT:
		write_integer(w, unsafe_yyjson_get_uint(val), false);
		return 0;
	case YYJSON_SUBTYPE_SINT:
		v = unsafe_yyjson_get_sint(val);
		write_integer(w, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0);
		return 0;
	default:
		w->p = json_text__double(w->p, unsafe_yyjson_get_real(val));
		return 0;
	}
}

/* A number that fits none of yyjson's kinds: an integer beyond 64 bits, which stays as it is, or an overflow. */
static int write_raw(struct record_writer *w, yyjson_val *val)
{
	struct span text = span_of(unsafe_yyjson_get_raw(val), unsafe_yyjson_get_len(val));

	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] == '.' || (text.p[i] | 0x20) == 'e')
			return fail(w, E_INVALID, "this number is too large for a double; send it as a string");
	w->p = json_text__copy(w->p, text.p, text.len);
	return 0;
}

static void write_literal(struct record_writer *w, const char *text, size_t len)
{
	memcpy(w->p, text, len);
	w->p += len;
}

int record__write_value(struct record_writer *w, yyjson_val *val)
{
	uint8_t type = unsafe_yyjson_get_type(val);

	if (type == YYJSON_TYPE_OBJ)
		return write_object(w, val);
	if (type == YYJSON_TYPE_ARR)
		return write_array(w, val);
	w->values++;
	switch (type) {
	case YYJSON_TYPE_STR:
		write_string(w, val);
		return 0;
	case YYJSON_TYPE_NUM:
		return write_number(w, val);
	case YYJSON_TYPE_RAW:
		return write_raw(w, val);
	case YYJSON_TYPE_BOOL:
		if (unsafe_yyjson_is_true(val))
			write_literal(w, "true", 4);
		else
			write_literal(w, "false", 5);
		return 0;
	default:
		write_literal(w, "null", 4);
		return 0;
	}
}
