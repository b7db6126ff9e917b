/*
 * The records of a bundle and the hashes of those it withholds come from two files that are read side by side: a run of
 * leaves.bin says how many of the next records are to be taken from events.ndjson, and has the hashes behind them.
 */
#include <stdio.h>

#include "base/mem.h"
#include "base/reader.h"
#include "crypto/range_proof.h"
#include "service/bundle_priv.h"

#define BATCH 256u /* leaves hashed together; their hashes are BUNDLE_BYTES_MAX */

struct check {
	struct bundle_zip zip;
	struct bundle_file events, leaves;
	struct buf proof_text, checkpoint_text;
	struct note note;
	struct checkpoint checkpoint;
	struct range_proof proof;
	struct merkle_range range;
	struct digest *digest;
	struct bundle_facts facts;
	struct span lines[BATCH];
	struct sha256 hashes[BATCH];
};

static int add(struct check *c, const struct sha256 *hashes, size_t n, struct err *err)
{
	if (!merkle_range_add(&c->range, c->digest, hashes, n))
		return err_set(err, E_CORRUPT, "there are more records and hashes than its range has: %llu",
			       (unsigned long long)(c->proof.next - c->proof.first));
	return 0;
}

static int add_shown(struct check *c, uint64_t count, struct err *err)
{
	while (count > 0) {
		size_t n;
		int rc = bundle__lines(&c->events, count < BATCH ? (size_t)count : BATCH, c->lines, &n, err);

		if (rc < 0)
			return rc;
		if (n == 0)
			return err_set(err, E_CORRUPT, "%llu records are missing at its end",
				       (unsigned long long)count);
		for (size_t i = 0; i < n; i++)
			c->facts.record_bytes += c->lines[i].len;
		digest_leaves(c->digest, c->lines, n, c->hashes);
		if ((rc = add(c, c->hashes, n, err)) < 0)
			return rc;
		c->facts.shown += n;
		count -= n;
	}
	return 0;
}

static int add_withheld(struct check *c, uint64_t count, struct err *err)
{
	while (count > 0) {
		size_t n = count < BATCH ? (size_t)count : BATCH;
		struct span bytes;
		int rc = bundle__bytes(&c->leaves, n * SHA256_LEN, &bytes, err);

		if (rc < 0)
			return rc;
		if (bytes.len == 0)
			return err_set(err, E_CORRUPT, "%llu hashes of withheld records are missing",
				       (unsigned long long)count);
		memcpy(c->hashes, bytes.p, bytes.len);
		if ((rc = add(c, c->hashes, n, err)) < 0)
			return rc;
		c->facts.withheld += n;
		count -= n;
	}
	return 0;
}

static int add_runs(struct check *c, struct err *err)
{
	uint64_t range = c->proof.next - c->proof.first;

	for (;;) {
		struct span head;
		int rc = bundle__bytes(&c->leaves, BUNDLE_RUN_LEN, &head, err);
		uint64_t shown, withheld;

		if (rc < 0 || head.len == 0)
			return rc;
		shown = get_u64le(head.p);
		withheld = get_u64le(head.p + 8);
		if (shown == 0 && withheld == 0)
			return err_set(err, E_CORRUPT, "a run of %s is empty", BUNDLE_LEAVES);
		if (shown > range || withheld > range)
			return err_set(err, E_CORRUPT, "a run of %s is longer than its range", BUNDLE_LEAVES);
		if ((rc = add_shown(c, shown, err)) < 0)
			return rc;
		if ((rc = add_withheld(c, withheld, err)) < 0)
			return rc;
	}
}

/* No record may stand behind those that were checked. */
static int check_end(struct check *c, struct err *err)
{
	size_t n;
	int rc = bundle__lines(&c->events, 1, c->lines, &n, err);

	if (rc < 0)
		return rc;
	if (n > 0)
		return err_set(err, E_CORRUPT, "%s has records that its proof does not cover", BUNDLE_EVENTS);
	if (c->facts.shown + c->facts.withheld != c->proof.next - c->proof.first)
		return err_set(
			err, E_CORRUPT,
			"its range has %llu records; %llu of them are neither shown nor there as hashes",
			(unsigned long long)(c->proof.next - c->proof.first),
			(unsigned long long)(c->proof.next - c->proof.first - c->facts.shown - c->facts.withheld));
	if (!merkle_range_end(&c->range, c->digest, &c->checkpoint.root))
		return err_set(
			err, E_CORRUPT,
			"its records are not those the log has signed: one was changed, left out, put in or moved, "
			"or a hash was");
	return 0;
}

static int check_texts(struct check *c, const struct note_vkey *keys, size_t key_count, struct err *err)
{
	int rc = bundle__text(&c->zip, BUNDLE_CHECKPOINT, NOTE_BYTES_MAX, &c->checkpoint_text, err);

	if (rc < 0)
		return rc;
	if ((rc = bundle__text(&c->zip, BUNDLE_PROOF, RANGE_PROOF_BYTES_MAX, &c->proof_text, err)) < 0)
		return rc;
	rc = checkpoint_open(buf_span(&c->checkpoint_text), keys, key_count, &c->note, &c->checkpoint, err);
	if (rc < 0)
		return rc;
	if ((rc = range_proof_get(buf_span(&c->proof_text), &c->proof, err)) < 0)
		return rc;
	if (!merkle_range_begin(&c->range, c->proof.first, c->proof.next, c->checkpoint.size, c->proof.path.hash,
				c->proof.path.count))
		return err_set(err, E_CORRUPT,
			       "its proof is none for records %llu to %llu of the %llu that the checkpoint is about",
			       (unsigned long long)c->proof.first, (unsigned long long)c->proof.next,
			       (unsigned long long)c->checkpoint.size);
	return 0;
}

static void take_facts(const struct check *c, struct bundle_facts *ret)
{
	*ret = c->facts;
	snprintf(ret->origin, sizeof(ret->origin), "%.*s", (int)c->checkpoint.origin.len,
		 (const char *)c->checkpoint.origin.p);
	ret->size = c->checkpoint.size;
	ret->root = c->checkpoint.root;
	ret->first = c->proof.first;
	ret->next = c->proof.next;
}

int bundle_verify(const char *path, const struct note_vkey *keys, size_t key_count, struct bundle_facts *ret,
		  struct err *err)
{
	struct check *c = xalloc(sizeof(*c));
	int rc;

	c->digest = digest_new();
	if ((rc = bundle__zip_open(&c->zip, path, err)) < 0)
		goto out;
	if ((rc = bundle__zip_check(&c->zip, err)) < 0)
		goto out;
	if ((rc = check_texts(c, keys, key_count, err)) < 0)
		goto out;
	if ((rc = bundle__file_open(&c->events, &c->zip, BUNDLE_EVENTS, err)) < 0)
		goto out;
	if ((rc = bundle__file_open(&c->leaves, &c->zip, BUNDLE_LEAVES, err)) < 0)
		goto out;
	if ((rc = add_runs(c, err)) < 0)
		goto out;
	if ((rc = check_end(c, err)) < 0)
		goto out;
	take_facts(c, ret);
out:
	if (rc < 0)
		err_set_field(err, path, strlen(path));
	bundle__file_close(&c->events);
	bundle__file_close(&c->leaves);
	bundle__zip_close(&c->zip);
	buf_release(&c->proof_text);
	buf_release(&c->checkpoint_text);
	digest_free(c->digest);
	free(c);
	return rc;
}
