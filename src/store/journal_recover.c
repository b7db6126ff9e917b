/*
 * Opening a folder of journal files. The valid headers are read first: a file's frames end where the next file's begin,
 * whatever else it holds (a commit that failed, after which the journal went on in a new file). So every file but the
 * last must give all its frames, and the last one its valid prefix.
 *
 * A file whose header is not valid was never begun: the header is synced before the first frame. If it holds frames all
 * the same, its header is damaged. It is skipped when it is empty; the continuity of sequence numbers tells whether
 * anything is missing.
 *
 * The last commit of the last file may be unsynced even though it reads well: the process may have died before its
 * sync, or after one that failed, which leaves pages that look written. So its bytes are written in place once more and
 * synced; only then are they taken for durable.
 */
#include "store/journal_priv.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/durable.h"
#include "base/mem.h"

#define NUMBER_DIGITS_MAX 19
#define COPY_BYTES        (1u << 20)

struct recovery {
	struct io *io;
	const char *folder;
	const struct key *key;
	journal_replay_fn *fn;
	void *user;
	struct journal_recovery *out;
};

static bool parse_number(const char *name, uint64_t *ret)
{
	size_t digits = strspn(name, "0123456789");
	uint64_t n = 0;

	if (digits == 0 || digits > NUMBER_DIGITS_MAX || (name[0] == '0' && digits > 1) ||
	    strcmp(name + digits, ".jnl") != 0)
		return false;
	for (size_t i = 0; i < digits; i++)
		n = n * 10 + (uint64_t)(name[i] - '0');
	*ret = n;
	return true;
}

