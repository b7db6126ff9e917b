/* Random queries over what a world's records hold. */
#include <yyjson.h>

#include "base/mem.h"
#include "codec/token.h"
#include "crypto/id_cipher.h"
#include "world.h"

/* A random value of a random record, and the way to it as a query writes it. */
struct found_value {
	struct buf path;
	struct buf text;
};

static void put_quoted(struct buf *to, struct span text)
{
	buf_put_u8(to, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_put_u8(to, '\\');
		buf_put_u8(to, text.p[i]);
	}
	buf_put_u8(to, '"');
}

static void put_name(struct buf *to, yyjson_val *key)
{
	struct span name = span_of(yyjson_get_str(key), yyjson_get_len(key));
	bool is_bare = name.len > 0 && name.p[0] != '-';

	for (size_t i = 0; i < name.len; i++)
		is_bare = is_bare && memchr(". \"\\\n", name.p[i], 5) == NULL;
	if (to->len)
		buf_put_u8(to, '.');
	if (is_bare)
		buf_put_span(to, name);
	else
		put_quoted(to, name);
}

/* Goes down by chance until there is nothing below; every other time among the free members, if there are any. */
static void descend(struct rng *rng, yyjson_val *v, struct found_value *to)
{
	yyjson_val *free_members = yyjson_obj_get(v, rng_below(rng, 3) ? "attributes" : "before");

	if (free_members && rng_below(rng, 2)) {
		buf_put_str(&to->path, unsafe_yyjson_get_str(free_members - 1));
		v = free_members;
	}
	while (yyjson_get_len(v) > 0 && (yyjson_is_obj(v) || yyjson_is_arr(v))) {
		size_t at = rng_below(rng, yyjson_get_len(v));
		yyjson_val *key = NULL;

		if (yyjson_is_arr(v)) {
			v = yyjson_arr_get(v, at);
			continue;
		}
		yyjson_obj_iter it = yyjson_obj_iter_with(v);
		for (size_t k = 0; k <= at; k++)
			key = yyjson_obj_iter_next(&it);
		put_name(&to->path, key);
		v = yyjson_obj_iter_get_val(key);
		if (rng_below(rng, 40) == 0)
			break; /* a path that names an object */
	}
	if (yyjson_is_str(v))
		buf_put(&to->text, yyjson_get_str(v), yyjson_get_len(v));
	else if (yyjson_is_raw(v))
		buf_put(&to->text, yyjson_get_raw(v), yyjson_get_len(v));
	else
		buf_put_str(&to->text, yyjson_is_true(v) ? "true" : yyjson_is_false(v) ? "false" : "alpha");
}

static void find_value(struct world *w, struct found_value *to)
{
	struct span record = w->record[rng_below(w->rng, w->count)];
	yyjson_doc *doc = yyjson_read((const char *)record.p, record.len, YYJSON_READ_NUMBER_AS_RAW);

	do {
		buf_reset(&to->path);
		buf_reset(&to->text);
		descend(w->rng, yyjson_doc_get_root(doc), to);
	} while (span_eq_str(buf_span(&to->path), "time") || span_eq_str(buf_span(&to->path), "received") ||
		 span_eq_str(buf_span(&to->path), "id"));
	yyjson_doc_free(doc);
}

void world_field(struct world *w, struct buf *to)
{
	struct found_value v = {BUF_INIT, BUF_INIT};

	find_value(w, &v);
	buf_put_span(to, buf_span(&v.path));
	buf_release(&v.path);
	buf_release(&v.text);
}

static void change_case(struct rng *rng, struct buf *text)
{
	bool upper = rng_below(rng, 2);

	for (size_t i = 0; i < text->len; i++)
		if (text->p[i] < 0x80 && (text->p[i] & 0x40) && (text->p[i] | 0x20) >= 'a' &&
		    (text->p[i] | 0x20) <= 'z')
			text->p[i] = (uint8_t)(upper ? text->p[i] & ~0x20 : text->p[i] | 0x20);
}

/* Some words of the text: from a word's beginning to any character's end. */
static void cut_text(struct rng *rng, struct buf *text)
{
	struct token_iter it = {buf_span(text), 0};
	struct span word[64];
	size_t n = 0, from, len;

	while (n < 64 && token_next(&it, &word[n]))
		n++;
	if (n == 0)
		return;
	from = (size_t)(word[rng_below(rng, n)].p - text->p);
	len = 1 + rng_below(rng, text->len - from);
	while (from + len < text->len && (text->p[from + len] & 0xc0) == 0x80)
		len++;
	memmove(text->p, text->p + from, len);
	text->len = len;
}

