/* Opening a segment: footer, directory, and what is loaded later on demand: dictionaries, index pages, Merkle groups.
 */
#include <zstd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/segment_priv.h"

int segment__damaged(const struct segment *s, int rc, struct err *err)
{
	if (err && rc < 0)
		err_set_field(err, object_name(s->object), strlen(object_name(s->object)));
	return rc;
}

int segment__damaged_at(const struct segment *s, uint64_t off, int rc, struct err *err)
{
	if (err && rc == E_CORRUPT && !err->field[0])
		err->offset = (int64_t)off;
	return segment__damaged(s, rc, err);
}

/* Reads a part and checks its checksum; the caller frees *ret. */
static int read_part(struct segment *s, uint64_t off, size_t len, uint32_t crc, const char *what, uint8_t **ret,
		     struct err *err)
{
	uint8_t *p;
	int rc;

	if (off > s->size || len > s->size - off)
		return segment__damaged(s, err_corrupt(err, (int64_t)off, "%s lies outside the file", what), err);
	p = try_alloc(len + 1);
	if (!p)
		return err_set(err, E_NO_MEMORY, "not enough memory for %s of a segment", what);
	rc = segment__read(s, off, len, p, err);
	if (rc == 0 && crc32c(0, p, len) != crc)
		rc = segment__damaged(s, err_corrupt(err, (int64_t)off, "the checksum of %s does not fit", what), err);
	if (rc == 0)
		*ret = p;
	else
		free(p);
	return rc;
}

/* Reads a part that is under zstd and inflates it, with COLUMN_SLACK behind. */
static int read_packed(struct segment *s, uint64_t off, size_t len, size_t raw_len, uint32_t crc, const char *what,
		       uint8_t **ret, struct err *err)
{
	uint8_t *packed = NULL, *raw;
	int rc = read_part(s, off, len, crc, what, &packed, err);

	if (rc < 0)
		return rc;
	raw = try_alloc(raw_len + COLUMN_SLACK);
	if (!raw)
		rc = err_set(err, E_NO_MEMORY, "not enough memory for %s of a segment", what);
	else if (ZSTD_decompress(raw, raw_len, packed, len) != raw_len)
		rc = segment__damaged(s, err_corrupt(err, (int64_t)off, "%s does not inflate", what), err);
	free(packed);
	if (rc == 0) {
		memset(raw + raw_len, 0, COLUMN_SLACK);
		*ret = raw;
	} else {
		free(raw);
	}
	return rc;
}

/* ---- footer ---- */

struct footer {
	uint64_t dir_off;
	uint32_t dir_len, dir_raw_len, dir_crc;
};

static int read_footer(struct segment *s, struct segment_keys keys, struct footer *ret, struct err *err)
{
	uint8_t f[SEGMENT_FOOTER_BYTES], h[SEGMENT_HEADER_BYTES];
	uint64_t size = object_size(s->object);
	int64_t off = (int64_t)size - SEGMENT_FOOTER_BYTES;
	int rc;

	if (size < SEGMENT_HEADER_BYTES + SEGMENT_FOOTER_BYTES)
		return err_corrupt(err, 0, "too short for a segment: %llu bytes", (unsigned long long)size);
	rc = object_read(s->object, 0, sizeof(h), h, err);
	if (rc >= 0)
		rc = object_read(s->object, (uint64_t)off, sizeof(f), f, err);
	if (rc < 0)
		return rc;
	if (memcmp(h, SEGMENT_MAGIC, SEGMENT_MAGIC_LEN) != 0 || memcmp(f + 72, SEGMENT_MAGIC, SEGMENT_MAGIC_LEN) != 0)
		return err_corrupt(err, off, "not a segment, or cut short: the magic is missing");
	if (crc32c(0, f, 68) != get_u32le(f + 68))
		return err_corrupt(err, off, "the footer's checksum does not fit");
	if (memcmp(h + 8, f, 4) != 0)
		return err_corrupt(err, 8, "the header has another version or other flags than the footer");
	if (get_u16le(f) != SEGMENT_VERSION || (get_u16le(f + 2) & ~SEGMENT_F_KNOWN))
		return err_set(err, E_UNSUPPORTED, "segment version %u, flags %#x: this program reads version %u",
			       get_u16le(f), get_u16le(f + 2), SEGMENT_VERSION);
	s->ledger = get_u32le(f + 4);
	s->first = get_u64le(f + 8);
	s->next = get_u64le(f + 16);
	s->time_min = (int64_t)get_u64le(f + 24);
	s->time_max = (int64_t)get_u64le(f + 32);
	s->received_max = (int64_t)get_u64le(f + 40);
	*ret = (struct footer){get_u64le(f + 48), get_u32le(f + 56), get_u32le(f + 60), get_u32le(f + 64)};
	if (get_u32le(h + 12) != 0)
		return err_corrupt(err, 12, "the header's last four bytes are not 0");
	if (s->next <= s->first || ret->dir_raw_len > SEGMENT_DIRECTORY_MAX)
		return err_corrupt(err, off, "the footer's numbers make no sense");
	s->size = size;
	return get_u16le(f + 2) & SEGMENT_F_ENCRYPTED ? segment__unseal(s, keys, h, f, err) : 0;
}

