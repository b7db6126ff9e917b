/* What export_zip.c, which writes the archive, and export_evidence.c, which writes what proves it, share. */
#ifndef STELE_SERVICE_EXPORT_ZIP_PRIV_H
#define STELE_SERVICE_EXPORT_ZIP_PRIV_H

#include <archive.h>
#include <archive_entry.h>

#include "crypto/checkpoint.h"
#include "crypto/sha256_run.h"
#include "service/export_priv.h"
#include "store/tree.h"

/*
 * The range and how far its leaf hashes are written. What was shown is found by the same search once more, so that
 * nothing needs to be remembered of it.
 */
struct evidence {
	uint64_t first, next; /* the range */
	uint64_t withheld;    /* records of it that did not match */
	struct snapshot *snapshot;
	struct tree *tree;
	struct search_stream *again; /* NULL: all were shown, or none */
	struct search_answer answer; /* a batch of it, and how far it is used */
	uint32_t answer_at;
	uint64_t answered;              /* records of it so far */
	uint64_t at;                    /* leaves before it are written, or stand in `shown` */
	uint64_t shown;                 /* of the run under way: the records before `at` */
	uint64_t hashes_end;            /* hashes of leaves at … hashes_end - 1 are being written */
	bool is_over;                   /* the leaves are written, or it is known that they cannot be */
	struct buf checkpoint;          /* the signed note */
	struct buf vkey;                /* text of the key that has signed it */
	struct checkpoint head;         /* borrows from checkpoint */
	char unproved[ERR_MESSAGE_MAX]; /* why there is no proof; "": there is one */
};

enum zip_phase { ZIP_EVENTS, ZIP_LEAVES, ZIP_TEXTS };

struct zip {
	struct archive *archive;
	struct archive_entry *entry;
	struct buf *to;   /* where libarchive's output goes, during a call; NULL: nowhere */
	struct buf lines; /* records that wait to be written together */
	struct sha256_run *hash;
	uint64_t events_bytes;
	struct buf first_time, last_time; /* of the file's first and last record, as JSON */
	enum zip_phase phase;
	struct evidence evidence;
};

/* Begins a file in the archive; `size` negative: not known yet. */
int zip__begin_file(struct export *x, const char *name, int64_t size, struct err *err)
	__attribute__((warn_unused_result));
int zip__put(struct zip *z, struct span data, struct err *err) __attribute__((warn_unused_result));
/* A whole file. */
int zip__put_file(struct export *x, const char *name, struct span data, struct err *err)
	__attribute__((warn_unused_result));

/* ---- export_evidence.c ---- */

/* Finds the range. */
int evidence__open(struct export *x, struct err *err) __attribute__((warn_unused_result));
void evidence__close(struct evidence *e);

/* Begins the leaves, once all records are written. */
int evidence__begin(struct export *x, struct err *err) __attribute__((warn_unused_result));
/* Writes some of the leaves; e->is_over then says whether that were the last. */
int evidence__put_leaves(struct export *x, struct err *err) __attribute__((warn_unused_result));
/* Writes proof, checkpoint and vkey, unless that cannot be: e->unproved says why. */
int evidence__put_texts(struct export *x, struct err *err) __attribute__((warn_unused_result));

#endif