static bool has_word(struct span text)
{
	struct token_iter it = {text, 0};
	struct span word;

	return token_next(&it, &word);
}

static void put_leaf_text(struct world *w, struct found_value *v, bool has_field, struct buf *to)
{
	uint64_t way = rng_below(w->rng, 10);

	if (has_field && way == 0) {
		buf_put_u8(to, '*');
		return;
	}
	if (has_field && way < 4) {
		buf_put_u8(to, '=');
		put_quoted(to, buf_span(&v->text));
		return;
	}
	if (way < 8)
		cut_text(w->rng, &v->text);
	if (way % 2)
		change_case(w->rng, &v->text);
	if (!has_word(buf_span(&v->text)))
		buf_put_str(&v->text, "alpha");
	put_quoted(to, buf_span(&v->text));
	if (way == 4 || way == 5)
		buf_put_u8(to, '*');
}

static void put_id_leaf(struct world *w, struct buf *to)
{
	struct id_cipher *ids = id_cipher_new(world_id_key);
	uint8_t id[ID_TEXT_LEN];
	uint32_t i;

	do { /* of a record that has the id of its number */
		i = (uint32_t)rng_below(w->rng, w->count);
		id_cipher_encode(ids, w->first + i, 1, id);
	} while (memcmp(w->record[i].p + w->batch.refs[i].id_off, id, ID_TEXT_LEN) != 0);
	id_cipher_free(ids);
	buf_put_str(to, rng_below(w->rng, 2) ? "id:=" : "id:");
	buf_put(to, id, ID_TEXT_LEN);
}

/* ---- patterns ---- */

static size_t next_char(struct span text, size_t at)
{
	do {
		at++;
	} while (at < text.len && (text.p[at] & 0xc0) == 0x80);
	return at;
}

/* Some characters become '?', some stretches '*'; what would end the term becomes `other`. */
static void put_pattern(struct rng *rng, struct span text, uint8_t other, struct buf *to)
{
	size_t start = to->len;
	unsigned left = 20;

	for (size_t at = 0; at < text.len;) {
		size_t next = next_char(text, at);
		uint64_t way = left ? rng_below(rng, 8) : 7;

		left -= way < 2 && left > 0;
		if (way == 0)
			buf_put_u8(to, '?');
		else if (way == 1 && rng_below(rng, 2))
			buf_put_u8(to, '*');
		else if (memchr(" ()\"\t\n\r:*?", text.p[at], 10))
			buf_put_u8(to, other);
		else
			buf_put(to, text.p + at, next - at);
		if (way == 1)
			next += rng_below(rng, 4);
		while (next < text.len && (text.p[next] & 0xc0) == 0x80)
			next++;
		at = next;
	}
	if (!memchr(to->p + start, '?', to->len - start) && rng_below(rng, 2))
		buf_put_u8(to, '?');
	if (!memchr(to->p + start, '*', to->len - start))
		buf_put_u8(to, '*');
}

/* A term with wildcards must not begin like something else. */
static void put_wildcard(struct world *w, struct found_value *v, struct buf *to)
{
	size_t start = to->len;

	cut_text(w->rng, &v->text);
	if (rng_below(w->rng, 2))
		change_case(w->rng, &v->text);
	if (!has_word(buf_span(&v->text)))
		buf_put_str(&v->text, "b");
	if (memchr("-/[{<>=", v->text.p[0], 7) || rng_below(w->rng, 4) == 0)
		buf_put_u8(to, '*');
	put_pattern(w->rng, buf_span(&v->text), '-', to);
	if (!has_word(span_from(buf_span(to), start)))
		buf_put_u8(to, 'b');
}

static void put_regex_char(struct rng *rng, struct span c, struct buf *to)
{
	static const char *const stand_ins[] = {".",   "\\w",      "[^a]",        ".?",  "(?:.)",
						".+?", "\\S{1,3}", "[[:alnum:]]", "\\W?"};

	if (rng_below(rng, 8) == 0) {
		buf_put_str(to, PICK(rng, stand_ins));
		return;
	}
	if (c.len == 1 && strchr("\\^$.[]|()?*+{}/#", c.p[0]))
		buf_put_u8(to, '\\');
	buf_put_span(to, c);
	switch (rng_below(rng, 24)) {
	case 0:
		buf_put_str(to, "?");
		break;
	case 1:
		buf_put_str(to, "+");
		break;
	case 2:
		buf_put_str(to, "*+");
		break;
	case 3:
		buf_put_str(to, "{0,2}");
		break;
	case 4:
		buf_put_str(to, "(x|[^x]|)");
		break;
	default:
		break;
	}
}

