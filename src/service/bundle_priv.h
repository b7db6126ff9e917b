/* Reading a bundle's files. */
#ifndef STELE_SERVICE_BUNDLE_PRIV_H
#define STELE_SERVICE_BUNDLE_PRIV_H

#include <archive.h>

#include "base/buf.h"
#include "service/bundle.h"

/* A file of the archive, read from its beginning, piece by piece. */
struct bundle_file {
	struct archive *archive;
	const char *name;
	struct span rest; /* of the piece at hand; borrowed until the next call */
	uint64_t off;     /* behind the piece */
	struct buf carry; /* what was left of the pieces before */
	bool is_used_up;  /* carry was handed out */
};

/* Opens the archive at this file. E_NOT_FOUND, E_IO: no such archive; E_SYNTAX: no archive, or it has no such file. */
int bundle__file_open(struct bundle_file *f, const char *path, const char *name, struct err *err)
	__attribute__((warn_unused_result));
void bundle__file_close(struct bundle_file *f); /* takes a zeroed one */

/* The next lines, without their LF: at least one and at most `max`, borrowed until the next call; none at the end.
 * E_SYNTAX: damaged, the last line does not end, or one is longer than any record. */
int bundle__lines(struct bundle_file *f, size_t max, struct span *ret, size_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));

/* The next n bytes, n <= BUNDLE_BYTES_MAX, borrowed until the next call; ret->len is 0 at the end. E_SYNTAX: damaged,
 * or it ends within. */
int bundle__bytes(struct bundle_file *f, size_t n, struct span *ret, struct err *err)
	__attribute__((warn_unused_result));

#define BUNDLE_BYTES_MAX 8192u

/* The small files, and that there is no file that does not belong there, and none twice. */
struct bundle_texts {
	struct buf proof, checkpoint;
};
int bundle__texts(const char *path, struct bundle_texts *ret, struct err *err) __attribute__((warn_unused_result));

#endif
