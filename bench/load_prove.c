/*
 * What a verifier asks for: the proof of a random event, a tile of hashes, a bundle of entries, one after another over
 * one kept connection, spread evenly over the log. Every proof is verified, and every tile is compared with the entries
 * it is of; a wrong one ends the run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "crypto/tile_path.h"
#include "crypto/tlog_proof.h"
#include "load.h"

#define LOG         "/log/default/main"
#define ID_LEN      32 /* hex digits */
#define BEHIND_ID   "\",\"outcome\":"
#define CYCLES_MIN  20u        /* however short the time */
#define WAIT_MAX_NS 5000000000 /* for a checkpoint of all events */

enum asked { ASKED_PROOF, ASKED_TILE, ASKED_TILE_ABOVE, ASKED_ENTRIES, ASKED_COUNT };
static const char *const prefixes[ASKED_COUNT] = {"proof_", "tile_", "tile_above_", "entries_"};

/* A bundle of entries that was read, and a random one of them. */
struct bundle {
	uint64_t index;
	char id[ID_LEN + 1];
	struct sha256 leaf[TILE_WIDTH];
};

struct prove {
	const struct load *load;
	int fd;
	struct rng rng;
	struct digest *digest;
	struct note_vkey vkey;
	uint64_t size;           /* of the checkpoint */
	struct bundle bundle[2]; /* of this cycle and the one before */
	struct wire_reply reply;
	struct buf request;
	struct latency latency[ASKED_COUNT];
	double first_ms[ASKED_COUNT];
};

/* Asks and takes the time. */
static int ask(struct prove *p, enum asked kind, const char *path, struct err *err)
{
	int64_t begin_ns;
	int rc;

	buf_reset(&p->request);
	wire_put_head(&p->request, &p->load->target.address, "GET", path, p->load->target.key, NULL);
	buf_put_str(&p->request, "\r\n");
	wire_reply_reset(&p->reply);
	begin_ns = clock_mono_ns();
	if ((rc = wire_send(p->fd, buf_span(&p->request), false, err)) < 0)
		return rc;
	if ((rc = wire_receive(p->fd, true, &p->reply, err)) < 0)
		return rc;
	if (p->latency[kind].count == 0)
		p->first_ms[kind] = (double)(clock_mono_ns() - begin_ns) / 1e6;
	latency_add(&p->latency[kind], clock_mono_ns() - begin_ns);
	return wire_reply_expect(&p->reply, 200, err);
}

static int ask_tile(struct prove *p, enum asked kind, struct tile_path tile, struct err *err)
{
	struct buf path = BUF_INIT;
	int rc;

	tile.width = tile_width_at(tile.level, tile.number, p->size);
	buf_put_str(&path, LOG "/");
	tile_path_put(&path, &tile);
	buf_put_u8(&path, 0);
	rc = ask(p, kind, (const char *)path.p, err);
	buf_release(&path);
	return rc;
}

/* The id of a record of event_stream.h, whose next member is always the outcome. */
static bool take_id(struct span record, char id[ID_LEN + 1])
{
	const uint8_t *end = memmem(record.p, record.len, BEHIND_ID, strlen(BEHIND_ID));

	if (!end || end - record.p < ID_LEN)
		return false;
	memcpy(id, end - ID_LEN, ID_LEN);
	id[ID_LEN] = '\0';
	return true;
}

/* The leaf hashes of a bundle of entries, and the id of the one that was drawn. */
static int take_entries(struct prove *p, struct bundle *b, struct err *err)
{
	struct span rest = wire_reply_body(&p->reply);
	bool has_id = false;

	for (unsigned i = 0; i < TILE_WIDTH && rest.len >= 2; i++) {
		size_t len = (size_t)rest.p[0] << 8 | rest.p[1];
		struct span record = span_of(rest.p + 2, len < rest.len - 2 ? len : rest.len - 2);

		digest_leaf(p->digest, record, &b->leaf[i]);
		if (i == b->index % TILE_WIDTH)
			has_id = take_id(record, b->id);
		rest = span_from(rest, 2 + record.len);
	}
	return rest.len == 0 && has_id ? 0 : err_set(err, E_INTERNAL, "a bundle of entries is none");
}

static int check_proof(struct prove *p, uint64_t index, const struct sha256 *leaf, struct err *err)
{
	struct tlog_proof proof;
	struct checkpoint c;
	int rc = tlog_proof_get(wire_reply_body(&p->reply), &proof, err);

	if (rc == 0)
		rc = tlog_proof_verify(p->digest, leaf, &proof, &p->vkey, 1, &c, err);
	if (rc == 0 && proof.index != index)
		rc = err_set(err, E_INTERNAL, "a proof of another event: %" PRIu64, proof.index);
	return rc;
}

/* What is known of the bundle that the cycle before has read is what this one asks about, so that no answer comes from
 * what the one before it has just read. */
