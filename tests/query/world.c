#include "world.h"

#include <yyjson.h>

#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/token.h"
#include "crypto/id_cipher.h"

const uint8_t world_id_key[ID_KEY_LEN] = "query test world";

static const char *const words[] = {
	"alpha",
	"Beta",
	"GAMMA",
	"delta7",
	"foo_bar",
	"x",
	"true",
	"12",
	"305",
	"École",
	"straße",
	"ΑΘΗΝΑ",
	"Привет",
	"日本",
	"null",
	"update",
	"delete",
	"10.0.0.7",
	"10.0.3.14",
	"1.2.3.4.5",
	"9d2c",
	"user1",
	"user12",
	"user123",
	"550e8400-e29b-41d4-a716-446655440000",
	"550e8400-e29b-41d4-a716-446655449999",
	"a",
	"b",
	"id",
};
static const char *const marks[] = {" ",  " ",  " ",  "-",    ".", "/",  ", ", ": ",
				    "\"", "\\", "\n", "\x01", "@", "''", "\t"};
static const char *const names[] = {"a",    "b",     "c.d",   "with space", "quo\"te", "back\\slash",
				    "",     "UPPER", "名前",  "x@y",        "id",      "time",
				    "$ref", "n/1",   "-dash", "line\n",     "k"};

#define COUNT(list)     (sizeof(list) / sizeof((list)[0]))
#define PICK(rng, list) ((list)[rng_below(rng, COUNT(list))])

static void put_text(struct rng *rng, struct buf *to)
{
	uint64_t n = rng_below(rng, 20) == 0 ? 0 : 1 + rng_below(rng, 4);

	for (uint64_t k = 0; k < n; k++) {
		if (k > 0 || rng_below(rng, 16) == 0)
			buf_put_str(to, PICK(rng, marks));
		buf_put_str(to, PICK(rng, words));
	}
	if (rng_below(rng, 200) == 0) /* a word that is cut, a value that is long */
		for (int i = 0; i < 150; i++)
			buf_put_u8(to, (uint8_t)('a' + i % 26));
}

static void put_string(struct rng *rng, struct buf *to)
{
	struct buf text = BUF_INIT;

	put_text(rng, &text);
	json_text_string(to, buf_span(&text));
	buf_release(&text);
}

static void put_number(struct rng *rng, struct buf *to)
{
	switch (rng_below(rng, 5)) {
	case 0:
		buf_printf(to, "%d", (int)rng_below(rng, 400) - 100);
		return;
	case 1:
		buf_printf(to, "%.3f", (double)rng_below(rng, 4000) / 8 - 100);
		return;
	case 2:
		buf_printf(to, "%llu", (unsigned long long)(rng_next(rng) >> 1));
		return;
	case 3:
		buf_printf(to, "%ue%d", 1 + (unsigned)rng_below(rng, 30), (int)rng_below(rng, 60) - 30);
		return;
	default:
		buf_printf(to, "%u", 12 + (unsigned)rng_below(rng, 3));
	}
}

static void put_value(struct rng *rng, struct buf *to, unsigned depth);

static void put_members(struct rng *rng, struct buf *to, unsigned depth)
{
	uint64_t at = rng_below(rng, COUNT(names)), n = rng_below(rng, 5);

	buf_put_u8(to, '{');
	for (uint64_t k = 0; k < n; k++) {
		if (k > 0)
			buf_put_u8(to, ',');
		json_text_string(to, span_str(names[(at + k) % COUNT(names)]));
		buf_put_u8(to, ':');
		put_value(rng, to, depth + 1);
	}
	buf_put_u8(to, '}');
}

static void put_items(struct rng *rng, struct buf *to, unsigned depth)
{
	uint64_t n = rng_below(rng, 4);

	buf_put_u8(to, '[');
	for (uint64_t k = 0; k < n; k++) {
		if (k > 0)
			buf_put_u8(to, ',');
		put_value(rng, to, depth + 1);
	}
	buf_put_u8(to, ']');
}

static void put_value(struct rng *rng, struct buf *to, unsigned depth)
{
	uint64_t kind = rng_below(rng, depth < 5 ? 12 : 8);

	if (kind < 5)
		put_string(rng, to);
	else if (kind == 5)
		put_number(rng, to);
	else if (kind < 8)
		buf_put_str(to, kind == 6 ? "null" : rng_below(rng, 2) ? "true" : "false");
	else if (kind < 10)
		put_members(rng, to, depth);
	else
		put_items(rng, to, depth);
}

