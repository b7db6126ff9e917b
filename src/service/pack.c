/* libarchive, writing into a buffer without seeking. */
#include "service/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "base/mem.h"

#define LEVEL "1" /* of deflate: it is the most of what a file costs, and twice as fast as 6 */

struct pack {
	struct archive *archive;
	struct archive_entry *entry;
	struct buf *to;   /* where its output goes, during a call */
	struct buf begun; /* what it wrote before the first */
};

static la_ssize_t on_output(struct archive *a, void *user, const void *p, size_t len)
{
	struct pack *x = user;

	(void)a;
	if (x->to)
		buf_put(x->to, p, len);
	return (la_ssize_t)len;
}

static int fail(struct pack *p, struct err *err)
{
	const char *text = archive_error_string(p->archive);

	return err_set(err, E_INTERNAL, "packing a file: %s", text ? text : "unknown");
}

/* Without a time in the header, which would make two files of the same bytes differ. */
static bool choose_gzip(struct archive *a)
{
	return archive_write_set_format_raw(a) == ARCHIVE_OK && archive_write_add_filter_gzip(a) == ARCHIVE_OK &&
	       archive_write_set_options(a, "gzip:compression-level=" LEVEL ",gzip:!timestamp") == ARCHIVE_OK;
}

static bool choose_zip(struct archive *a)
{
	return archive_write_set_format_zip(a) == ARCHIVE_OK &&
	       archive_write_set_options(a, "zip:compression=deflate,zip:compression-level=" LEVEL) == ARCHIVE_OK;
}

static int begin(struct pack *p, enum pack_kind kind, const char *name, int64_t time_s, struct err *err)
{
	if (!p->archive || !p->entry)
		return err_set(err, E_NO_MEMORY, "not enough memory to pack a file");
	if (!(kind == PACK_ZIP ? choose_zip(p->archive) : choose_gzip(p->archive)) ||
	    archive_write_set_bytes_per_block(p->archive, 0) != ARCHIVE_OK)
		return fail(p, err);
	archive_entry_set_pathname(p->entry, name);
	archive_entry_set_filetype(p->entry, AE_IFREG);
	archive_entry_set_perm(p->entry, 0644);
	archive_entry_set_mtime(p->entry, (time_t)time_s, 0);
	p->to = &p->begun;
	if (archive_write_open2(p->archive, p, NULL, on_output, NULL, NULL) != ARCHIVE_OK ||
	    archive_write_header(p->archive, p->entry) != ARCHIVE_OK)
		return fail(p, err);
	p->to = NULL;
	return 0;
}

int pack_open(enum pack_kind kind, const char *name, int64_t time_s, struct pack **ret, struct err *err)
{
	struct pack *p = xalloc(sizeof(*p));
	int rc;

	p->archive = archive_write_new();
	p->entry = archive_entry_new();
	rc = begin(p, kind, name, time_s, err);
	if (rc < 0)
		pack_close(p);
	else
		*ret = p;
	return rc;
}

struct pack *pack_close(struct pack *p)
{
	if (!p)
		return NULL;
	p->to = NULL; /* libarchive ends what is half written, or it would leak; nobody is to have that end */
	archive_write_free(p->archive);
	archive_entry_free(p->entry);
	buf_release(&p->begun);
	free(p);
	return NULL;
}

static void give_begun(struct pack *p, struct buf *to)
{
	buf_put_span(to, buf_span(&p->begun));
	buf_reset(&p->begun);
	p->to = to;
}

int pack_put(struct pack *p, struct span data, struct buf *to, struct err *err)
{
	give_begun(p, to);
	if (data.len > 0 && archive_write_data(p->archive, data.p, data.len) != (la_ssize_t)data.len)
		return fail(p, err);
	p->to = NULL;
	return 0;
}

int pack_end(struct pack *p, struct buf *to, struct err *err)
{
	give_begun(p, to);
	if (archive_write_close(p->archive) != ARCHIVE_OK)
		return fail(p, err);
	p->to = NULL;
	return 0;
}
