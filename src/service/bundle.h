/*
 * Evidence bundles: a ZIP export with what proves it; docs/format/bundle.md. A bundle covers a range of a ledger,
 * records first to next - 1. It has those that matched, the leaf hashes of all others, and the hashes that lead from
 * there to the root of a signed checkpoint: none of the range can have been changed, left out unseen, or put in.
 *
 * Verifying needs the file and the log's verifier key and nothing else. It reads the file once, in constant memory.
 */
#ifndef STELE_SERVICE_BUNDLE_H
#define STELE_SERVICE_BUNDLE_H

#include "base/err.h"
#include "crypto/checkpoint.h"

/* What is in the archive, in this order; nothing else is. */
#define BUNDLE_EVENTS     "events.ndjson"
#define BUNDLE_LEAVES     "leaves.bin"
#define BUNDLE_PROOF      "proof"
#define BUNDLE_CHECKPOINT "checkpoint"
#define BUNDLE_VKEY       "vkey"
#define BUNDLE_MANIFEST   "manifest.json"

/* A run of leaves.bin: u64 little-endian shown, u64 withheld, then the leaf hashes of the withheld ones. */
#define BUNDLE_RUN_LEN 16

/* What a bundle that verifies proves. */
struct bundle_facts {
	char origin[NOTE_NAME_MAX + 1];
	uint64_t size; /* of the log, as signed */
	struct sha256 root;
	uint64_t first, next; /* the range */
	uint64_t shown;       /* records of it that are in the bundle */
	uint64_t withheld;    /* and those that are there as hashes */
	uint64_t record_bytes;
};

/* E_NOT_FOUND, E_IO: the file cannot be read. E_SYNTAX: it is no bundle, or a damaged one; E_CRYPTO: its checkpoint is
 * not signed by one of the keys; E_CORRUPT: its records are not those of the log. err->field names the file. */
int bundle_verify(const char *path, const struct note_vkey *keys, size_t key_count, struct bundle_facts *ret,
		  struct err *err) __attribute__((warn_unused_result));

#endif
