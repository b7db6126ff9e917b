/* Bodies: taking pieces in, undoing gzip and zstd, keeping to the limits. */
#include "api/body.h"

#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include "api/limits.h"
#include "base/mem.h"

#define INFLATE_STEP 65536u /* at least so much room is offered to a decoder */
#define GZIP_BYTES   40960u /* about what zlib's decoder holds: 32 KiB of window and its tables */

int body_encoding_of(const char *header, enum body_encoding *ret, struct err *err)
{
	if (!header || header[0] == '\0' || strcasecmp(header, "identity") == 0) {
		*ret = BODY_PLAIN;
		return 0;
	}
	if (strcasecmp(header, "gzip") == 0 || strcasecmp(header, "x-gzip") == 0) {
		*ret = BODY_GZIP;
		return 0;
	}
	if (strcasecmp(header, "zstd") == 0) {
		*ret = BODY_ZSTD;
		return 0;
	}
	err_set_field(err, "Content-Encoding", strlen("Content-Encoding"));
	return err_set(err, E_MEDIA_TYPE, "Content-Encoding '%s' is not supported; send gzip, zstd or none", header);
}

static int begin_gzip(struct body *b, struct err *err)
{
	if (b->gzip)
		return inflateReset(b->gzip) == Z_OK ? 0 : err_set(err, E_INTERNAL, "gzip does not start");
	b->gzip = xalloc(sizeof(z_stream));
	if (inflateInit2((z_stream *)b->gzip, 15 + 16) == Z_OK) /* 15: largest window; 16: with a gzip header */
		return 0;
	free(b->gzip);
	b->gzip = NULL;
	return err_set(err, E_NO_MEMORY, "not enough memory for gzip");
}

static int begin_zstd(struct body *b, struct err *err)
{
	if (!b->zstd)
		b->zstd = ZSTD_createDStream();
	if (!b->zstd)
		return err_set(err, E_NO_MEMORY, "not enough memory for zstd");
	(void)ZSTD_DCtx_reset(b->zstd, ZSTD_reset_session_only);
	(void)ZSTD_DCtx_setParameter(b->zstd, ZSTD_d_windowLogMax, BODY_ZSTD_LOG_MAX);
	return 0;
}

int body_begin(struct body *b, enum body_encoding encoding, struct budget *budget, struct err *err)
{
	body_reset(b);
	b->encoding = encoding;
	b->received_bytes = 0;
	b->received_max = BODY_BYTES_MAX;
	b->inflated_max = BODY_INFLATED_MAX;
	b->is_complete = true;
	b->budget = budget;
	if (encoding == BODY_GZIP)
		return begin_gzip(b, err);
	return encoding == BODY_ZSTD ? begin_zstd(b, err) : 0;
}

void body_limit(struct body *b, uint32_t max)
{
	b->received_max = max;
	b->inflated_max = max;
}

static int charge(struct body *b, uint64_t bytes, struct err *err)
{
	if (!budget_charge(b->budget, bytes))
		return err_set(err, E_UNAVAILABLE,
			       "the server holds %u MiB of requests and takes no more at once; try again in a second",
			       BODY_MEMORY_MAX >> 20);
	b->charged_bytes += bytes;
	return 0;
}

static int too_large(const char *what, uint32_t max, struct err *err)
{
	if (max <= JSON_BODY_MAX)
		return err_set(err, E_TOO_LARGE, "the body has more than %u KiB%s", max >> 10, what);
	return err_set(err, E_TOO_LARGE, "the body has more than %u MiB%s; send the events in several requests",
		       max >> 20, what);
}

/* Room for a decoder's output, never past the limit by more than the one byte that shows it. */
static int make_room(struct body *b, uint8_t **ret_to, size_t *ret_room, struct err *err)
{
	size_t left = (size_t)b->inflated_max + 1 - b->bytes.len;
	size_t room = b->bytes.cap - b->bytes.len;

	if (room < INFLATE_STEP)
		room = INFLATE_STEP;
	if (room > left)
		room = left;
	*ret_to = buf_room(&b->bytes, room);
	*ret_room = room;
	return *ret_to ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for the body");
}

static int take_inflated(struct body *b, size_t len, struct err *err)
{
	int rc;

	if ((rc = charge(b, len, err)) < 0)
		return rc;
	buf_commit(&b->bytes, len);
	return b->bytes.len <= b->inflated_max ? 0 : too_large(" once it is decompressed", b->inflated_max, err);
}

