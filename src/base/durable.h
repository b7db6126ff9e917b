/*
 * The one place that knows how to make a whole file durable: write under another name in the same folder, fsync,
 * rename, fsync the folder. After a 0 the file is there after a crash, whole; after a failure the old one is, or none,
 * or - when the rename or the last folder sync failed - either. A failed sync is never retried on the same pages: the
 * temporary file is removed.
 *
 * One writer at a time for a path: a leftover temporary file is replaced. Every failure names the path in err->field.
 *
 * Expected calls: open(tmp, O_CREAT|O_EXCL|O_WRONLY) pwrite… sync close rename sync_folder.
 */
#ifndef STELE_BASE_DURABLE_H
#define STELE_BASE_DURABLE_H

#include "base/err.h"
#include "base/io.h"
#include "base/span.h"

/* Names that end so are leftovers of an unfinished write; whoever opens the folder removes them. */
#define DURABLE_SUFFIX   ".tmp"
#define DURABLE_PATH_MAX 4096

/* The parts, one after the other, become the file; `mode` as of open(2). E_NO_SPACE, E_NOT_FOUND (no such folder),
 * E_INVALID (a path that is empty or too long), E_IO. */
int durable_write(struct io *io, const char *path, const struct span *parts, size_t part_count, int mode,
		  struct err *err) __attribute__((warn_unused_result));

/*
 * The same for a file that is written piece by piece: begin, puts, commit. A failed put or commit has ended the write;
 * abort ends one that is under way, and takes one that has ended or never begun (zeroed).
 */
struct durable_file {
	struct io *io; /* NULL: no write is under way */
	int fd;
	uint64_t size_bytes; /* so far */
	char path[DURABLE_PATH_MAX];
};

int durable_file_begin(struct durable_file *f, struct io *io, const char *path, int mode, struct err *err)
	__attribute__((warn_unused_result));
int durable_file_put(struct durable_file *f, struct span piece, struct err *err) __attribute__((warn_unused_result));
int durable_file_commit(struct durable_file *f, struct err *err) __attribute__((warn_unused_result));
void durable_file_abort(struct durable_file *f);

/* Syncs what was put so far, so that a commit does not have to write all of a large file at once. */
int durable_file_sync(struct durable_file *f, struct err *err) __attribute__((warn_unused_result));

/* Makes a folder (mode 0700) and syncs its parent; a folder that is there already is fine. */
int durable_mkdir(struct io *io, const char *path, struct err *err) __attribute__((warn_unused_result));

/* Reads a whole file of at most `max` bytes into memory the caller frees. E_NOT_FOUND, E_TOO_LARGE,
 * E_INVALID (a folder), E_NO_MEMORY, E_IO. */
int durable_read(struct io *io, const char *path, size_t max, uint8_t **ret_p, size_t *ret_len, struct err *err)
	__attribute__((warn_unused_result));

#endif