int segment_open_sealed(struct object *object, const uint8_t id_key[ID_KEY_LEN], struct segment_keys keys,
			struct segment **ret, struct err *err)
{
	struct segment *s = xalloc(sizeof(*s));
	struct footer footer = {0};
	uint8_t *dir = NULL;
	int rc;

	s->refs = 1;
	s->object = object;
	s->shapes = shape_set_new();
	memcpy(s->id_key, id_key, ID_KEY_LEN);
	mutex_init(&s->load_mutex);
	rc = read_footer(s, keys, &footer, err);
	if (rc == 0)
		rc = read_packed(s, footer.dir_off, footer.dir_len, footer.dir_raw_len, footer.dir_crc, "the directory",
				 &dir, err);
	if (rc == 0)
		rc = segment__damaged_at(s, footer.dir_off,
					 segment__read_directory(s, span_of(dir, footer.dir_raw_len), err), err);
	free(dir);
	if (rc < 0) {
		segment__damaged(s, rc, err);
		segment_unref(s);
		return rc;
	}
	*ret = s;
	return 0;
}

int segment_open(struct object *object, const uint8_t id_key[ID_KEY_LEN], struct segment **ret, struct err *err)
{
	return segment_open_sealed(object, id_key, (struct segment_keys){NULL, NULL}, ret, err);
}

