/* A verifier's reader of a log. */
#include "main/log_client.h"

#include <inttypes.h>
#include <string.h>
#include <yyjson.h>

#include "base/mem.h"
#include "crypto/base64.h"

#define TIMEOUT_MS 60000

static int get(struct log_client *l, const char *path, struct err *err)
{
	struct http_request request = {.method = "GET", .timeout_ms = TIMEOUT_MS};

	return target_run(l->target, l->http, &request, path, &l->answer, err);
}

/* Where the last "/log/<org>/<ledger>" of a name begins; NULL when there is none. */
static const char *find_prefix(const char *name)
{
	const char *found = NULL;

	for (const char *at = strstr(name, "/log/"); at; at = strstr(at + 1, "/log/"))
		found = at;
	return found && strchr(found + sizeof("/log/") - 1, '/') ? found : NULL;
}

int log_client_open(struct log_client *l, const struct target *target, const struct vkey_list *keys, struct err *err)
{
	const char *prefix = find_prefix(keys->key[0].name);

	*l = (struct log_client){.target = target, .answer = HTTP_ANSWER_INIT};
	if (!prefix)
		return err_set(err, E_INVALID,
			       "the verifier key's name is %.100s, which is no log of a Stele server: "
			       "<host>/log/<org>/<ledger>",
			       keys->key[0].name);
	l->prefix = xstrdup(prefix);
	l->ledger = strrchr(l->prefix, '/') + 1;
	l->http = http_client_new();
	l->digest = digest_new();
	return 0;
}

void log_client_close(struct log_client *l)
{
	http_client_free(l->http);
	http_answer_release(&l->answer);
	digest_free(l->digest);
	free(l->prefix);
	*l = (struct log_client){0};
}

int log_client_checkpoint(struct log_client *l, const struct vkey_list *keys, struct buf *ret_note,
			  struct checkpoint *ret, struct err *err)
{
	char *path = xformat("%s/checkpoint", l->prefix);
	struct note *note = xalloc(sizeof(*note));
	int rc = get(l, path, err);

	if (rc == 0) {
		buf_put_span(ret_note, buf_span(&l->answer.body));
		rc = buf_ok(ret_note) ? checkpoint_open(buf_span(ret_note), keys->key, keys->count, note, ret, err)
				      : err_set(err, E_NO_MEMORY, "not enough memory for a checkpoint");
	}
	free(note);
	free(path);
	return rc;
}

/* ---- consistency ---- */

static bool take_hashes(yyjson_val *hashes, struct merkle_proof *ret)
{
	yyjson_arr_iter iter = yyjson_arr_iter_with(hashes);
	yyjson_val *item;

	ret->count = 0;
	if (!yyjson_is_arr(hashes) || yyjson_arr_size(hashes) > MERKLE_CONSISTENCY_MAX)
		return false;
	while ((item = yyjson_arr_iter_next(&iter))) {
		struct span text = span_of(yyjson_get_str(item), yyjson_get_len(item));
		size_t len;

		if (!yyjson_is_str(item) || !base64_get(text, ret->hash[ret->count].b, SHA256_LEN, &len) ||
		    len != SHA256_LEN)
			return false;
		ret->count++;
	}
	return true;
}

int log_client_consistency(struct log_client *l, uint64_t old_size, uint64_t size, struct merkle_proof *ret,
			   struct err *err)
{
	char *path = xformat("/v1/log/consistency?ledger=%s&from=%" PRIu64 "&to=%" PRIu64, l->ledger, old_size, size);
	yyjson_doc *doc = NULL;
	int rc = get(l, path, err);

	if (rc == 0) {
		doc = yyjson_read((const char *)l->answer.body.p, l->answer.body.len, 0);
		if (!take_hashes(yyjson_obj_get(yyjson_doc_get_root(doc), "hashes"), ret))
			rc = err_set(err, E_SYNTAX, "%s: the answer is no proof", path);
	}
	yyjson_doc_free(doc);
	free(path);
	return rc;
}

/* ---- tiles ---- */

static int get_tile(struct log_client *l, const struct tile_path *tile, struct err *err)
{
	struct buf path = BUF_INIT;
	int rc;

	buf_printf(&path, "%s/", l->prefix);
	tile_path_put(&path, tile);
	buf_put_u8(&path, 0);
	rc = get(l, (const char *)path.p, err);
	buf_release(&path);
	return rc;
}

/* Has the hash tile of a level in l->tile. */
static int need_tile(struct log_client *l, unsigned level, uint64_t number, struct err *err)
{
	unsigned width = tile_width_at(level, number, l->size);
	struct tile_path tile = {.level = level, .number = number, .width = width};
	int rc;

	if (l->tile_width[level] > 0 && l->tile_number[level] == number)
		return 0;
	must(width > 0);
	l->tile_width[level] = 0;
	if ((rc = get_tile(l, &tile, err)) < 0)
		return rc;
	if (l->answer.body.len != width * sizeof(struct sha256))
		return err_set(err, E_SYNTAX, "a tile of level %u has %zu bytes instead of %zu", level,
			       l->answer.body.len, width * sizeof(struct sha256));
	memcpy(l->tile[level], l->answer.body.p, l->answer.body.len);
	l->tile_number[level] = number;
	l->tile_width[level] = width;
	return 0;
}

int log_client_node(struct log_client *l, unsigned level, uint64_t number, struct sha256 *ret, struct err *err)
{
	unsigned tile_level = level / TILE_HEIGHT;
	unsigned up = level % TILE_HEIGHT;
	uint64_t first = number << up; /* of its hashes in tiles of tile_level */
	struct sha256 hash[TILE_WIDTH];
	int rc = need_tile(l, tile_level, first / TILE_WIDTH, err);

	if (rc < 0)
		return rc;
	must(first % TILE_WIDTH + ((uint64_t)1 << up) <= l->tile_width[tile_level]);
	memcpy(hash, &l->tile[tile_level][first % TILE_WIDTH], sizeof(*hash) << up);
	for (size_t pairs = ((size_t)1 << up) / 2; pairs > 0; pairs /= 2)
		digest_nodes(l->digest, hash, pairs, hash);
	*ret = hash[0];
	return 0;
}

int log_client_leaves(struct log_client *l, uint64_t number, struct sha256 ret[TILE_WIDTH], unsigned *ret_count,
		      uint64_t *bytes, struct err *err)
{
	unsigned width = tile_width_at(0, number, l->size);
	struct tile_path tile = {.is_entries = true, .number = number, .width = width};
	struct span entry[TILE_WIDTH];
	struct span rest;
	int rc = get_tile(l, &tile, err);

	if (rc < 0)
		return rc;
	rest = buf_span(&l->answer.body);
	for (unsigned i = 0; i < width; i++) {
		size_t len = rest.len >= 2 ? (size_t)rest.p[0] << 8 | rest.p[1] : SIZE_MAX;

		if (len == SIZE_MAX || rest.len - 2 < len)
			return err_set(err, E_SYNTAX, "entry bundle %" PRIu64 " ends early", number);
		entry[i] = span_of(rest.p + 2, len);
		rest = span_from(rest, 2 + len);
		*bytes += len;
	}
	if (rest.len > 0)
		return err_set(err, E_SYNTAX, "entry bundle %" PRIu64 " has more than %u entries", number, width);
	digest_leaves(l->digest, entry, width, ret);
	*ret_count = width;
	return 0;
}
