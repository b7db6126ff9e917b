/* Reading one journal file: the scan that recovery uses, with offsets. */
#include "store/journal_inspect.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/journal_priv.h"

struct inspect_run {
	struct journal_scan scan;
	journal_inspect_fn *fn;
	void *user;
	uint64_t frames;
};

static int on_frame(void *user, const struct journal_frame *frame, struct span payload, struct err *err)
{
	struct inspect_run *run = user;

	run->frames++;
	return run->fn(run->user, run->scan.off, frame, payload, err);
}

/* Cuts "…/journal/7.jnl" into its folder, which the caller frees, and 7. */
static int cut_path(const char *path, char **ret_folder, uint64_t *ret_number, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char *end;
	uint64_t number = strtoull(name, &end, 10);

	if (name[0] < '0' || name[0] > '9' || strcmp(end, ".jnl") != 0)
		return err_set(err, E_INVALID, "%s is not named as a journal file is: <number>.jnl", path);
	*ret_folder = slash ? xformat("%.*s", (int)(slash - path), path) : xstrdup(".");
	*ret_number = number;
	return 0;
}

static int read_header(struct inspect_run *run, const struct key *key, struct journal_inspection *ret, struct err *err)
{
	struct journal_scan *s = &run->scan;
	uint8_t bytes[JOURNAL_HEADER_LEN];
	struct journal_header header;
	ssize_t n = io_read_full(s->io, s->fd, bytes, sizeof(bytes), 0);
	int rc;

	if (n < 0)
		return err_errno(err, (int)-n, "reading %s", s->path);
	rc = n < (ssize_t)sizeof(bytes) ? E_CORRUPT : journal__header_get(bytes, &header);
	if (rc == E_CORRUPT)
		return err_corrupt(err, 0, "%s has no journal header", s->path);
	if (rc < 0)
		return err_set(err, rc, "%s was made by a newer version", s->path);
	ret->number = header.number;
	ret->sequence = header.sequence;
	ret->size_bytes = s->size;
	return journal__scan_begin(s, &header, key, err);
}

int journal_inspect(struct io *io, const char *path, const struct key *key, journal_inspect_fn *fn, void *user,
		    struct journal_inspection *ret, struct err *err)
{
	struct inspect_run run = {.fn = fn, .user = user};
	struct journal_inspection found = {0};
	char *folder;
	uint64_t number;
	int rc;

	if ((rc = cut_path(path, &folder, &number, err)) < 0)
		return rc;
	rc = journal__scan_open(io, folder, number, O_RDONLY, &run.scan, err);
	free(folder);
	if (rc < 0)
		return rc;
	if ((rc = read_header(&run, key, &found, err)) == 0)
		rc = journal__scan(&run.scan, UINT64_MAX, NULL, on_frame, &run, err);
	if (rc == 0)
		rc = journal__scan_tail(&run.scan, err);
	found.frame_count = run.frames;
	found.end = run.scan.off;
	journal__scan_close(&run.scan);
	if (rc == 0)
		*ret = found;
	return rc;
}
