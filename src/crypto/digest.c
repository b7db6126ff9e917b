/*
 * A message here is a prefix byte (or none) and data that stays where it is. It is cut into at most three runs of whole
 * blocks: a head with the prefix and the first bytes, the middle straight from the caller's memory, and a tail with the
 * last bytes and the padding of FIPS 180-4 section 5.1.1.
 */
#include "crypto/digest_priv.h"

#include <openssl/evp.h>

#include "base/err.h"
#include "base/mem.h"

#define PREFIX_NONE (-1)
#define PREFIX_LEAF 0
#define PREFIX_NODE 1

#define NODE_LEN    (1 + 2 * SHA256_LEN)
#define NODE_BLOCKS 2
#define RUNS_MAX    3
#define PADDING_MIN 9 /* 0x80 and the length in bits */

struct digest {
	bool has_ni;
	EVP_MD *md;        /* NULL when has_ni */
	EVP_MD_CTX *fresh; /* initialised and never fed */
	EVP_MD_CTX *ctx;
};

struct run {
	const uint8_t *p;
	size_t n_blocks;
};

struct message {
	struct run run[RUNS_MAX];
	unsigned run_count;
	uint8_t head[SHA256_BLOCK_LEN];
	uint8_t tail[2 * SHA256_BLOCK_LEN];
};

/* One of the two messages under way. */
struct lane {
	struct sha256__state state;
	struct message message;
	unsigned at; /* run under way; run_count when the message is done */
	struct sha256 *ret;
};

struct digest *digest__new_openssl(void)
{
	struct digest *d = xalloc(sizeof(*d));

	d->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	d->fresh = EVP_MD_CTX_new();
	d->ctx = EVP_MD_CTX_new();
	must(d->md && d->fresh && d->ctx && EVP_DigestInit_ex2(d->fresh, d->md, NULL) == 1);
	return d;
}

struct digest *digest_new(void)
{
	struct digest *d;

	if (!sha256__ni_usable())
		return digest__new_openssl();
	d = xalloc(sizeof(*d));
	d->has_ni = true;
	return d;
}

struct digest *digest_free(struct digest *d)
{
	if (d) {
		EVP_MD_CTX_free(d->ctx);
		EVP_MD_CTX_free(d->fresh);
		EVP_MD_free(d->md);
	}
	free(d);
	return NULL;
}

/* Copying an initialised context is cheaper than initialising one anew. */
static void hash_openssl(struct digest *d, int prefix, struct span data, struct sha256 *ret)
{
	uint8_t first = (uint8_t)prefix;

	must(EVP_MD_CTX_copy_ex(d->ctx, d->fresh) == 1);
	if (prefix != PREFIX_NONE)
		must(EVP_DigestUpdate(d->ctx, &first, 1) == 1);
	must(EVP_DigestUpdate(d->ctx, data.p, data.len) == 1);
	must(EVP_DigestFinal_ex(d->ctx, ret->b, NULL) == 1);
}

static void add_run(struct message *m, const uint8_t *p, size_t n_blocks)
{
	if (n_blocks)
		m->run[m->run_count++] = (struct run){p, n_blocks};
}

/* `used` bytes of the message are in the tail already; `rest`, less than a block with them, follows. */
static void lay_tail(struct message *m, size_t used, struct span rest, uint64_t message_len)
{
	size_t filled = used + rest.len;
	size_t n_blocks = filled + PADDING_MIN <= SHA256_BLOCK_LEN ? 1 : 2;
	uint64_t bits = __builtin_bswap64(message_len * 8);
	uint8_t *end = m->tail + n_blocks * SHA256_BLOCK_LEN;

	if (rest.len)
		memcpy(m->tail + used, rest.p, rest.len);
	m->tail[filled] = 0x80;
	memset(m->tail + filled + 1, 0, (size_t)(end - m->tail) - filled - 1);
	memcpy(end - sizeof(bits), &bits, sizeof(bits));
	add_run(m, m->tail, n_blocks);
}

static void lay_message(struct message *m, int prefix, struct span data)
{
	bool has_prefix = prefix != PREFIX_NONE;
	uint64_t message_len = (uint64_t)has_prefix + data.len;
	size_t n_blocks;

	m->run_count = 0;
	if (has_prefix && data.len < SHA256_BLOCK_LEN - 1) {
		m->tail[0] = (uint8_t)prefix;
		lay_tail(m, 1, data, message_len);
		return;
	}
	if (has_prefix) {
		m->head[0] = (uint8_t)prefix;
		memcpy(m->head + 1, data.p, SHA256_BLOCK_LEN - 1);
		data = span_from(data, SHA256_BLOCK_LEN - 1);
		add_run(m, m->head, 1);
	}
	n_blocks = data.len / SHA256_BLOCK_LEN;
	add_run(m, data.p, n_blocks);
	lay_tail(m, 0, n_blocks ? span_from(data, n_blocks * SHA256_BLOCK_LEN) : data, message_len);
}

static void hash(struct digest *d, int prefix, struct span data, struct sha256 *ret)
{
	struct sha256__state state;
	struct message m;

	if (!d->has_ni) {
		hash_openssl(d, prefix, data, ret);
		return;
	}
	lay_message(&m, prefix, data);
	sha256__ni_init(&state);
	for (unsigned i = 0; i < m.run_count; i++)
		sha256__ni_blocks(&state, m.run[i].p, m.run[i].n_blocks);
	sha256__ni_finish(&state, ret);
}