static void put_time(uint64_t number, struct rng *rng, struct buf *to)
{
	uint8_t text[TIMESTAMP_LEN];

	timestamp_format(WORLD_TIME_US + (int64_t)number * 1000 - (int64_t)rng_below(rng, 20000), text);
	buf_put(to, text, sizeof(text));
}

/* An actor whose name follows from its id, a description written from other members, and free members. */
void world_event(struct rng *rng, uint64_t number, struct buf *to)
{
	uint64_t actor = rng_below(rng, 12) * rng_below(rng, 4);
	const char *action = rng_below(rng, 3) ? "update" : "delete";
	uint64_t entity = rng_below(rng, 50);

	buf_printf(to, "{\"action\":\"%s\",\"time\":\"", action);
	put_time(number, rng, to);
	buf_printf(to, "\",\"actor\":{\"id\":\"u-%llu\",\"name\":\"User %llu Ärger\",\"type\":\"user\"}",
		   (unsigned long long)actor, (unsigned long long)actor);
	buf_printf(to, ",\"entity\":{\"id\":\"role-%llu\",\"type\":\"role\",\"parents\":[\"ws-%llu\",\"org alpha\"]}",
		   (unsigned long long)entity, (unsigned long long)rng_below(rng, 3));
	buf_printf(to, ",\"description\":\"%s role role-%llu by User %llu Ärger at 10.0.%llu.7\"", action,
		   (unsigned long long)entity, (unsigned long long)actor, (unsigned long long)rng_below(rng, 256));
	buf_printf(to, ",\"context\":{\"ip\":\"10.%llu.0.%llu\",\"request_id\":\"%016llx%016llx\"}",
		   (unsigned long long)rng_below(rng, 2), (unsigned long long)rng_below(rng, 256),
		   (unsigned long long)rng_next(rng), (unsigned long long)rng_next(rng));
	if (rng_below(rng, 3) == 0) {
		buf_put_str(to, ",\"type\":");
		put_string(rng, to);
	}
	if (rng_below(rng, 2)) {
		buf_put_str(to, ",\"attributes\":");
		put_members(rng, to, 1);
	}
	if (rng_below(rng, 4) == 0) {
		buf_put_str(to, ",\"before\":");
		put_members(rng, to, 1);
	}
	buf_put_u8(to, '}');
}

/* ---- the ledger ---- */

/* One record in a hundred has an id that is none of its number, as no ledger makes them: segments store it whole. */
static void fill_in(struct world *w, uint32_t i, struct id_cipher *ids)
{
	struct record_ref *ref = &w->batch.refs[i];
	uint8_t *p = w->batch.bytes.p + ref->off;

	id_cipher_encode(ids, w->first + i, 1, p + ref->id_off);
	if (rng_below(w->rng, 100) == 0)
		p[ref->id_off] = p[ref->id_off] == '0' ? '1' : '0';
	timestamp_format(WORLD_TIME_US + (int64_t)(w->first + i) * 1000, p + ref->received_off);
	w->record[i] = span_of(p, ref->len);
}

static void make_records(struct world *w)
{
	struct record_parser *parser = record_parser_new();
	struct id_cipher *ids = id_cipher_new(world_id_key);
	struct buf json = BUF_INIT;
	struct err err = ERR_INIT;

	for (uint32_t i = 0; i < w->count; i++) {
		buf_reset(&json);
		world_event(w->rng, w->first + i, &json);
		if (record_parse(parser, buf_span(&json), WORLD_TIME_US, &w->batch, &err) < 0) {
			fprintf(stderr, "%s: %.*s\n", err.message, (int)json.len, (const char *)json.p);
			must(false);
		}
	}
	for (uint32_t i = 0; i < w->count; i++)
		fill_in(w, i, ids);
	buf_release(&json);
	id_cipher_free(ids);
	record_parser_free(parser);
}

struct segment *world_segment_open(struct buf *bytes)
{
	struct segment *s = NULL;
	struct err err = ERR_INIT;

	if (segment_open(object_of_memory(bytes->p, bytes->len), world_id_key, &s, &err) < 0)
		fprintf(stderr, "%s\n", err.message);
	must(s);
	return s;
}

