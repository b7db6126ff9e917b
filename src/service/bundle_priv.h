/*
 * Reading a bundle's files: bundle_zip.c finds them in the archive, bundle_unpack.c unpacks one, bundle_file.c has
 * lines and bytes of it.
 */
#ifndef STELE_SERVICE_BUNDLE_PRIV_H
#define STELE_SERVICE_BUNDLE_PRIV_H

#include "base/buf.h"
#include "service/bundle.h"

#define BUNDLE_FILES 6

/* ---- the archive ---- */

enum bundle_method { BUNDLE_STORED = 0, BUNDLE_DEFLATED = 8 };

/* A file, as the archive's directory has it. */
struct bundle_entry {
	bool is_there;
	uint16_t method;
	uint32_t crc;
	uint64_t packed, size;
	uint64_t off; /* of its local header */
};

struct bundle_zip {
	int fd;
	uint64_t size;
	struct bundle_entry entry[BUNDLE_FILES];
};

/* Reads the directory. E_NOT_FOUND, E_IO: it cannot be read; E_SYNTAX: it is no archive, or it has a file that does not
 * belong there, or one twice. To be closed in any case. */
int bundle__zip_open(struct bundle_zip *z, const char *path, struct err *err) __attribute__((warn_unused_result));
void bundle__zip_close(struct bundle_zip *z);

/* E_SYNTAX when a file is missing that it takes to prove something. */
int bundle__zip_check(const struct bundle_zip *z, struct err *err) __attribute__((warn_unused_result));

/* Where the packed bytes of a file are; all of them are in the archive. E_SYNTAX. */
int bundle__zip_find(const struct bundle_zip *z, const char *name, uint64_t *ret_off, const struct bundle_entry **ret,
		     struct err *err) __attribute__((warn_unused_result));
/* E_SYNTAX when the archive ends before. By any thread. */
int bundle__read_at(const struct bundle_zip *z, uint64_t off, void *to, size_t len, struct err *err)
	__attribute__((warn_unused_result));

/* ---- unpacking ---- */

struct bundle_stream;
int bundle__stream_open(const struct bundle_zip *z, const char *name, struct bundle_stream **ret, struct err *err)
	__attribute__((warn_unused_result));
struct bundle_stream *bundle__stream_close(struct bundle_stream *s); /* returns NULL */

/* The next `cap` bytes; fewer, none too, at the end, when size and checksum have been compared. E_SYNTAX: damaged. */
int bundle__stream_read(struct bundle_stream *s, uint8_t *to, size_t cap, size_t *ret_len, struct err *err)
	__attribute__((warn_unused_result));

/* ---- a file ---- */

struct bundle_ahead;

/* A file, read from its beginning, piece by piece. A thread unpacks ahead, so that what is done with the pieces can
 * take another processor. */
struct bundle_file {
	struct bundle_ahead *ahead;
	const char *name;
	struct span rest; /* of the piece at hand; borrowed until the next call */
	uint64_t off;     /* behind the piece */
	struct buf carry; /* what was left of the pieces before */
	bool is_used_up;  /* carry was handed out */
};

int bundle__file_open(struct bundle_file *f, const struct bundle_zip *z, const char *name, struct err *err)
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

/* A whole small file, appended. E_SYNTAX: damaged, or longer than `max`. */
int bundle__text(const struct bundle_zip *z, const char *name, size_t max, struct buf *to, struct err *err)
	__attribute__((warn_unused_result));

#endif