static void put_regex(struct world *w, struct found_value *v, struct buf *to)
{
	bool any_case = rng_below(w->rng, 2);
	struct span text;

	if (rng_below(w->rng, 4))
		cut_text(w->rng, &v->text);
	if (any_case)
		change_case(w->rng, &v->text);
	text = buf_span(&v->text);
	buf_put_str(to, rng_below(w->rng, 5) ? "/" : "/^");
	if (text.len == 0)
		buf_put_str(to, "$");
	for (size_t at = 0, next; at < text.len && at < 100; at = next) {
		next = next_char(text, at);
		put_regex_char(w->rng, span_of(text.p + at, next - at), to);
	}
	if (rng_below(w->rng, 10) == 0)
		buf_put_str(to, "|zzz");
	buf_put_str(to, rng_below(w->rng, 8) ? "/" : "$/");
	if (any_case)
		buf_put_u8(to, 'i');
}

/* ---- ranges ---- */

static void put_number_end(struct rng *rng, struct buf *to)
{
	static const char *const numbers[] = {"0",
					      "-0.0",
					      "12",
					      "12.5",
					      "1e3",
					      "120e-1",
					      "-7",
					      "1e400",
					      "9007199254740992",
					      "9007199254740993",
					      "13",
					      "-99.125",
					      "1e-20",
					      "3e20",
					      "18446744073709551616"};

	if (rng_below(rng, 2))
		buf_put_str(to, PICK(rng, numbers));
	else
		buf_printf(to, "%d", (int)rng_below(rng, 400) - 100);
}

static void put_address_end(struct rng *rng, struct buf *to)
{
	static const char *const addresses[] = {"::",    "::1", "::ffff:10.0.0.7", "2001:db8::20", "2001:DB8:0::ffff:1",
						"fe80::"};

	if (rng_below(rng, 2))
		buf_put_str(to, PICK(rng, addresses));
	else
		buf_printf(to, "10.%u.0.%u", (unsigned)rng_below(rng, 2), (unsigned)rng_below(rng, 256));
}

static void put_time_end(struct world *w, struct buf *to)
{
	static const char *const times[] = {"2026-11",
					    "2026-11-21",
					    "2026-09-21",
					    "2026-09-21T12:00:00Z",
					    "now",
					    "now-1d",
					    "1969-12-31T23:59:59+01:00",
					    "9999-12-31",
					    "now+4w"};
	uint8_t text[TIMESTAMP_LEN];

	if (rng_below(w->rng, 3) == 0) {
		buf_put_str(to, PICK(w->rng, times));
		return;
	}
	timestamp_format(WORLD_TIME_US + (int64_t)(w->first + rng_below(w->rng, w->count)) * 1000, text);
	buf_put(to, text, sizeof(text));
}

static void put_text_end(struct world *w, struct found_value *v, struct buf *to)
{
	change_case(w->rng, &v->text);
	if (v->text.len && rng_below(w->rng, 2)) {
		size_t len = rng_below(w->rng, v->text.len);

		while (len > 0 && (v->text.p[len] & 0xc0) == 0x80)
			len--;
		v->text.len = len;
	}
	put_quoted(to, buf_span(&v->text));
}

static void put_end(struct world *w, uint64_t kind, struct found_value *v, struct buf *to)
{
	if (kind == 0)
		put_number_end(w->rng, to);
	else if (kind == 1)
		put_address_end(w->rng, to);
	else if (kind == 2)
		put_time_end(w, to);
	else
		put_text_end(w, v, to);
}

static void put_range(struct world *w, uint64_t kind, struct found_value *v, struct found_value *other, struct buf *to)
{
	static const char *const comparisons[] = {">", ">=", "<", "<="};

	if (rng_below(w->rng, 2)) {
		buf_put_str(to, PICK(w->rng, comparisons));
		put_end(w, kind, v, to);
		return;
	}
	buf_put_u8(to, rng_below(w->rng, 2) ? '[' : '{');
	if (rng_below(w->rng, 6))
		put_end(w, kind, v, to);
	else
		buf_put_u8(to, '*');
	buf_put_str(to, " TO ");
	if (rng_below(w->rng, 6))
		put_end(w, kind, other, to);
	else
		buf_put_u8(to, '*');
	buf_put_u8(to, rng_below(w->rng, 2) ? ']' : '}');
}

