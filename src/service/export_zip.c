/*
 * An archive: events.ndjson, then what proves it (export_evidence.c), then manifest.json, which says what was exported
 * and the hash of the events. Written in one go without seeking: sizes and checksums stand behind the data and in the
 * directory at the end, in 64 bits, as every unzip reads them. An archive that was cut short has no directory.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/record_path.h"
#include "codec/timestamp.h"
#include "service/bundle.h"
#include "service/export_zip_priv.h"

#define FORMAT        1   /* of the manifest; members may be added without a new one */
#define LEVEL         "3" /* of deflate: half the time of the usual 6, a few percent more bytes */
#define US_PER_SECOND 1000000

static la_ssize_t on_output(struct archive *a, void *user, const void *p, size_t len)
{
	struct zip *z = user;

	(void)a;
	if (z->to)
		buf_put(z->to, p, len);
	return (la_ssize_t)len;
}

static int fail(struct zip *z, struct err *err)
{
	const char *text = archive_error_string(z->archive);

	return err_set(err, E_INTERNAL, "writing the archive: %s", text ? text : "unknown");
}

static int make_zip(struct export *x, struct err *err)
{
	struct zip *z = xalloc(sizeof(*z));

	x->state = z;
	z->hash = sha256_run_new();
	z->archive = archive_write_new();
	z->entry = archive_entry_new();
	if (!z->archive || !z->entry)
		return err_set(err, E_NO_MEMORY, "not enough memory for an archive");
	if (archive_write_set_format_zip(z->archive) != ARCHIVE_OK ||
	    archive_write_set_options(z->archive, "zip:compression=deflate,zip:compression-level=" LEVEL) !=
		    ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(z->archive, 0) != ARCHIVE_OK)
		return fail(z, err);
	return evidence__open(x, err);
}

static void free_zip(struct export *x)
{
	struct zip *z = x->state;

	if (!z)
		return;
	z->to = NULL; /* libarchive ends what is half written, or it would leak; nobody is to have that end */
	archive_write_free(z->archive);
	archive_entry_free(z->entry);
	evidence__close(&z->evidence);
	sha256_run_free(z->hash);
	buf_release(&z->lines);
	buf_release(&z->first_time);
	buf_release(&z->last_time);
	free(z);
}

int zip__begin_file(struct export *x, const char *name, int64_t size, struct err *err)
{
	struct zip *z = x->state;

	archive_entry_clear(z->entry);
	archive_entry_set_pathname(z->entry, name);
	archive_entry_set_filetype(z->entry, AE_IFREG);
	archive_entry_set_perm(z->entry, 0644);
	archive_entry_set_mtime(z->entry, (time_t)(x->spec.created_us / US_PER_SECOND), 0);
	if (size >= 0)
		archive_entry_set_size(z->entry, size);
	return archive_write_header(z->archive, z->entry) == ARCHIVE_OK ? 0 : fail(z, err);
}

int zip__put(struct zip *z, struct span data, struct err *err)
{
	if (data.len > 0 && archive_write_data(z->archive, data.p, data.len) != (la_ssize_t)data.len)
		return fail(z, err);
	return 0;
}

int zip__put_file(struct export *x, const char *name, struct span data, struct err *err)
{
	int rc = zip__begin_file(x, name, (int64_t)data.len, err);

	return rc < 0 ? rc : zip__put(x->state, data, err);
}

static int begin_zip(struct export *x, struct buf *to, struct err *err)
{
	struct zip *z = x->state;

	z->to = to;
	if (archive_write_open2(z->archive, z, NULL, on_output, NULL, NULL) != ARCHIVE_OK)
		return fail(z, err);
	return zip__begin_file(x, BUNDLE_EVENTS, -1, err);
}

static int flush_lines(struct zip *z, struct err *err)
{
	int rc;

	if (!buf_ok(&z->lines))
		return err_set(err, E_NO_MEMORY, "not enough memory for an archive");
	sha256_run_feed(z->hash, buf_span(&z->lines));
	z->events_bytes += z->lines.len;
	rc = zip__put(z, buf_span(&z->lines), err);
	buf_reset(&z->lines);
	return rc;
}

static void keep_time(struct span record, struct buf *to)
{
	struct span json;

	buf_reset(to);
	if (record_path_get(record, SPAN_LIT("time"), &json))
		buf_put_span(to, json);
}

static int put_record(struct export *x, struct span record, struct buf *to, struct err *err)
{
	struct zip *z = x->state;

	z->to = to;
	keep_time(record, x->records == 0 ? &z->first_time : &z->last_time);
	buf_put_span(&z->lines, record);
	buf_put_u8(&z->lines, '\n');
	return z->lines.len >= EXPORT_DEFLATE_BYTES ? flush_lines(z, err) : 0;
}

/* ---- the manifest ---- */

static void put_bound(struct buf *to, const char *name, int64_t us, int64_t none)
{
	uint8_t text[TIMESTAMP_LEN];

	if (us == none) {
		buf_printf(to, "  \"%s\": null,\n", name);
		return;
	}
	timestamp_format(us, text);
	buf_printf(to, "  \"%s\": \"%.*s\",\n", name, TIMESTAMP_LEN, (const char *)text);
}