void world_segment_bytes(struct world *w, uint32_t from, uint32_t to, struct buf *ret)
{
	static const struct sha256 groups[BLOCK_ROWS_MAX / 256 + 1]; /* a search looks at no hash */
	struct segment_merkle merkle = {{0}, groups, (w->first + to) / 256 - (w->first + from) / 256};
	struct err err = ERR_INIT;
	int rc;

	merkle.frontier.size = w->first + to;
	rc = segment_build(1, world_id_key, w->first + from, w->record + from, to - from, &merkle, ret, &err);
	if (rc < 0)
		fprintf(stderr, "%s\n", err.message);
	must(rc == 0);
}

/* Merges the last `n` segments into one. */
static void merge_last(struct world *w, size_t n)
{
	struct segment **part = &w->segment[w->source.segment_count - n];
	struct buf bytes = BUF_INIT;
	struct err err = ERR_INIT;
	int rc = segment_merge(part, n, world_id_key, &bytes, &err);

	if (rc < 0)
		fprintf(stderr, "%s\n", err.message);
	must(rc == 0);
	for (size_t k = 0; k < n; k++)
		segment_unref(part[k]);
	part[0] = world_segment_open(&bytes);
	w->source.segment_count -= n - 1;
}

static void make_segments(struct world *w, uint32_t segmented)
{
	struct buf bytes = BUF_INIT;
	uint32_t at = 0;
	size_t single = 0; /* those at the end that are not merged */

	while (at < segmented && w->source.segment_count < WORLD_PARTS_MAX) {
		uint32_t most = segmented / 4 + 1 < BLOCK_ROWS_MAX ? segmented / 4 + 1 : BLOCK_ROWS_MAX;
		uint32_t n = 1 + (uint32_t)rng_below(w->rng, most);

		if (n > segmented - at || w->source.segment_count == WORLD_PARTS_MAX - 1)
			n = segmented - at;
		world_segment_bytes(w, at, at + n, &bytes);
		w->segment[w->source.segment_count++] = world_segment_open(&bytes);
		bytes = (struct buf)BUF_INIT;
		at += n;
		single++;
		if (single > 1 && rng_below(w->rng, 3) == 0) {
			merge_last(w, single);
			single = 0;
		}
	}
}

static struct span tail_record(const struct snapshot_tail *t, uint32_t i)
{
	return ((const struct span *)t->chunk)[i];
}

static bool index_of_id(void *user, struct span id, uint64_t *ret_index)
{
	const struct world *w = user;
	struct id_cipher *ids = id_cipher_new(world_id_key);
	bool found = id_cipher_decode(ids, id, ret_index) && *ret_index < w->first + w->count;

	id_cipher_free(ids);
	return found;
}

static void make_tails(struct world *w, uint32_t at)
{
	while (at < w->count) {
		uint32_t n = w->source.tail_count < 3 ? 1 + (uint32_t)rng_below(w->rng, w->count - at) : w->count - at;

		w->tail[w->source.tail_count++] = (struct snapshot_tail){w->first + at, n, w->record + at};
		at += n;
	}
}

void world_make(struct world *w, struct rng *rng, uint64_t first, uint32_t count, uint32_t segmented)
{
	memset(w, 0, sizeof(*w));
	w->rng = rng;
	w->first = first;
	w->count = count;
	w->record = xarray(count, sizeof(*w->record));
	make_records(w);
	make_segments(w, segmented);
	make_tails(w, segmented);
	w->source.segments = w->segment;
	w->source.tails = w->tail;
	w->source.size = first + count;
	w->source.record = tail_record;
	w->source.index_of_id = index_of_id;
	w->source.user = w;
}

void world_release(struct world *w)
{
	for (size_t k = 0; k < w->source.segment_count; k++)
		segment_unref(w->segment[k]);
	free(w->record);
	record_batch_release(&w->batch);
}

/* ---- queries ---- */

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
		buf_put_str(&v->text, PICK(w->rng, words));
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

static void put_leaf(struct world *w, struct buf *to)
{
	struct found_value v = {BUF_INIT, BUF_INIT}, other = {BUF_INIT, BUF_INIT};
	uint64_t way = rng_below(w->rng, 12);

	find_value(w, &v);
	find_value(w, &other);
	if (way == 0 && !w->without_ids) {
		put_id_leaf(w, to);
	} else if (way <= 1) {
		buf_put_u8(to, '*');
	} else if (way < 4) {
		put_leaf_text(w, &v, false, to);
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
