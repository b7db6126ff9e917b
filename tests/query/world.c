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

/* Texts that are more than words. */
static void put_special(struct rng *rng, struct buf *to)
{
	static const char *const specials[] = {
		"0",
		"-0",
		"0.0",
		"010",
		"12",
		"12.0",
		"1.2e1",
		"120e-1",
		"-7",
		"+7",
		"1e3",
		"1e400",
		"-1e-400",
		" 12",
		"9007199254740993",
		"9007199254740992",
		"900719925474099.3e1",
		"1.",
		".5",
		"0x10",
		"NaN",
		"10.0.0.7",
		"10.0.7",
		"256.1.1.1",
		"01.2.3.4",
		"::",
		"::1",
		"::ffff:10.0.0.7",
		"2001:db8::1",
		"2001:0db8:0:0:0:0:0:1",
		"2001:DB8::ffff:1",
		"fe80::1%eth0",
		"1:2:3:4:5:6:7::",
		"1::2::3",
		"1:2:3:4:5:6:7:8",
		"1:2:3:4:5:6:1.2.3.4",
		":1",
		"12345::",
		"2026-11",
		"2026-11-21",
		"2026-02-30",
		"2026-09-21T12:00:00Z",
		"2026-09-22 01:00:00.5+02:00",
		"2026-09-21T12:00:00",
		"2026",
	};

	if (rng_below(rng, 4) == 0)
		buf_printf(to, "2001:db8::%x", (unsigned)rng_below(rng, 300));
	else if (rng_below(rng, 3) == 0)
		buf_printf(to, "%d.%u", (int)rng_below(rng, 40) - 20, (unsigned)rng_below(rng, 100));
	else
		buf_put_str(to, PICK(rng, specials));
}

static void put_string(struct rng *rng, struct buf *to)
{
	struct buf text = BUF_INIT;

	if (rng_below(rng, 4) == 0)
		put_special(rng, &text);
	else
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
