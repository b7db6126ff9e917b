/*
 * The log of a server that is running: its checkpoint is signed by the key, it goes on from the one seen last, and its
 * records are those of the checkpoint: a sample of them, or all.
 *
 * What is remembered is the checkpoint itself, so that a log that goes back, or that shows one history to us and
 * another to others, is held to what it has signed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/utf8.h"
#include "base/durable.h"
#include "base/mem.h"
#include "base/rand.h"
#include "crypto/merkle.h"
#include "main/command.h"
#include "main/log_client.h"
#include "main/verify.h"

#define SAMPLE_COUNT  20   /* entry bundles: some 5,000 records */
#define REMEMBER_MODE 0644 /* a checkpoint is no secret */

struct run {
	const struct verify_options *options;
	const struct vkey_list *keys;
	struct log_client log;
	struct buf note;
	struct checkpoint now;
	struct buf old_note;
	struct checkpoint old; /* what was remembered */
	bool has_old;
	uint64_t checked; /* records */
	uint64_t bytes;
};

/* ---- what was remembered ---- */

static int read_remembered(struct run *r, struct err *err)
{
	const char *path = r->options->remember;
	struct note *note;
	uint8_t *p = NULL;
	size_t len;
	int rc = durable_read(&io_posix, path, NOTE_BYTES_MAX, &p, &len, err);

	if (rc == E_NOT_FOUND) {
		*err = (struct err)ERR_INIT;
		return 0;
	}
	if (rc < 0)
		return rc;
	buf_put(&r->old_note, p, len);
	free(p);
	note = xalloc(sizeof(*note));
	rc = checkpoint_open(buf_span(&r->old_note), r->keys->key, r->keys->count, note, &r->old, err);
	free(note);
	if (rc < 0) {
		struct err why = *err;

		return err_set(err, rc, "the checkpoint remembered in %.120s is none of this log: %.120s", path,
			       why.message);
	}
	r->has_old = true;
	return 0;
}

static int fail_fork(const struct run *r, struct err *err)
{
	return err_set(
		err, E_CORRUPT,
		"FORK: the log of %" PRIu64 " records does not go on from the %" PRIu64
		" records it had signed when it was seen last: its past was changed, and both checkpoints prove it",
		r->now.size, r->old.size);
}

static int compare(struct run *r, struct err *err)
{
	struct merkle_proof proof;
	int rc;

	if (!span_eq(r->old.origin, r->now.origin))
		return err_set(err, E_CORRUPT, "the checkpoint remembered is of another log, %.*s",
			       (int)r->old.origin.len, (const char *)r->old.origin.p);
	if (r->now.size < r->old.size)
		return err_set(err, E_CORRUPT,
			       "ROLLBACK: the log has %" PRIu64 " records, and had signed %" PRIu64
			       " when it was seen last: records are gone",
			       r->now.size, r->old.size);
	if (r->now.size == r->old.size)
		return memcmp(&r->now.root, &r->old.root, sizeof(r->now.root)) == 0 ? 0 : fail_fork(r, err);
	if ((rc = log_client_consistency(&r->log, r->old.size, r->now.size, &proof, err)) < 0)
		return rc;
	if (!merkle_verify_consistency(r->log.digest, r->old.size, r->now.size, proof.hash, proof.count, &r->old.root,
				       &r->now.root))
		return fail_fork(r, err);
	return 0;
}

static int remember(struct run *r, struct err *err)
{
	struct span note = buf_span(&r->note);

	return durable_write(&io_posix, r->options->remember, &note, 1, REMEMBER_MODE, err);
}

/* ---- the records ---- */

static int fail_records(uint64_t number, unsigned count, struct err *err)
{
	return err_set(err, E_CORRUPT,
		       "the records from %" PRIu64 " to %" PRIu64 " are not those that the log has signed",
		       number * TILE_WIDTH, number * TILE_WIDTH + count - 1);
}

struct node_source {
	struct log_client *log;
	struct err *err;
};

static int fetch_node(void *user, unsigned level, uint64_t number, struct sha256 *ret)
{
	struct node_source *from = user;

	return log_client_node(from->log, level, number, ret, from->err);
}

