/*
 * Files of a bundle, read by libarchive. It goes by the directory at the archive's end, as unzip does, so that both see
 * the same files. Pieces are libarchive's own buffers: a line is copied only when it stands in two of them.
 */
#include <archive_entry.h>
#include <errno.h>

#include "base/mem.h"
#include "codec/limits.h"
#include "service/bundle_priv.h"

#define READ_BYTES (1u << 20) /* of the archive at a time */

static const char *reason(struct archive *a)
{
	const char *text = archive_error_string(a);

	return text ? text : "unknown";
}

static int fail_archive(struct archive *a, struct err *err)
{
	return err_set(err, E_SYNTAX, "it is no ZIP archive, or a damaged one: %s", reason(a));
}

static int open_archive(const char *path, struct archive **ret, struct err *err)
{
	struct archive *a = archive_read_new();
	int code;
	int rc = 0;

	if (!a)
		return err_set(err, E_NO_MEMORY, "not enough memory for an archive");
	if (archive_read_support_format_zip_seekable(a) != ARCHIVE_OK)
		rc = fail_archive(a, err);
	if (rc == 0 && archive_read_open_filename(a, path, READ_BYTES) != ARCHIVE_OK) {
		code = archive_errno(a); /* EILSEQ: it is no archive */
		rc = code > 0 && code != EILSEQ ? err_errno(err, code, "opening the bundle") : fail_archive(a, err);
	}
	if (rc < 0)
		archive_read_free(a);
	else
		*ret = a;
	return rc;
}

/* The next file's name; 1 at the end. */
static int next_entry(struct archive *a, const char **ret_name, struct err *err)
{
	struct archive_entry *entry;
	int code = archive_read_next_header(a, &entry);
	const char *name;

	if (code == ARCHIVE_EOF)
		return 1;
	if (code != ARCHIVE_OK)
		return fail_archive(a, err);
	name = archive_entry_pathname(entry);
	if (!name || archive_entry_filetype(entry) != AE_IFREG)
		return err_set(err, E_SYNTAX, "it has a part that is no file");
	*ret_name = name;
	return 0;
}

int bundle__file_open(struct bundle_file *f, const char *path, const char *name, struct err *err)
{
	const char *found = "";
	int rc;

	*f = (struct bundle_file){.name = name};
	if ((rc = open_archive(path, &f->archive, err)) < 0)
		return rc;
	do
		rc = next_entry(f->archive, &found, err);
	while (rc == 0 && strcmp(found, name) != 0);
	if (rc == 1)
		rc = err_set(err, E_SYNTAX, "it is no bundle: it has no %s", name);
	return rc;
}

void bundle__file_close(struct bundle_file *f)
{
	if (f->archive)
		archive_read_free(f->archive);
	buf_release(&f->carry);
	*f = (struct bundle_file){0};
}

/* The next piece; 1 at the end, when libarchive has compared the checksum. */
static int next_piece(struct bundle_file *f, struct err *err)
{
	const void *p;
	size_t len;
	la_int64_t off;
	int code = archive_read_data_block(f->archive, &p, &len, &off);

	f->rest = span_of(NULL, 0);
	if (code == ARCHIVE_EOF)
		return 1;
	if (code != ARCHIVE_OK)
		return err_set(err, E_SYNTAX, "%s is damaged behind byte %llu: %s", f->name, (unsigned long long)f->off,
			       reason(f->archive));
	if ((uint64_t)off != f->off)
		return err_set(err, E_SYNTAX, "%s has a hole at byte %llu", f->name, (unsigned long long)f->off);
	f->off += len;
	f->rest = span_of(p, len);
	return 0;
}

/* Keeps the start of what goes on in the next piece. */
static int carry(struct bundle_file *f, size_t n, struct err *err)
{
	buf_put(&f->carry, f->rest.p, n);
	f->rest = span_from(f->rest, n);
	return buf_ok(&f->carry) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for a record");
}

static void begin_call(struct bundle_file *f)
{
	if (f->is_used_up)
		buf_reset(&f->carry);
	f->is_used_up = false;
}

/* ---- lines ---- */

static int fail_line(const struct bundle_file *f, const char *what, struct err *err)
{
	return err_set(err, E_SYNTAX, "%s: before byte %llu: %s", f->name, (unsigned long long)f->off, what);
}

/* Takes a line out of the piece at hand, together with what was carried; false when it does not end there. */
static bool take_line(struct bundle_file *f, struct span *ret)
{
	const uint8_t *end = f->rest.len ? memchr(f->rest.p, '\n', f->rest.len) : NULL;

	if (!end)
		return false;
	*ret = span_of(f->rest.p, (size_t)(end - f->rest.p));
	f->rest = span_from(f->rest, ret->len + 1);
	if (f->carry.len > 0 && !f->is_used_up) {
		buf_put_span(&f->carry, *ret);
		f->is_used_up = true;
		*ret = buf_span(&f->carry);
	}
	return true;
}