struct segment *segment_ref(struct segment *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

static void free_dict(struct segment_dict *x)
{
	if (!x)
		return;
	free((void *)(uintptr_t)x->dict.offset);
	free((void *)(uintptr_t)x->dict.rows);
	free(x->map);
	free(x);
}

struct segment *segment_unref(struct segment *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return NULL;
	block__drop_idle(s);
	for (uint32_t c = 0; s->dict && c < shape_set_column_count(s->shapes); c++)
		free_dict(s->dict[c]);
	for (uint32_t k = 0; k < s->pack_count; k++)
		free(s->pack[k].raw);
	free(s->dict);
	free(s->pack);
	free(s->block);
	free(s->header_bytes);
	free(s->groups);
	token_index_close(s->index);
	shape_set_free(s->shapes);
	boxes_free(s->boxes);
	object_close(s->object);
	mutex_release(&s->load_mutex);
	id_cipher_free(atomic_load(&s->idle_ids));
	mem_wipe(s->id_key, ID_KEY_LEN);
	free(s);
	return NULL;
}

struct id_cipher *segment__take_ids(struct segment *s)
{
	struct id_cipher *ids = atomic_exchange(&s->idle_ids, NULL);

	return ids ? ids : id_cipher_new(s->id_key);
}

void segment__give_ids(struct segment *s, struct id_cipher *ids)
{
	id_cipher_free(ids ? atomic_exchange(&s->idle_ids, ids) : NULL);
}

/* ---- dictionaries ---- */

static int read_run(struct reader *from, uint32_t n, uint32_t **ret, struct err *err)
{
	uint32_t *to = try_array((size_t)n + 1, sizeof(*to));
	int64_t *v = try_alloc(((size_t)n < SEGMENT_RUN_MAX ? n + 1 : SEGMENT_RUN_MAX) * sizeof(*v));
	int rc = to && v ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for a dictionary");

	for (uint32_t i = 0; i < n && rc == 0; i += SEGMENT_RUN_MAX) {
		uint32_t count = n - i < SEGMENT_RUN_MAX ? n - i : SEGMENT_RUN_MAX;
		struct ints run;

		rc = ints_open(&run, from, count, err);
		if (rc < 0)
			break;
		ints_read(&run, 0, count, v);
		ints_release(&run);
		for (uint32_t k = 0; k < count; k++)
			to[i + k] = v[k] < 0 || v[k] > UINT32_MAX ? MAP_UNKNOWN : (uint32_t)v[k];
	}
	free(v);
	if (rc == 0)
		*ret = to;
	else
		free(to);
	return rc;
}

static int load_pack(struct segment *s, uint32_t number, struct err *err)
{
	struct segment_pack *p = &s->pack[number];

	if (p->raw)
		return 0;
	if (p->raw_len > PACK_BYTES_MAX)
		return err_corrupt(err, (int64_t)p->off, "a dictionary pack claims %u bytes", p->raw_len);
	return read_packed(s, p->off, p->len, p->raw_len, p->crc, "a dictionary pack", &p->raw, err);
}

/* Turns lengths into offsets, in place; false when they do not add up or a value is longer than a record. */
static bool add_up(uint32_t *len, uint32_t count, uint32_t text_len)
{
	uint64_t at = 0;

	for (uint32_t k = 0; k < count; k++) {
		uint32_t n = len[k];

		len[k] = (uint32_t)at;
		at += n;
		if (n > RECORD_BYTES_MAX || at > text_len)
			return false;
	}
	len[count] = (uint32_t)at;
	return at == text_len;
}

static int parse_dict(struct segment *s, struct segment_dict *x, struct err *err)
{
	struct segment_pack *p = &s->pack[x->pack];
	struct reader from = reader_of(span_from(span_of(p->raw, p->raw_len), x->at));
	uint32_t *offset = NULL, *rows = NULL, *map = NULL;
	struct span text;
	int rc = read_run(&from, x->count, &offset, err);

	if (rc == 0 && !(x->flags & SEGMENT_DICT_PARTIAL))
		rc = read_run(&from, x->count, &rows, err);
	text = rc == 0 ? reader_bytes(&from, x->text_len) : span_of(NULL, 0);
	if (rc == 0 && (from.failed || !add_up(offset, x->count, x->text_len)))
		rc = err_corrupt(err, (int64_t)p->off, "a dictionary's lengths do not add up");
	if (rc == 0 && (x->flags & SEGMENT_DICT_MAP))
		rc = read_run(&from, x->map_count, &map, err);
	rc = segment__damaged_at(s, p->off, rc, err);
	if (rc < 0) {
		free(offset);
		free(rows);
		free(map);
		return rc;
	}
	x->dict = (struct dict){x->count, offset, text.p, rows};
	x->map = map;
	atomic_store_explicit(&x->loaded, true, memory_order_release);
	return 0;
}

int segment__dict(struct segment *s, uint32_t column, const struct segment_dict **ret, struct err *err)
{
	struct segment_dict *x = column < shape_set_column_count(s->shapes) ? s->dict[column] : NULL;
	int rc = 0;

	if (!x)
		return segment__damaged(s, err_corrupt(err, -1, "a block wants a dictionary that is not there"), err);
	if (!atomic_load_explicit(&x->loaded, memory_order_acquire)) {
		mutex_lock(&s->load_mutex);
		if (!atomic_load_explicit(&x->loaded, memory_order_relaxed)) {
			rc = load_pack(s, x->pack, err);
			if (rc == 0 && x->at > s->pack[x->pack].raw_len)
				rc = err_corrupt(err, (int64_t)s->pack[x->pack].off,
						 "a dictionary lies outside its pack");
			if (rc == 0)
				rc = parse_dict(s, x, err);
		}
		mutex_unlock(&s->load_mutex);
	}
	if (rc < 0)
		return segment__damaged(s, rc, err);
	*ret = x;
	return 0;
}

int segment_column_dict(struct segment *s, uint32_t column, const struct dict **ret, struct err *err)
{
	const struct segment_dict *x = NULL;
	int rc = s->dict[column] ? segment__dict(s, column, &x, err) : 0;

	if (rc == 0)
		*ret = x ? &x->dict : NULL;
	return rc;
}

struct dict_info segment_column_dict_info(const struct segment *s, uint32_t column)
{
	const struct segment_dict *x = s->dict[column];

	return x ? (struct dict_info){x->count, !(x->flags & SEGMENT_DICT_PARTIAL)} : (struct dict_info){0, false};
}

/* ---- index ---- */

const struct token_index *segment__index(const struct segment *s)
{
	return s->index;
}

static int read_index_page(struct segment *s, uint64_t off, uint32_t len, struct buf *to, struct err *err)
{
	uint8_t *room;
	int rc;

	if (off > s->index_len || len > s->index_len - off)
		return segment__damaged(s, err_corrupt(err, (int64_t)off, "an index page lies outside the index"), err);
	room = buf_room(to, len);
	if (!room)
		return err_set(err, E_NO_MEMORY, "not enough memory for an index page");
	rc = segment__read(s, s->index_off + off, len, room, err);
	if (rc == 0)
		buf_commit(to, len);
	return rc;
}

int segment__index_page(struct segment *s, uint32_t page, struct buf *to, struct err *err)
{
	uint64_t off;
	uint32_t len;

	token_index_page_at(s->index, page, &off, &len);
	return read_index_page(s, off, len, to, err);
}

int segment__index_damaged(const struct segment *s, uint32_t page, int rc, struct err *err)
{
	uint64_t off;
	uint32_t len;

	token_index_page_at(s->index, page, &off, &len);
	return segment__damaged_at(s, s->index_off + off, rc, err);
}

int segment_lookup(struct segment *s, uint64_t key, uint64_t *ret_blocks, struct err *err)
{
	struct buf page = BUF_INIT;
	uint64_t off;
	uint32_t len;
	int rc;

	memset(ret_blocks, 0, (s->block_count + 63) / 64 * sizeof(*ret_blocks));
	if (!token_index_page(s->index, key, &off, &len))
		return 0;
	rc = read_index_page(s, off, len, &page, err);
	if (rc == 0)
		rc = token_index_find(s->index, buf_span(&page), key, ret_blocks, err);
	buf_release(&page);
	return rc < 0 ? segment__damaged_at(s, s->index_off + off, rc, err) : 0;
}

/* ---- the rest ---- */

int segment_merkle_get(struct segment *s, struct segment_merkle *ret, struct err *err)
{
	int rc = 0;

	mutex_lock(&s->load_mutex);
	if (!s->groups && s->group_count) {
		uint8_t *p = NULL;

		rc = read_part(s, s->groups_off, s->group_count * SHA256_LEN, s->groups_crc, "the Merkle groups", &p,
			       err);
		s->groups = (struct sha256 *)(void *)p;
	}
	mutex_unlock(&s->load_mutex);
	if (rc < 0)
		return rc;
	*ret = (struct segment_merkle){s->frontier, s->groups, s->group_count};
	return 0;
}

uint32_t segment_ledger(const struct segment *s)
{
	return s->ledger;
}

uint64_t segment_first(const struct segment *s)
{
	return s->first;
}

uint64_t segment_next(const struct segment *s)
{
	return s->next;
}

uint64_t segment_bytes(const struct segment *s)
{
	return object_size(s->object);
}

int64_t segment_time_min(const struct segment *s)
{
	return s->time_min;
}

int64_t segment_time_max(const struct segment *s)
{
	return s->time_max;
}

int64_t segment_received_max(const struct segment *s)
{
	return s->received_max;
}

int segment_received_min(struct segment *s, int64_t *ret, struct err *err)
{
	const int64_t *received;
	struct block *b = NULL;
	int rc = block__open(s, 0, &b, err);

	if (rc == 0)
		rc = block_received(b, &received, err);
	if (rc == 0)
		*ret = received[0];
	block_close(b);
	return rc;
}

uint32_t segment_column_count(const struct segment *s)
{
	return shape_set_column_count(s->shapes);
}

const struct shape_column *segment_column(const struct segment *s, uint32_t column)
{
	return shape_set_column(s->shapes, column);
}

const struct shape_set *segment_shapes(const struct segment *s)
{
	return s->shapes;
}

uint32_t segment_block_count(const struct segment *s)
{
	return s->block_count;
}

const struct segment_block_info *segment_block_info(const struct segment *s, uint32_t block)
{
	must(block < s->block_count);
	return &s->block[block];
}