/* Each entry of a bundle is proved up to the root, by hashes from tiles. */
static int check_bundle(struct run *r, uint64_t number, struct err *err)
{
	struct node_source from = {&r->log, err};
	struct sha256 leaves[TILE_WIDTH];
	struct merkle_proof proof;
	unsigned count;
	int rc = log_client_leaves(&r->log, number, leaves, &count, &r->bytes, err);

	for (unsigned i = 0; i < count && rc == 0; i++) {
		uint64_t index = number * TILE_WIDTH + i;

		rc = merkle_prove_inclusion(r->log.digest, index, r->now.size, fetch_node, &from, &proof);
		if (rc == 0 && !merkle_verify_inclusion(r->log.digest, index, r->now.size, &leaves[i], proof.hash,
							proof.count, &r->now.root))
			rc = fail_records(number, count, err);
	}
	r->checked += rc == 0 ? count : 0;
	return rc;
}

/* The first bundle, the last, and some between them. */
static int check_sample(struct run *r, struct err *err)
{
	uint64_t bundles = (r->now.size + TILE_WIDTH - 1) / TILE_WIDTH;
	int rc = 0;

	for (unsigned i = 0; i < SAMPLE_COUNT && i < bundles && rc == 0; i++) {
		uint64_t number = i;

		if (bundles > SAMPLE_COUNT && i > 0) {
			rand_bytes(&number, sizeof(number));
			number = i == 1 ? bundles - 1 : number % bundles;
		}
		rc = check_bundle(r, number, err);
	}
	return rc;
}

static int check_all(struct run *r, struct err *err)
{
	struct merkle_frontier tree;
	struct sha256 leaves[TILE_WIDTH];
	struct sha256 root;
	int rc = 0;

	merkle_init(&tree);
	for (uint64_t number = 0; tree.size < r->now.size && rc == 0; number++) {
		unsigned count;

		rc = log_client_leaves(&r->log, number, leaves, &count, &r->bytes, err);
		if (rc == 0)
			rc = merkle_append_leaves(&tree, r->log.digest, leaves, count, NULL, NULL);
	}
	if (rc < 0)
		return rc;
	merkle_root(&tree, r->log.digest, &root);
	r->checked = r->now.size;
	if (memcmp(&root, &r->now.root, sizeof(root)) != 0)
		return err_set(err, E_CORRUPT, "its %" PRIu64 " records are not those that it has signed", r->now.size);
	return 0;
}

/* ---- */

static void print_facts(const struct run *r)
{
	struct buf line = BUF_INIT;

	if (r->options->is_json) {
		buf_put_str(&line, "{\"ok\":true,\"origin\":");
		utf8_put_json(&line, r->now.origin);
		buf_printf(&line, ",\"size\":%" PRIu64 ",\"checked\":%" PRIu64, r->now.size, r->checked);
		if (r->has_old)
			buf_printf(&line, ",\"remembered\":%" PRIu64, r->old.size);
		buf_put_str(&line, "}\n");
	} else {
		buf_put_str(&line, "ok: ");
		buf_put_span(&line, r->now.origin);
		buf_printf(&line, ", %" PRIu64 " records signed, %" PRIu64 " checked", r->now.size, r->checked);
		if (r->has_old)
			buf_printf(&line, ", goes on from the %" PRIu64 " seen last", r->old.size);
		else if (r->options->remember)
			buf_put_str(&line, ", seen for the first time");
		buf_put_u8(&line, '\n');
	}
	fwrite(line.p, 1, line.len, stdout);
	buf_release(&line);
}

static int check(struct run *r, struct err *err)
{
	int rc;

	if ((rc = log_client_open(&r->log, &r->options->target, r->keys, err)) < 0)
		return rc;
	if (r->options->remember && (rc = read_remembered(r, err)) < 0)
		return rc;
	if ((rc = log_client_checkpoint(&r->log, r->keys, &r->note, &r->now, err)) < 0)
		return rc;
	r->log.size = r->now.size;
	if (r->has_old && (rc = compare(r, err)) < 0)
		return rc;
	if ((rc = r->options->is_full ? check_all(r, err) : check_sample(r, err)) < 0)
		return rc;
	return r->options->remember ? remember(r, err) : 0;
}

int verify_server(struct verify_options *o, const struct vkey_list *keys)
{
	struct run *r = xalloc(sizeof(*r));
	struct err err = ERR_INIT;
	int code = EXIT_CODE_OK;
	int rc = target_resolve(&o->target, &err);

	r->options = o;
	r->keys = keys;
	if (rc == 0)
		rc = check(r, &err);
	if (rc == 0)
		print_facts(r);
	else
		code = rc == E_INVALID ? command_fail("verify", &err, EXIT_CODE_USAGE) : verify_fail(o, &err);
	log_client_close(&r->log);
	buf_release(&r->note);
	buf_release(&r->old_note);
	target_release(&o->target);
	free(r);
	return code;
}
