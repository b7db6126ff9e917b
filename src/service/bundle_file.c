/*
 * Files of a bundle in lines and bytes. A thread unpacks up to PIECES pieces ahead. A line is copied only when it
 * stands in two of them.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/thread.h"
#include "codec/limits.h"
#include "service/bundle_priv.h"

#define PIECES 4u
#define PIECE_BYTES                                                                                                    \
	(256u << 10) /* of unpacked bytes: they stay in a processor's cache from one thread to the other               \
		      */
#define TEXT_BYTES 4096u

/* Pieces that are unpacked and those that are free again are counted; between the two lie the ones that wait. */
struct bundle_ahead {
	struct bundle_stream *stream;
	struct thread thread;
	uint8_t *bytes[PIECES];
	size_t len[PIECES];

	struct mutex mu; /* guards what follows */
	struct cond changed;
	uint64_t unpacked, freed;
	bool is_over; /* nothing more is unpacked: the end, or a failure */
	int rc;
	struct err err;
	bool is_closing;
};

/* Waits for a free piece; false when there is nothing more to do. */
static bool wait_for_room(struct bundle_ahead *a)
{
	bool goes_on;

	mutex_lock(&a->mu);
	while (!a->is_closing && a->unpacked - a->freed == PIECES)
		cond_wait(&a->changed, &a->mu);
	goes_on = !a->is_closing;
	mutex_unlock(&a->mu);
	return goes_on;
}

static void *run_ahead(void *arg)
{
	struct bundle_ahead *a = arg;
	bool is_over = false;

	for (uint64_t n = 0; !is_over && wait_for_room(a); n++) {
		size_t len = 0;
		struct err err = ERR_INIT;
		int rc = bundle__stream_read(a->stream, a->bytes[n % PIECES], PIECE_BYTES, &len, &err);

		is_over = rc < 0 || len < PIECE_BYTES;
		a->len[n % PIECES] = len;
		mutex_lock(&a->mu);
		a->unpacked += rc == 0 && len > 0;
		a->is_over = is_over;
		a->rc = rc;
		a->err = err;
		cond_signal(&a->changed);
		mutex_unlock(&a->mu);
	}
	return NULL;
}

int bundle__file_open(struct bundle_file *f, const struct bundle_zip *z, const char *name, struct err *err)
{
	struct bundle_stream *stream = NULL;
	struct bundle_ahead *a;
	int rc = bundle__stream_open(z, name, &stream, err);

	*f = (struct bundle_file){.name = name};
	if (rc < 0)
		return rc;
	f->ahead = a = xalloc(sizeof(*a));
	a->stream = stream;
	for (unsigned i = 0; i < PIECES; i++)
		a->bytes[i] = xalloc(PIECE_BYTES);
	mutex_init(&a->mu);
	cond_init(&a->changed);
	thread_start(&a->thread, "unpack", run_ahead, a);
	return 0;
}

static void close_ahead(struct bundle_ahead *a)
{
	mutex_lock(&a->mu);
	a->is_closing = true;
	cond_signal(&a->changed);
	mutex_unlock(&a->mu);
	thread_join(&a->thread);
	bundle__stream_close(a->stream);
	for (unsigned i = 0; i < PIECES; i++)
		free(a->bytes[i]);
	cond_release(&a->changed);
	mutex_release(&a->mu);
	free(a);
}

void bundle__file_close(struct bundle_file *f)
{
	if (f->ahead)
		close_ahead(f->ahead);
	buf_release(&f->carry);
	*f = (struct bundle_file){0};
}

/* The next piece, the one before being free again; 1 at the end, when the checksum was compared. */
static int next_piece(struct bundle_file *f, struct err *err)
{
	struct bundle_ahead *a = f->ahead;
	int rc = 1;

	mutex_lock(&a->mu);
	a->freed += f->off > 0 && a->freed < a->unpacked;
	cond_signal(&a->changed);
	f->rest = span_of(NULL, 0);
	while (a->freed == a->unpacked && !a->is_over)
		cond_wait(&a->changed, &a->mu);
	if (a->freed < a->unpacked) {
		f->rest = span_of(a->bytes[a->freed % PIECES], a->len[a->freed % PIECES]);
		rc = 0;
	} else if (a->rc < 0) {
		rc = a->rc;
		if (err)
			*err = a->err;
	}
	mutex_unlock(&a->mu);
	f->off += f->rest.len;
	return rc;
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

int bundle__text(const struct bundle_zip *z, const char *name, size_t max, struct buf *to, struct err *err)
{
	struct bundle_stream *s = NULL;
	size_t start = to->len, n = 1;
	int rc = bundle__stream_open(z, name, &s, err);

	while (rc == 0 && n > 0) {
		uint8_t piece[TEXT_BYTES];

		rc = bundle__stream_read(s, piece, sizeof(piece), &n, err);
		if (rc == 0 && to->len - start + n > max)
			rc = err_set(err, E_SYNTAX, "%s is longer than it can be", name);
		if (rc == 0)
			buf_put(to, piece, n);
	}
	if (rc == 0 && !buf_ok(to))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for %s", name);
	bundle__stream_close(s);
	return rc;
}