static int ask_about(struct prove *p, const struct bundle *b, struct err *err)
{
	char *path = xformat("/v1/events/%s/proof", b->id);
	int rc = ask(p, ASKED_PROOF, path, err);
	struct span body;

	free(path);
	if (rc == 0)
		rc = check_proof(p, b->index, &b->leaf[b->index % TILE_WIDTH], err);
	if (rc == 0)
		rc = ask_tile(p, ASKED_TILE, (struct tile_path){.number = b->index / TILE_WIDTH}, err);
	body = wire_reply_body(&p->reply);
	if (rc == 0 && (body.len == 0 || memcmp(body.p, b->leaf, body.len) != 0))
		rc = err_set(err, E_INTERNAL, "the hashes of tile %" PRIu64 " are not those of its entries",
			     b->index / TILE_WIDTH);
	return rc;
}

/* A random bundle of entries, a proof and a tile of an earlier one, and a tile of the level above. */
static int run_cycle(struct prove *p, uint32_t cycle, struct err *err)
{
	struct bundle *b = &p->bundle[cycle % 2];
	uint64_t tile = rng_below(&p->rng, p->size / TILE_WIDTH) / TILE_WIDTH;
	int rc;

	b->index = rng_below(&p->rng, p->size);
	rc = ask_tile(p, ASKED_ENTRIES, (struct tile_path){.is_entries = true, .number = b->index / TILE_WIDTH}, err);
	if (rc == 0)
		rc = take_entries(p, b, err);
	if (rc == 0 && cycle > 0)
		rc = ask_about(p, &p->bundle[(cycle + 1) % 2], err);
	return rc < 0 ? rc : ask_tile(p, ASKED_TILE_ABOVE, (struct tile_path){.level = 1, .number = tile}, err);
}

static int fetch_vkey(struct prove *p, struct err *err)
{
	const struct target *t = &p->load->target;
	struct wire_reply reply = WIRE_REPLY_INIT;
	struct span body;
	int rc = wire_fetch(&t->address, "GET", LOG "/vkey", t->key, &reply, err);

	if (rc == 0)
		rc = wire_reply_expect(&reply, 200, err);
	body = wire_reply_body(&reply);
	if (rc == 0)
		rc = note_vkey_parse(span_of(body.p, body.len - (body.len > 0)), &p->vkey, err);
	wire_reply_release(&reply);
	return rc;
}

static int fetch_size(struct prove *p, struct err *err)
{
	const struct target *t = &p->load->target;
	struct wire_reply reply = WIRE_REPLY_INIT;
	struct note note;
	struct checkpoint c;
	int rc = wire_fetch(&t->address, "GET", LOG "/checkpoint", t->key, &reply, err);

	if (rc == 0)
		rc = wire_reply_expect(&reply, 200, err);
	if (rc == 0)
		rc = checkpoint_open(wire_reply_body(&reply), &p->vkey, 1, &note, &c, err);
	if (rc == 0)
		p->size = c.size;
	wire_reply_release(&reply);
	return rc;
}

static int wait_for_checkpoint(struct prove *p, struct err *err)
{
	int64_t end_ns = clock_mono_ns() + WAIT_MAX_NS;
	int rc = fetch_vkey(p, err);

	while (rc == 0 && (rc = fetch_size(p, err)) == 0 && p->size < p->load->count && clock_mono_ns() < end_ns)
		usleep(50000);
	if (rc == 0 && p->size < p->load->count)
		rc = err_set(err, E_TIMEOUT, "the checkpoint is about %" PRIu64 " events", p->size);
	return rc;
}

int load_prove(struct load *l, struct report *r, struct err *err)
{
	struct prove p = {.load = l, .fd = -1, .reply = WIRE_REPLY_INIT, .digest = digest_new()};
	int64_t end_ns, cpu_ns;
	int rc;

	rng_init(&p.rng, l->seed);
	if ((rc = wait_for_checkpoint(&p, err)) < 0 || (rc = wire_connect(&l->target.address, &p.fd, err)) < 0)
		goto out;
	end_ns = clock_mono_ns() + (int64_t)l->seconds * 1000000000;
	cpu_ns = target_cpu_ns(&l->target);
	for (uint32_t cycle = 0; rc == 0 && (cycle < CYCLES_MIN || clock_mono_ns() < end_ns); cycle++)
		rc = run_cycle(&p, cycle, err);
	if (rc < 0)
		goto out;
	report_add(r, "events", (double)p.size);
	report_add(r, "cpu_ms_per_cycle",
		   (double)(target_cpu_ns(&l->target) - cpu_ns) / 1e6 / (double)p.latency[ASKED_PROOF].count);
	for (int i = 0; i < ASKED_COUNT; i++) {
		char name[40];

		snprintf(name, sizeof(name), "%sfirst_ms", prefixes[i]);
		report_add(r, name, p.first_ms[i]);
		report_add_latency(r, prefixes[i], &p.latency[i]);
	}
	target_report_memory(&l->target, r);
out:
	for (int i = 0; i < ASKED_COUNT; i++)
		latency_release(&p.latency[i]);
	if (p.fd >= 0)
		close(p.fd);
	buf_release(&p.request);
	wire_reply_release(&p.reply);
	digest_free(p.digest);
	return rc;
}