static int take_name(void *user, const char *name)
{
	struct journal_recovery *out = user;
	uint64_t number;

	if (!parse_number(name, &number))
		return 0; /* not ours */
	out->numbers = xrealloc(out->numbers, (out->number_count + 1) * sizeof(*out->numbers));
	out->numbers[out->number_count++] = number;
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int list_files(struct recovery *r, struct err *err)
{
	struct journal_recovery *out = r->out;
	int rc = r->io->list(r->io, r->folder, take_name, out);

	if (rc < 0) {
		err_set_field(err, r->folder, strlen(r->folder));
		return err_errno(err, -rc, "listing %s", r->folder);
	}
	if (out->number_count > 0) {
		qsort(out->numbers, out->number_count, sizeof(*out->numbers), compare_numbers);
		out->number_max = out->numbers[out->number_count - 1];
	}
	return 0;
}

/* True when the file holds nothing behind its header. */
static int check_blank(struct journal_scan *s, struct err *err)
{
	uint8_t *p = xalloc(COPY_BYTES);
	int rc = 0;

	for (uint64_t off = JOURNAL_HEADER_LEN; rc == 0 && off < s->size; off += COPY_BYTES) {
		ssize_t n = io_read_full(s->io, s->fd, p, COPY_BYTES, off);

		if (n < 0)
			rc = err_errno(err, (int)-n, "reading %s", s->path);
		else if (n > 0 && (p[0] != 0 || memcmp(p, p + 1, (size_t)n - 1) != 0))
			rc = err_corrupt(err, 0, "%s: the header is damaged", s->path);
		else if (n < (ssize_t)COPY_BYTES)
			break;
	}
	free(p);
	return rc;
}

static int check_header(const struct recovery *r, const struct journal_scan *s, const struct journal_header *h,
			uint64_t number, struct err *err)
{
	const struct journal_recovery *out = r->out;

	if (h->number != number)
		return err_corrupt(err, 32, "%s says that it is file %" PRIu64, s->path, h->number);
	if (out->has_node_id && memcmp(out->node_id, h->node_id, JOURNAL_NODE_ID_LEN) != 0)
		return err_corrupt(err, 16, "%s is of another node than %" PRIu64 ".jnl", s->path,
				   out->oldest->header.number);
	if (out->newest && h->sequence < out->newest->header.sequence)
		return err_corrupt(err, 40, "%s continues from %" PRIu64 ", before the file it follows", s->path,
				   h->sequence);
	return 0;
}

static void add_file(struct journal_recovery *out, const struct journal_header *h, uint64_t size)
{
	struct journal_file *f = xalloc(sizeof(*f));

	f->header = *h;
	f->seed = journal__seed(h);
	f->size = size;
	f->next = h->sequence;
	f->fd = -1;
	if (out->newest)
		out->newest->newer = f;
	else
		out->oldest = f;
	out->newest = f;
	memcpy(out->node_id, h->node_id, JOURNAL_NODE_ID_LEN);
	out->has_node_id = true;
}

static int read_header(struct recovery *r, struct journal_scan *s, uint64_t number, struct err *err)
{
	uint8_t bytes[JOURNAL_HEADER_LEN] = {0};
	struct journal_header h;
	ssize_t n = io_read_full(r->io, s->fd, bytes, sizeof(bytes), 0);
	int rc;

	if (n < 0)
		return err_errno(err, (int)-n, "reading %s", s->path);
	rc = journal__header_get(bytes, &h);
	if (rc == E_UNSUPPORTED)
		return err_set(err, rc, "%s is of another version; this one reads %d", s->path, JOURNAL_VERSION);
	if (rc < 0)
		return check_blank(s, err);
	rc = check_header(r, s, &h, number, err);
	if (rc == 0)
		add_file(r->out, &h, s->size);
	return rc;
}

static int read_headers(struct recovery *r, struct err *err)
{
	const struct journal_recovery *out = r->out;
	int rc = 0;

	for (size_t i = 0; i < out->number_count && rc == 0; i++) {
		struct journal_scan s;

		rc = journal__scan_open(r->io, r->folder, out->numbers[i], O_RDONLY, &s, err);
		if (rc < 0)
			break;
		rc = read_header(r, &s, out->numbers[i], err);
		if (rc < 0)
			err_set_field(err, s.path, strlen(s.path));
		journal__scan_close(&s);
	}
	return rc;
}

/* Writes the last commit again where it stands, and syncs. */
static int settle_commit(struct journal_scan *s, struct err *err)
{
	uint8_t *p = xalloc(COPY_BYTES);
	int rc = 0;

	for (uint64_t off = s->commit_at; rc == 0 && off < s->off; off += COPY_BYTES) {
		size_t len = s->off - off < COPY_BYTES ? (size_t)(s->off - off) : COPY_BYTES;
		ssize_t n = io_read_full(s->io, s->fd, p, len, off);

		rc = n < 0 ? (int)n : io_write_full(s->io, s->fd, p, (size_t)n, off);
	}
	free(p);
	if (rc == 0)
		rc = s->io->sync(s->io, s->fd);
	return rc < 0 ? err_errno(err, -rc, "settling the last commit of %s", s->path) : 0;
}

static int fail_missing(const struct journal_scan *s, const struct journal_file *f, struct err *err)
{
	return err_corrupt(err, (int64_t)s->off,
			   "%s: frame %" PRIu64 " at offset %" PRIu64 " is damaged, and %" PRIu64
			   ".jnl continues from frame %" PRIu64,
			   s->path, s->next, s->off, f->newer->header.number, f->newer->header.sequence);
}

static int scan_file(struct recovery *r, struct journal_file *f, struct err *err)
{
	uint64_t end = f->newer ? f->newer->header.sequence : UINT64_MAX;
	struct journal_scan s;
	int rc = journal__scan_open(r->io, r->folder, f->header.number, f->newer ? O_RDONLY : O_RDWR, &s, err);

	if (rc < 0)
		return rc;
	rc = journal__scan_begin(&s, &f->header, r->key, err);
	if (rc == 0)
		rc = journal__scan(&s, end, &f->marks, r->fn, r->user, err);
	if (rc == 0 && f->newer && s.next != end)
		rc = fail_missing(&s, f, err);
	if (rc == 0 && !f->newer)
		rc = journal__scan_tail(&s, err);
	if (rc == 0 && !f->newer && s.commit_at > 0)
		rc = settle_commit(&s, err);
	f->end = s.off;
	f->next = s.next;
	if (rc == 0 && !f->newer && r->io->truncate(r->io, s.fd, s.off) == 0)
		f->size = s.off; /* gives the space back; whether that is durable does not matter */
	if (rc < 0)
		err_set_field(err, s.path, strlen(s.path));
	journal__scan_close(&s);
	return rc;
}

void journal__recovery_release(struct journal_recovery *r)
{
	while (r->oldest) {
		struct journal_file *f = r->oldest;

		r->oldest = f->newer;
		journal__file_free(f);
	}
	r->newest = NULL;
	free(r->numbers);
	r->numbers = NULL;
}

static bool is_listed(const struct journal_recovery *out, uint64_t number)
{
	for (const struct journal_file *f = out->oldest; f; f = f->newer) {
		if (f->header.number == number)
			return true;
	}
	return false;
}

/* Forgets the files without frames. */
static void drop_empty(struct journal_recovery *out)
{
	struct journal_file **at = &out->oldest;

	out->newest = NULL;
	while (*at) {
		struct journal_file *f = *at;

		if (f->next > f->header.sequence) {
			out->newest = f;
			at = &f->newer;
		} else {
			*at = f->newer;
			journal__file_free(f);
		}
	}
}

int journal__recovery_sweep(const struct journal_recovery *r, struct io *io, const char *folder, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < r->number_count && rc == 0; i++) {
		char *path = journal__path(folder, r->numbers[i]);

		if (!is_listed(r, r->numbers[i]) && (rc = io->unlink(io, path)) < 0)
			err_errno(err, -rc, "deleting %s", path);
		free(path);
	}
	/* One that came back when the files behind it are trimmed would look like the start of missing frames. */
	if (rc == 0 && (rc = io->sync_folder(io, folder)) < 0)
		err_errno(err, -rc, "syncing the folder %s", folder);
	return rc < 0 ? E_IO : 0;
}

int journal__recover(struct io *io, const char *folder, const struct key *key, journal_replay_fn *fn, void *user,
		     struct journal_recovery *ret, struct err *err)
{
	struct journal_recovery out = {0};
	struct recovery r = {.io = io, .folder = folder, .key = key, .fn = fn, .user = user, .out = &out};
	int rc = list_files(&r, err);

	if (rc == 0)
		rc = read_headers(&r, err);
	for (struct journal_file *f = out.oldest; f && rc == 0; f = f->newer) {
		rc = scan_file(&r, f, err);
		out.next = f->next;
	}
	if (rc == 0) {
		drop_empty(&out);
		*ret = out;
	} else {
		journal__recovery_release(&out);
	}
	return rc;
}
