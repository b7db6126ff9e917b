/*
 * The directory of a bundle's archive, which is at its end. It alone says which files there are, as for unzip; a local
 * header must be of the file that the directory says. Six names may stand in it, each once, so that there is little to
 * read and nothing to be fooled by: an archive that is split, encrypted or packed by other methods is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/reader.h"
#include "service/bundle_priv.h"
#include "service/limits.h"

#define END_LEN      22u /* without its comment */
#define END64_LEN    56u
#define LOCATOR_LEN  20u
#define ENTRY_LEN    46u
#define LOCAL_LEN    30u
#define COMMENT_MAX  65535u
#define EXTRA_ZIP64  1u
#define FLAG_SECRET  0x2041u /* encrypted, its names too */
#define MADE_ON_UNIX 3u

static const char *const names[BUNDLE_FILES] = {BUNDLE_EVENTS,     BUNDLE_LEAVES, BUNDLE_PROOF,
						BUNDLE_CHECKPOINT, BUNDLE_VKEY,   BUNDLE_MANIFEST};

static int fail_archive(const char *what, struct err *err)
{
	return err_set(err, E_SYNTAX, "it is no ZIP archive, or a damaged one: %s", what);
}

int bundle__read_at(const struct bundle_zip *z, uint64_t off, void *to, size_t len, struct err *err)
{
	ssize_t n;

	if (off > z->size || len > z->size - off)
		return fail_archive("a part of it would be behind its end", err);
	n = io_read_full(&io_posix, z->fd, to, len, off);
	if (n < 0)
		return err_errno(err, (int)-n, "reading the bundle");
	return (size_t)n == len ? 0 : fail_archive("it became shorter", err);
}

static bool has_magic(const uint8_t *p, const char *magic)
{
	return memcmp(p, "PK", 2) == 0 && memcmp(p + 2, magic, 2) == 0;
}

/* ---- an entry ---- */

static int find_name(struct span name)
{
	for (int i = 0; i < BUNDLE_FILES; i++) {
		if (span_eq_str(name, names[i]))
			return i;
	}
	return -1;
}

/* Numbers that do not fit 32 bits stand in an extra field, in this order. */
static bool take_zip64(struct span extra, struct bundle_entry *e)
{
	uint64_t *const number[] = {&e->size, &e->packed, &e->off};
	struct reader r = reader_of(extra);

	while (reader_left(&r) >= 4) {
		uint16_t id = reader_u16(&r);
		struct reader field = reader_of(reader_bytes(&r, reader_u16(&r)));

		for (int i = 0; i < 3 && id == EXTRA_ZIP64; i++) {
			if (*number[i] == UINT32_MAX)
				*number[i] = reader_u64(&field);
		}
		if (field.failed)
			return false;
	}
	return !r.failed;
}

static int check_kind(const struct bundle_entry *e, struct span name, uint16_t flags, unsigned mode, struct err *err)
{
	if (name.len == 0 || name.p[name.len - 1] == '/' || (mode != 0 && !S_ISREG(mode)))
		return err_set(err, E_SYNTAX, "it has a part that is no file");
	if (find_name(name) < 0)
		return err_set(err, E_SYNTAX, "it has a file %.*s, which nothing vouches for",
			       (int)(name.len < 80 ? name.len : 80), (const char *)name.p);
	if (flags & FLAG_SECRET)
		return err_set(err, E_SYNTAX, "%.*s is encrypted in the archive", (int)name.len, (const char *)name.p);
	if (e->method != BUNDLE_STORED && e->method != BUNDLE_DEFLATED)
		return err_set(err, E_SYNTAX,
			       "%.*s is packed by method %u; only files that are stored or deflated can be read",
			       (int)name.len, (const char *)name.p, e->method);
	return 0;
}

static int take_entry(struct bundle_zip *z, struct reader *r, struct err *err)
{
	struct span head = reader_bytes(r, ENTRY_LEN), name, extra;
	struct bundle_entry e = {.is_there = true};
	unsigned mode;
	int rc, at;

	if (r->failed || !has_magic(head.p, "\x01\x02"))
		return fail_archive("its directory is damaged", err);
	e.method = get_u16le(head.p + 10);
	e.crc = get_u32le(head.p + 16);
	e.packed = get_u32le(head.p + 20);
	e.size = get_u32le(head.p + 24);
	e.off = get_u32le(head.p + 42);
	mode = head.p[5] == MADE_ON_UNIX ? get_u32le(head.p + 38) >> 16 : 0;
	name = reader_bytes(r, get_u16le(head.p + 28));
	extra = reader_bytes(r, get_u16le(head.p + 30));
	(void)reader_bytes(r, get_u16le(head.p + 32));
	if (r->failed || !take_zip64(extra, &e))
		return fail_archive("its directory is damaged", err);
	if ((rc = check_kind(&e, name, get_u16le(head.p + 8), mode, err)) < 0)
		return rc;
	at = find_name(name);
	if (z->entry[at].is_there)
		return err_set(err, E_SYNTAX, "it has %s twice", names[at]);
	z->entry[at] = e;
	return 0;
}

/* ---- the directory ---- */

struct directory {
	uint64_t off, len, count;
};