void digest_sha256(struct digest *d, struct span data, struct sha256 *ret)
{
	hash(d, PREFIX_NONE, data, ret);
}

void digest_leaf(struct digest *d, struct span entry, struct sha256 *ret)
{
	hash(d, PREFIX_LEAF, entry, ret);
}

void digest_node(struct digest *d, const struct sha256 *left, const struct sha256 *right, struct sha256 *ret)
{
	struct sha256 pair[2] = {*left, *right};

	digest_nodes(d, pair, 1, ret);
}

static void start_lane(struct lane *l, struct span entry, struct sha256 *ret)
{
	lay_message(&l->message, PREFIX_LEAF, entry);
	sha256__ni_init(&l->state);
	l->at = 0;
	l->ret = ret;
}

/* Takes n blocks off the run under way; true when the message is done and its hash written. */
static bool advance_lane(struct lane *l, size_t n_blocks)
{
	struct run *r = &l->message.run[l->at];

	r->p += n_blocks * SHA256_BLOCK_LEN;
	r->n_blocks -= n_blocks;
	if (r->n_blocks == 0 && ++l->at == l->message.run_count) {
		sha256__ni_finish(&l->state, l->ret);
		return true;
	}
	return false;
}

static void finish_lane(struct lane *l)
{
	bool is_done = l->at == l->message.run_count;

	while (!is_done) {
		struct run r = l->message.run[l->at];

		sha256__ni_blocks(&l->state, r.p, r.n_blocks);
		is_done = advance_lane(l, r.n_blocks);
	}
}

/* Two lanes in lockstep for as many blocks as both have at hand; a lane that ends takes the next entry. */
static void hash_leaves_ni(const struct span *entries, size_t n, struct sha256 *ret)
{
	struct lane lane[2];
	size_t next = 2;
	bool may_go_on = true;

	start_lane(&lane[0], entries[0], &ret[0]);
	start_lane(&lane[1], entries[1], &ret[1]);
	while (may_go_on) {
		const struct run *a = &lane[0].message.run[lane[0].at];
		const struct run *b = &lane[1].message.run[lane[1].at];
		size_t n_blocks = a->n_blocks < b->n_blocks ? a->n_blocks : b->n_blocks;

		sha256__ni_blocks_2(&lane[0].state, a->p, &lane[1].state, b->p, n_blocks);
		for (unsigned i = 0; i < 2; i++) {
			if (!advance_lane(&lane[i], n_blocks))
				continue;
			if (next < n) {
				start_lane(&lane[i], entries[next], &ret[next]);
				next++;
			} else {
				may_go_on = false;
			}
		}
	}
	finish_lane(&lane[0]);
	finish_lane(&lane[1]);
}

void digest_leaves(struct digest *d, const struct span *entries, size_t n, struct sha256 *ret)
{
	if (d->has_ni && n >= 2) {
		hash_leaves_ni(entries, n, ret);
		return;
	}
	for (size_t i = 0; i < n; i++)
		digest_leaf(d, entries[i], &ret[i]);
}

/* A node is always two blocks of which only the 64 bytes after the prefix differ. */
static void init_node_blocks(uint8_t to[NODE_BLOCKS * SHA256_BLOCK_LEN])
{
	memset(to, 0, NODE_BLOCKS * SHA256_BLOCK_LEN);
	to[0] = PREFIX_NODE;
	to[NODE_LEN] = 0x80;
	to[NODE_BLOCKS * SHA256_BLOCK_LEN - 2] = (NODE_LEN * 8) >> 8;
	to[NODE_BLOCKS * SHA256_BLOCK_LEN - 1] = (NODE_LEN * 8) & 0xff;
}

static void hash_nodes_ni(const struct sha256 *pairs, size_t n_pairs, struct sha256 *ret)
{
	uint8_t a[NODE_BLOCKS * SHA256_BLOCK_LEN];
	uint8_t b[NODE_BLOCKS * SHA256_BLOCK_LEN];
	struct sha256__state sa, sb;
	size_t i;

	init_node_blocks(a);
	init_node_blocks(b);
	for (i = 0; i + 1 < n_pairs; i += 2) {
		memcpy(a + 1, &pairs[2 * i], 2 * SHA256_LEN);
		memcpy(b + 1, &pairs[2 * i + 2], 2 * SHA256_LEN);
		sha256__ni_init(&sa);
		sha256__ni_init(&sb);
		sha256__ni_blocks_2(&sa, a, &sb, b, NODE_BLOCKS);
		sha256__ni_finish(&sa, &ret[i]);
		sha256__ni_finish(&sb, &ret[i + 1]);
	}
	if (i < n_pairs) {
		memcpy(a + 1, &pairs[2 * i], 2 * SHA256_LEN);
		sha256__ni_init(&sa);
		sha256__ni_blocks(&sa, a, NODE_BLOCKS);
		sha256__ni_finish(&sa, &ret[i]);
	}
}

void digest_nodes(struct digest *d, const struct sha256 *pairs, size_t n_pairs, struct sha256 *ret)
{
	if (d->has_ni) {
		hash_nodes_ni(pairs, n_pairs, ret);
		return;
	}
	for (size_t i = 0; i < n_pairs; i++)
		hash_openssl(d, PREFIX_NODE, span_of(&pairs[2 * i], 2 * SHA256_LEN), &ret[i]);
}