static void put_network(struct rng *rng, bool may_have_colon, struct buf *to)
{
	if (may_have_colon && rng_below(rng, 2)) {
		put_address_end(rng, to);
		if (!memchr(to->p, '.', to->len))
			buf_printf(to, "/%u", (unsigned)rng_below(rng, 129));
		return;
	}
	buf_printf(to, "10.%u.0.%u/%u", (unsigned)rng_below(rng, 2), (unsigned)rng_below(rng, 256),
		   (unsigned)rng_below(rng, 33));
}

/* What the record's own times are asked for. */
static void put_time_leaf(struct world *w, struct buf *to)
{
	struct found_value none = {BUF_INIT, BUF_INIT};

	buf_put_str(to, rng_below(w->rng, 2) ? "time:" : "received:");
	if (rng_below(w->rng, 8) == 0)
		put_time_end(w, to);
	else
		put_range(w, 2, &none, &none, to);
}

/* A value of one of the kinds that are more than words. */
static void put_other_value(struct world *w, struct found_value *v, struct found_value *other, bool has_field,
			    struct buf *to)
{
	struct buf network = BUF_INIT;

	switch (rng_below(w->rng, has_field ? 8 : 4)) {
	case 0:
	case 1:
		put_wildcard(w, v, to);
		break;
	case 2:
		put_regex(w, v, to);
		break;
	case 3:
		put_network(w->rng, has_field, &network);
		buf_put_span(to, buf_span(&network));
		break;
	case 4:
		buf_put_u8(to, '=');
		put_pattern(w->rng, buf_span(&v->text), '?', to);
		break;
	default:
		put_range(w, rng_below(w->rng, 4), v, other, to);
	}
	buf_release(&network);
}

static void put_leaf(struct world *w, struct buf *to)
{
	struct found_value v = {BUF_INIT, BUF_INIT}, other = {BUF_INIT, BUF_INIT};
	uint64_t way = rng_below(w->rng, 20);

	find_value(w, &v);
	find_value(w, &other);
	if (way == 0 && !w->without_ids) {
		put_id_leaf(w, to);
	} else if (way <= 1) {
		buf_put_u8(to, '*');
	} else if (way < 4) {
		put_leaf_text(w, &v, false, to);
	} else if (way == 12) {
		put_time_leaf(w, to);
	} else if (way == 13) {
		put_other_value(w, &v, &other, false, to);
	} else if (way > 13) {
		buf_put_span(to, buf_span(rng_below(w->rng, 8) ? &v.path : &other.path));
		buf_put_u8(to, ':');
		put_other_value(w, &v, &other, true, to);
	} else if (way < 6) {
		buf_put_span(to, buf_span(&v.path));
		buf_put_str(to, ":(");
		put_leaf_text(w, &v, true, to);
		buf_put_str(to, rng_below(w->rng, 2) ? " OR " : " NOT ");
		put_leaf_text(w, &other, true, to);
		buf_put_u8(to, ')');
	} else {
		buf_put_span(to, buf_span(rng_below(w->rng, 8) ? &v.path : &other.path));
		buf_put_u8(to, ':');
		put_leaf_text(w, &v, true, to);
	}
	buf_release(&v.path);
	buf_release(&v.text);
	buf_release(&other.path);
	buf_release(&other.text);
}

static void put_tree(struct world *w, unsigned depth, struct buf *to)
{
	uint64_t way = rng_below(w->rng, depth < 3 ? 8 : 3);
	uint64_t n = 2 + rng_below(w->rng, 2);

	if (way < 3) {
		put_leaf(w, to);
		return;
	}
	if (way == 3) {
		buf_put_str(to, rng_below(w->rng, 2) ? "NOT " : "-");
		n = 1;
	}
	buf_put_u8(to, '(');
	for (uint64_t k = 0; k < n; k++) {
		if (k > 0)
			buf_put_str(to, way == 4 || way == 5 ? " OR " : way == 6 ? " AND " : " ");
		put_tree(w, depth + 1, to);
	}
	buf_put_u8(to, ')');
}

void world_query(struct world *w, struct buf *to)
{
	put_tree(w, 0, to);
}

void world_query_values(struct world *w, struct buf *to)
{
	w->without_ids = true;
	put_tree(w, 0, to);
}