static int take_directory64(struct bundle_zip *z, uint64_t end_off, struct directory *d, struct err *err)
{
	uint8_t locator[LOCATOR_LEN], end[END64_LEN];
	int rc;

	if (end_off < LOCATOR_LEN)
		return fail_archive("its end is damaged", err);
	if ((rc = bundle__read_at(z, end_off - LOCATOR_LEN, locator, sizeof(locator), err)) < 0)
		return rc;
	if (!has_magic(locator, "\x06\x07"))
		return fail_archive("its end is damaged", err);
	if ((rc = bundle__read_at(z, get_u64le(locator + 8), end, sizeof(end), err)) < 0)
		return rc;
	if (!has_magic(end, "\x06\x06"))
		return fail_archive("its end is damaged", err);
	*d = (struct directory){get_u64le(end + 48), get_u64le(end + 40), get_u64le(end + 32)};
	return 0;
}

/* The end record is the last one whose comment goes to the end of the file. */
static int find_directory(struct bundle_zip *z, struct directory *d, struct err *err)
{
	size_t len = z->size < END_LEN + COMMENT_MAX ? (size_t)z->size : END_LEN + COMMENT_MAX;
	uint8_t *tail = xalloc(len + 1);
	const uint8_t *end = NULL;
	int rc = bundle__read_at(z, z->size - len, tail, len, err);

	for (size_t at = len; rc == 0 && !end && at >= END_LEN; at--) {
		const uint8_t *p = tail + at - END_LEN;

		if (has_magic(p, "\x05\x06") && get_u16le(p + 20) == len - at)
			end = p;
	}
	if (rc == 0 && !end)
		rc = fail_archive("it has no end; it may have been cut short", err);
	if (rc == 0) {
		*d = (struct directory){get_u32le(end + 16), get_u32le(end + 12), get_u16le(end + 10)};
		if (d->off == UINT32_MAX || d->len == UINT32_MAX || d->count == UINT16_MAX)
			rc = take_directory64(z, z->size - len + (uint64_t)(end - tail), d, err);
	}
	free(tail);
	return rc;
}

static int read_directory(struct bundle_zip *z, struct err *err)
{
	struct directory d = {0};
	uint8_t *bytes;
	struct reader r;
	int rc = find_directory(z, &d, err);

	if (rc < 0)
		return rc;
	if (d.len > BUNDLE_DIRECTORY_MAX)
		return err_set(err, E_SYNTAX, "it is no bundle: its directory has %llu bytes",
			       (unsigned long long)d.len);
	bytes = xalloc((size_t)d.len + 1);
	rc = bundle__read_at(z, d.off, bytes, (size_t)d.len, err);
	r = reader_of(span_of(bytes, (size_t)d.len));
	for (uint64_t i = 0; i < d.count && rc == 0; i++)
		rc = take_entry(z, &r, err);
	if (rc == 0 && reader_left(&r) > 0)
		rc = fail_archive("its directory is damaged", err);
	free(bytes);
	return rc;
}

int bundle__zip_open(struct bundle_zip *z, const char *path, struct err *err)
{
	char *real = realpath(path, NULL); /* a bundle may be reached by a link */
	struct io_stat st = {0};
	int rc = real ? 0 : -errno;

	*z = (struct bundle_zip){.fd = -1};
	if (rc == 0)
		rc = io_posix.stat(&io_posix, real, &st);
	if (rc == 0)
		rc = z->fd = io_posix.open(&io_posix, real, O_RDONLY, 0);
	free(real);
	if (rc < 0)
		return err_errno(err, -rc, "opening the bundle");
	if (st.is_folder)
		return fail_archive("it is a folder", err);
	z->size = st.size_bytes;
	return read_directory(z, err);
}

void bundle__zip_close(struct bundle_zip *z)
{
	if (z->fd >= 0)
		(void)io_posix.close(&io_posix, z->fd); /* nothing was written */
	z->fd = -1;
}

int bundle__zip_find(const struct bundle_zip *z, const char *name, uint64_t *ret_off, const struct bundle_entry **ret,
		     struct err *err)
{
	const struct bundle_entry *e = &z->entry[find_name(span_str(name))];
	uint8_t head[LOCAL_LEN + 32]; /* and the longest of the names */
	size_t len = strlen(name);
	int rc;

	if (!e->is_there)
		return err_set(err, E_SYNTAX, "it is no bundle: it has no %s", name);
	if ((rc = bundle__read_at(z, e->off, head, LOCAL_LEN + len, err)) < 0)
		return rc;
	if (!has_magic(head, "\x03\x04") || get_u16le(head + 26) != len || memcmp(head + LOCAL_LEN, name, len) != 0)
		return fail_archive("a file is not where its directory says", err);
	*ret_off = e->off + LOCAL_LEN + len + get_u16le(head + 28);
	*ret = e;
	if (*ret_off > z->size || e->packed > z->size - *ret_off)
		return fail_archive("a part of it would be behind its end", err);
	return 0;
}

int bundle__zip_check(const struct bundle_zip *z, struct err *err)
{
	for (int i = 0; i < BUNDLE_FILES; i++) {
		bool is_needed = strcmp(names[i], BUNDLE_VKEY) != 0 && strcmp(names[i], BUNDLE_MANIFEST) != 0;

		if (is_needed && !z->entry[i].is_there)
			return err_set(err, E_SYNTAX,
				       "it proves nothing: it has no %s; where it was exported so, 'unproved' in its "
				       "manifest says why",
				       names[i]);
	}
	return 0;
}