/* Carries what is left, which ends no line, and goes to the next piece; 1 at the end. */
static int next_line_piece(struct bundle_file *f, struct err *err)
{
	int rc;

	if (f->carry.len + f->rest.len > RECORD_BYTES_MAX)
		return fail_line(f, "a line is longer than any record", err);
	if ((rc = carry(f, f->rest.len, err)) < 0)
		return rc;
	rc = next_piece(f, err);
	if (rc == 1 && f->carry.len > 0)
		return fail_line(f, "the last line does not end", err);
	return rc;
}

int bundle__lines(struct bundle_file *f, size_t max, struct span *ret, size_t *ret_count, struct err *err)
{
	size_t count = 0;
	int rc = 0;

	begin_call(f);
	while (count < max && rc == 0) {
		if (take_line(f, &ret[count])) {
			if (ret[count].len > RECORD_BYTES_MAX)
				return fail_line(f, "a line is longer than any record", err);
			count++;
		} else if (count > 0) {
			break; /* the next piece would take the place of those lines */
		} else {
			rc = next_line_piece(f, err);
		}
	}
	if (!buf_ok(&f->carry))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for a record");
	*ret_count = count;
	return rc < 0 ? rc : 0;
}

/* ---- bytes ---- */

int bundle__bytes(struct bundle_file *f, size_t n, struct span *ret, struct err *err)
{
	int rc = 0;

	must(n <= BUNDLE_BYTES_MAX);
	begin_call(f);
	while (f->carry.len + f->rest.len < n && rc == 0) {
		if ((rc = carry(f, f->rest.len, err)) == 0)
			rc = next_piece(f, err);
	}
	if (rc < 0)
		return rc;
	if (rc == 1) {
		*ret = span_of(NULL, 0);
		return f->carry.len > 0 ? err_set(err, E_SYNTAX, "%s ends early, at byte %llu", f->name,
						  (unsigned long long)f->off)
					: 0;
	}
	if (f->carry.len == 0) {
		*ret = span_of(f->rest.p, n);
		f->rest = span_from(f->rest, n);
		return 0;
	}
	rc = carry(f, n - f->carry.len, err);
	f->is_used_up = true;
	*ret = buf_span(&f->carry);
	return rc;
}

/* ---- the small files ---- */

static int read_text(struct archive *a, const char *name, size_t max, struct buf *to, struct err *err)
{
	for (;;) {
		uint8_t piece[4096];
		la_ssize_t n = archive_read_data(a, piece, sizeof(piece));

		if (n < 0)
			return fail_archive(a, err);
		if (n == 0)
			return buf_ok(to) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for %s", name);
		if (to->len + (size_t)n > max)
			return err_set(err, E_SYNTAX, "%s is longer than it can be", name);
		buf_put(to, piece, (size_t)n);
	}
}

static const char *const names[] = {BUNDLE_EVENTS,     BUNDLE_LEAVES, BUNDLE_PROOF,
				    BUNDLE_CHECKPOINT, BUNDLE_VKEY,   BUNDLE_MANIFEST};
#define NAME_COUNT (sizeof(names) / sizeof(*names))

/* Notes that a file was seen. */
static int mark_name(const char *name, unsigned *seen, struct err *err)
{
	size_t i = 0;

	while (i < NAME_COUNT && strcmp(names[i], name) != 0)
		i++;
	if (i == NAME_COUNT)
		return err_set(err, E_SYNTAX, "it has a file %.80s, which nothing vouches for", name);
	if (*seen >> i & 1)
		return err_set(err, E_SYNTAX, "it has %s twice", name);
	*seen |= 1u << i;
	return 0;
}

static int check_missing(unsigned seen, struct err *err)
{
	for (size_t i = 0; i < NAME_COUNT; i++) {
		bool is_needed = strcmp(names[i], BUNDLE_VKEY) != 0 && strcmp(names[i], BUNDLE_MANIFEST) != 0;

		if (is_needed && !(seen >> i & 1))
			return err_set(err, E_SYNTAX,
				       "it proves nothing: it has no %s; where it was exported so, 'unproved' in its "
				       "manifest says why",
				       names[i]);
	}
	return 0;
}

int bundle__texts(const char *path, struct bundle_texts *ret, struct err *err)
{
	struct archive *a = NULL;
	const char *name;
	unsigned seen = 0;
	int rc = open_archive(path, &a, err);

	while (rc == 0 && (rc = next_entry(a, &name, err)) == 0) {
		rc = mark_name(name, &seen, err);
		if (rc == 0 && strcmp(name, BUNDLE_PROOF) == 0)
			rc = read_text(a, name, RANGE_PROOF_BYTES_MAX, &ret->proof, err);
		else if (rc == 0 && strcmp(name, BUNDLE_CHECKPOINT) == 0)
			rc = read_text(a, name, NOTE_BYTES_MAX, &ret->checkpoint, err);
	}
	if (rc == 1)
		rc = check_missing(seen, err);
	if (a)
		archive_read_free(a);
	return rc;
}