static int not_compressed(const struct body *b, size_t rest, const char *name, struct err *err)
{
	if (err)
		err->offset = (int64_t)(b->received_bytes - rest);
	return err_set(err, E_SYNTAX, "the body is not valid %s, which Content-Encoding says it is", name);
}

static int feed_gzip(struct body *b, struct span piece, struct err *err)
{
	z_stream *z = b->gzip;
	bool is_full = false; /* the decoder may hold more than it had room for */
	int rc;

	z->next_in = (Bytef *)(uintptr_t)piece.p; /* zlib takes no const, and does not write to it */
	z->avail_in = (uInt)piece.len;
	while (z->avail_in > 0 || (is_full && !b->is_complete)) {
		uint8_t *to;
		size_t room;
		int zrc;

		if (b->is_complete && inflateReset(z) != Z_OK) /* the first member, or one more */
			return err_set(err, E_INTERNAL, "gzip does not start");
		if ((rc = make_room(b, &to, &room, err)) < 0)
			return rc;
		z->next_out = to;
		z->avail_out = (uInt)room;
		zrc = inflate(z, Z_NO_FLUSH);
		if (zrc != Z_OK && zrc != Z_STREAM_END && zrc != Z_BUF_ERROR)
			return not_compressed(b, z->avail_in, "gzip", err);
		is_full = z->avail_out == 0;
		b->is_complete = zrc == Z_STREAM_END;
		if ((rc = take_inflated(b, room - z->avail_out, err)) < 0)
			return rc;
	}
	return 0;
}

static int feed_zstd(struct body *b, struct span piece, struct err *err)
{
	ZSTD_inBuffer in = {piece.p, piece.len, 0};
	bool is_full = false;
	int rc;

	while (in.pos < in.size || (is_full && !b->is_complete)) {
		ZSTD_outBuffer out = {NULL, 0, 0};
		uint8_t *to;
		size_t left;

		if ((rc = make_room(b, &to, &out.size, err)) < 0)
			return rc;
		out.dst = to;
		left = ZSTD_decompressStream(b->zstd, &out, &in);
		if (ZSTD_isError(left))
			return not_compressed(b, in.size - in.pos, "zstd", err);
		is_full = out.pos == out.size;
		b->is_complete = left == 0;
		if ((rc = take_inflated(b, out.pos, err)) < 0)
			return rc;
	}
	return 0;
}

static int feed_plain(struct body *b, struct span piece, struct err *err)
{
	int rc;

	if ((rc = charge(b, piece.len, err)) < 0)
		return rc;
	buf_put_span(&b->bytes, piece);
	return buf_ok(&b->bytes) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for the body");
}

int body_feed(struct body *b, struct span piece, struct err *err)
{
	if (piece.len == 0)
		return 0;
	b->received_bytes += piece.len;
	if (b->received_bytes > b->received_max)
		return too_large("", b->received_max, err);
	switch (b->encoding) {
	case BODY_GZIP:
		return feed_gzip(b, piece, err);
	case BODY_ZSTD:
		return feed_zstd(b, piece, err);
	case BODY_PLAIN:
		break;
	}
	return feed_plain(b, piece, err);
}

int body_end(struct body *b, struct err *err)
{
	if (b->is_complete)
		return 0;
	if (err)
		err->offset = (int64_t)b->received_bytes;
	return err_set(err, E_SYNTAX, "the compressed body ends in its middle");
}

void body_reset(struct body *b)
{
	if (b->budget)
		budget_return(b->budget, b->charged_bytes);
	b->charged_bytes = 0;
	buf_reset(&b->bytes);
}

static size_t zstd_bytes(const struct body *b)
{
	return ZSTD_sizeof_DStream(b->zstd); /* 0 for none */
}

size_t body_held_bytes(const struct body *b)
{
	return b->bytes.cap + zstd_bytes(b) + (b->gzip ? GZIP_BYTES : 0);
}

void body_trim(struct body *b, size_t max)
{
	if (b->bytes.cap > max)
		buf_release(&b->bytes);
	if (zstd_bytes(b) > max) {
		ZSTD_freeDStream(b->zstd);
		b->zstd = NULL;
	}
}

void body_release(struct body *b)
{
	body_reset(b);
	buf_release(&b->bytes);
	if (b->gzip)
		inflateEnd(b->gzip);
	free(b->gzip);
	b->gzip = NULL;
	ZSTD_freeDStream(b->zstd);
	b->zstd = NULL;
}
