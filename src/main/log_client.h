/*
 * The log of a server as a verifier reads it (C2SP tlog-tiles): checkpoint, hash tiles, entry bundles; and proofs of
 * consistency. Everything that comes is bounded, and nothing is taken for true.
 */
#ifndef STELE_MAIN_LOG_CLIENT_H
#define STELE_MAIN_LOG_CLIENT_H

#include "crypto/checkpoint.h"
#include "crypto/merkle_proof.h"
#include "crypto/tile_path.h"
#include "main/target.h"
#include "main/vkey_list.h"

struct log_client {
	const struct target *target;
	struct http_client *http;
	struct http_answer answer;
	struct digest *digest;
	char *prefix;       /* "/log/<org>/<ledger>" */
	const char *ledger; /* in it */
	uint64_t size;      /* of the checkpoint that is checked */
	/* the tiles looked at last, one a level */
	struct sha256 tile[8][TILE_WIDTH];
	uint64_t tile_number[8];
	unsigned tile_width[8]; /* 0: none */
};

/* A log's place on its server follows from its key's name, "<host>/log/<org>/<ledger>". E_INVALID when that names none.
 */
int log_client_open(struct log_client *l, const struct target *target, const struct vkey_list *keys, struct err *err)
	__attribute__((warn_unused_result));
void log_client_close(struct log_client *l);

/* Fetches the checkpoint and checks its signature; what it says borrows from ret_note. */
int log_client_checkpoint(struct log_client *l, const struct vkey_list *keys, struct buf *ret_note,
			  struct checkpoint *ret, struct err *err) __attribute__((warn_unused_result));

/* Fetches the proof that the log of `size` goes on from that of `old_size`. E_SYNTAX: it is none. */
int log_client_consistency(struct log_client *l, uint64_t old_size, uint64_t size, struct merkle_proof *ret,
			   struct err *err) __attribute__((warn_unused_result));

/* Fetches entry bundle `number` of the log of l->size and hashes its entries; adds their bytes to *bytes. */
int log_client_leaves(struct log_client *l, uint64_t number, struct sha256 ret[TILE_WIDTH], unsigned *ret_count,
		      uint64_t *bytes, struct err *err) __attribute__((warn_unused_result));

/* A node of the tree, from tiles; a merkle_node_fn needs no more. */
int log_client_node(struct log_client *l, unsigned level, uint64_t number, struct sha256 *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
