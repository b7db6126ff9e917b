/* Journal files on the disk: making, finishing and deleting them. */
#include "store/journal_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"

#define FILE_MODE 0600 /* an audit log is nobody else's to read */

char *journal__path(const char *folder, uint64_t number)
{
	return xformat("%s/%" PRIu64 ".jnl", folder, number);
}

static int fail(struct err *err, const char *path, int rc, const char *what)
{
	err_set_field(err, path, strlen(path));
	return err_errno(err, -rc, "%s %s", what, path);
}

/* Header and name: both durable before the first frame, so that a file with frames always has its header. */
static int begin_file(struct io *io, const char *folder, const char *path, const struct journal_file *f,
		      struct err *err)
{
	uint8_t header[JOURNAL_HEADER_LEN];
	int rc;

	journal__header_put(&f->header, header);
	rc = io_write_full(io, f->fd, header, sizeof(header), 0);
	if (rc < 0)
		return fail(err, path, rc, "writing");
	rc = io->sync(io, f->fd);
	if (rc < 0)
		return fail(err, path, rc, "syncing");
	rc = io->sync_folder(io, folder);
	return rc < 0 ? fail(err, folder, rc, "syncing the folder") : 0;
}

/* A file with its space and no header. */
static int create_file(struct io *io, const char *path, uint64_t size, struct err *err)
{
	int fd = io->open(io, path, O_RDWR | O_CREAT | O_EXCL, FILE_MODE);
	int rc;

	if (fd < 0)
		return fail(err, path, fd, "creating");
	rc = io->allocate(io, fd, size);
	if (rc == 0)
		return fd;
	(void)io->close(io, fd);
	(void)io->unlink(io, path); /* without a header it does not count, should it stay */
	return fail(err, path, rc, "reserving space for");
}

int journal__file_make(struct io *io, const char *folder, const struct journal_header *header, uint64_t size,
		       struct journal_file **ret, struct err *err)
{
	char *path = journal__path(folder, header->number);
	struct journal_file *f;
	int rc = create_file(io, path, size, err);

	if (rc < 0)
		goto out;
	f = xalloc(sizeof(*f));
	f->header = *header;
	f->seed = journal__seed(header);
	f->fd = rc;
	f->size = size;
	f->end = JOURNAL_HEADER_LEN;
	f->next = header->sequence;
	*ret = f;
	rc = begin_file(io, folder, path, f, err);
	if (rc < 0)
		journal__file_finish(io, f);
out:
	free(path);
	return rc;
}

int journal__file_grow(struct io *io, const char *folder, const struct journal_file *f, uint64_t size, struct err *err)
{
	int rc = io->allocate(io, f->fd, size);

	if (rc < 0) {
		char *path = journal__path(folder, f->header.number);

		rc = fail(err, path, rc, "reserving space for");
		free(path);
	}
	return rc;
}

void journal__file_finish(struct io *io, struct journal_file *f)
{
	f->aead = aead_free(f->aead);
	if (f->fd < 0)
		return;
	if (io->truncate(io, f->fd, f->end) == 0)
		f->size = f->end;
	(void)io->close(io, f->fd); /* all that counts is synced */
	f->fd = -1;
}

int journal__file_delete(struct io *io, const char *folder, struct journal_file *f, struct err *err)
{
	char *path = journal__path(folder, f->header.number);
	int rc;

	f->is_going = true;
	rc = io->unlink(io, path);
	if (rc < 0 && rc != -ENOENT) {
		rc = fail(err, path, rc, "deleting");
		goto out;
	}
	/* One at a time: a later file must never be gone while an earlier one comes back. */
	rc = io->sync_folder(io, folder);
	if (rc < 0)
		rc = fail(err, folder, rc, "syncing the folder");
out:
	free(path);
	return rc;
}

struct journal_file *journal__file_free(struct journal_file *f)
{
	if (f) {
		journal__marks_release(&f->marks);
		aead_free(f->aead);
		free(f);
	}
	return NULL;
}