static void put_text(struct buf *to, const char *name, struct span text)
{
	buf_printf(to, "  \"%s\": ", name);
	json_text_string(to, text);
	buf_put_str(to, ",\n");
}

static void put_end(struct buf *to, const char *name, uint64_t index, const struct buf *time)
{
	buf_printf(to, ",\n    \"%s\": {\"index\": %llu, \"time\": ", name, (unsigned long long)index);
	buf_put_span(to, buf_span(time));
	buf_put_u8(to, '}');
}

static void put_events(struct export *x, struct buf *to)
{
	struct zip *z = x->state;
	struct sha256 hash;

	sha256_run_finish(z->hash, &hash);
	buf_printf(to,
		   "  \"events\": {\n    \"file\": \"" BUNDLE_EVENTS
		   "\",\n    \"count\": %llu,\n    \"bytes\": %llu,\n",
		   (unsigned long long)x->records, (unsigned long long)z->events_bytes);
	buf_put_str(to, "    \"sha256\": \"");
	for (size_t i = 0; i < SHA256_LEN; i++)
		buf_printf(to, "%02x", hash.b[i]);
	buf_put_u8(to, '"');
	if (x->records > 0) {
		put_end(to, "first", x->first_index, &z->first_time);
		put_end(to, "last", x->last_index, x->records > 1 ? &z->last_time : &z->first_time);
	}
	buf_put_str(to, "\n  },\n");
}

static void put_damaged(const struct export *x, struct buf *to)
{
	const struct gap_list *gaps = &x->gaps;

	buf_put_str(to, "  \"damaged\": [");
	for (size_t i = 0; i < gaps->count; i++)
		buf_printf(to, "%s{\"first\": %llu, \"next\": %llu}", i ? ", " : "",
			   (unsigned long long)gaps->gap[i].first, (unsigned long long)gaps->gap[i].next);
	buf_put_str(to, "]\n}\n");
}

/* What is proved, and by what; or why nothing is. */
static void put_evidence(const struct zip *z, struct buf *to)
{
	const struct evidence *e = &z->evidence;

	buf_printf(to, "  \"range\": {\"first\": %llu, \"next\": %llu, \"withheld\": %llu},\n",
		   (unsigned long long)e->first, (unsigned long long)e->next, (unsigned long long)e->withheld);
	if (e->unproved[0] != '\0') {
		put_text(to, "unproved", span_str(e->unproved));
		return;
	}
	buf_put_str(to, "  \"log\": {\"origin\": ");
	json_text_string(to, e->head.origin);
	buf_printf(to, ", \"size\": %llu},\n", (unsigned long long)e->head.size);
}

static void put_manifest(struct export *x, struct buf *to)
{
	struct buf query = BUF_INIT;

	query_print(x->query, &query);
	if (!buf_ok(&query))
		to->failed = true;
	buf_printf(to, "{\n  \"format_version\": %d,\n", FORMAT);
	put_text(to, "program", span_str("stele " STELE_VERSION));
	put_bound(to, "created", x->spec.created_us, INT64_MIN);
	put_text(to, "org_key", span_str(x->org->control.org_key));
	put_text(to, "ledger", span_str(control_ledger_names[x->spec.ledger]));
	buf_printf(to, "  \"ledger_size\": %llu,\n", (unsigned long long)x->spec.size);
	put_text(to, "query", buf_span(&query));
	put_bound(to, "from", x->spec.from_us, INT64_MIN);
	put_bound(to, "to", x->spec.to_us, INT64_MAX);
	put_text(to, "order", span_str(x->spec.newest_first ? "newest" : "oldest"));
	put_events(x, to);
	put_evidence(x->state, to);
	put_damaged(x, to);
	buf_release(&query);
}

static int put_last_files(struct export *x, struct err *err)
{
	struct zip *z = x->state;
	struct buf manifest = BUF_INIT;
	int rc;

	if ((rc = evidence__put_texts(x, err)) < 0)
		return rc;
	put_manifest(x, &manifest);
	if (!buf_ok(&manifest))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for a manifest");
	else
		rc = zip__put_file(x, BUNDLE_MANIFEST, buf_span(&manifest), err);
	buf_release(&manifest);
	if (rc == 0 && archive_write_close(z->archive) != ARCHIVE_OK)
		rc = fail(z, err);
	return rc;
}

/* A step towards the end. */
static int end_zip(struct export *x, struct buf *to, struct err *err)
{
	struct zip *z = x->state;
	int rc = 0;

	z->to = to;
	switch (z->phase) {
	case ZIP_EVENTS:
		if ((rc = flush_lines(z, err)) == 0)
			rc = evidence__begin(x, err);
		z->phase = ZIP_LEAVES;
		break;
	case ZIP_LEAVES:
		rc = evidence__put_leaves(x, err);
		if (z->evidence.is_over)
			z->phase = ZIP_TEXTS;
		break;
	case ZIP_TEXTS:
		rc = put_last_files(x, err);
		return rc < 0 ? rc : 1;
	}
	return rc;
}

const struct export_ops export__zip = {
	.make = make_zip, .begin = begin_zip, .put = put_record, .end = end_zip, .free = free_zip};
