/* Input files. */
#include "main/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

#define CHUNK_BYTES (256u << 10)

enum input_kind { INPUT_PLAIN, INPUT_GZIP, INPUT_ZSTD };

struct input {
	int fd;
	const char *path; /* borrowed */
	enum input_kind kind;
	bool at_end;      /* of the file */
	bool is_complete; /* no member or frame is open */
	uint8_t *chunk;
	size_t chunk_len;
	size_t chunk_at;
	uint64_t done_bytes;
	uint64_t size_bytes;
	z_stream gzip;
	ZSTD_DStream *zstd;
};

/* Reads the next chunk when the last one is used up. */
static int fill(struct input *in, struct err *err)
{
	ssize_t n;

	if (in->chunk_at < in->chunk_len || in->at_end)
		return 0;
	do
		n = read(in->fd, in->chunk, CHUNK_BYTES);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, errno, "reading %s", in->path);
	in->at_end = n == 0;
	in->chunk_len = (size_t)n;
	in->chunk_at = 0;
	in->done_bytes += (uint64_t)n;
	return 0;
}

static int find_kind(struct input *in, struct err *err)
{
	static const uint8_t gzip_magic[] = {0x1f, 0x8b};
	static const uint8_t zstd_magic[] = {0x28, 0xb5, 0x2f, 0xfd};

	if (in->chunk_len >= sizeof(gzip_magic) && memcmp(in->chunk, gzip_magic, sizeof(gzip_magic)) == 0) {
		in->kind = INPUT_GZIP;
		if (inflateInit2(&in->gzip, 15 + 16) != Z_OK)
			return err_set(err, E_NO_MEMORY, "not enough memory for gzip");
	} else if (in->chunk_len >= sizeof(zstd_magic) && memcmp(in->chunk, zstd_magic, sizeof(zstd_magic)) == 0) {
		in->kind = INPUT_ZSTD;
		in->zstd = ZSTD_createDStream();
		if (!in->zstd)
			return err_set(err, E_NO_MEMORY, "not enough memory for zstd");
		(void)ZSTD_DCtx_setParameter(in->zstd, ZSTD_d_windowLogMax, 31); /* it is the user's own file */
	}
	return 0;
}

int input_open(const char *path, struct input **ret, struct err *err)
{
	struct input *in;
	struct stat st;
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_errno(err, errno, "opening %s", path);
	in = xalloc(sizeof(*in));
	in->fd = fd;
	in->path = path;
	in->is_complete = true;
	in->chunk = xalloc(CHUNK_BYTES);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		in->size_bytes = (uint64_t)st.st_size;
	if ((rc = fill(in, err)) == 0)
		rc = find_kind(in, err);
	if (rc < 0)
		input_close(in);
	else
		*ret = in;
	return rc;
}

struct input *input_close(struct input *in)
{
	if (!in)
		return NULL;
	if (in->kind == INPUT_GZIP)
		inflateEnd(&in->gzip);
	ZSTD_freeDStream(in->zstd);
	close(in->fd);
	free(in->chunk);
	free(in);
	return NULL;
}

static int damaged(const struct input *in, struct err *err)
{
	return err_set(err, E_SYNTAX, "%s is damaged: its %s data does not decompress", in->path,
		       in->kind == INPUT_GZIP ? "gzip" : "zstd");
}

static size_t read_plain(struct input *in, uint8_t *to, size_t len)
{
	size_t n = in->chunk_len - in->chunk_at;

	n = n < len ? n : len;
	memcpy(to, in->chunk + in->chunk_at, n);
	in->chunk_at += n;
	return n;
}

static int64_t read_gzip(struct input *in, uint8_t *to, size_t len, struct err *err)
{
	z_stream *z = &in->gzip;
	int zrc;

	if (in->is_complete && inflateReset(z) != Z_OK)
		return damaged(in, err);
	z->next_in = in->chunk + in->chunk_at;
	z->avail_in = (uInt)(in->chunk_len - in->chunk_at);
	z->next_out = to;
	z->avail_out = (uInt)len;
	zrc = inflate(z, Z_NO_FLUSH);
	if (zrc != Z_OK && zrc != Z_STREAM_END && zrc != Z_BUF_ERROR)
		return damaged(in, err);
	in->is_complete = zrc == Z_STREAM_END;
	in->chunk_at = in->chunk_len - z->avail_in;
	return (int64_t)(len - z->avail_out);
}

static int64_t read_zstd(struct input *in, uint8_t *to, size_t len, struct err *err)
{
	ZSTD_inBuffer from = {in->chunk, in->chunk_len, in->chunk_at};
	ZSTD_outBuffer out = {to, len, 0};
	size_t left = ZSTD_decompressStream(in->zstd, &out, &from);

	if (ZSTD_isError(left))
		return damaged(in, err);
	in->is_complete = left == 0;
	in->chunk_at = from.pos;
	return (int64_t)out.pos;
}

int64_t input_read(struct input *in, uint8_t *to, size_t len, struct err *err)
{
	int64_t n = 0;
	int rc;

	len = len < UINT32_MAX ? len : UINT32_MAX;
	while (n == 0 && len > 0) {
		if ((rc = fill(in, err)) < 0)
			return rc;
		if (in->at_end && (in->kind == INPUT_PLAIN || in->is_complete))
			return 0;
		if (in->kind == INPUT_PLAIN)
			n = (int64_t)read_plain(in, to, len);
		else
			n = in->kind == INPUT_GZIP ? read_gzip(in, to, len, err) : read_zstd(in, to, len, err);
		if (n == 0 && in->at_end && !in->is_complete)
			return damaged(in, err);
	}
	return n;
}

void input_progress(const struct input *in, uint64_t *ret_done_bytes, uint64_t *ret_size_bytes)
{
	*ret_done_bytes = in->done_bytes;
	*ret_size_bytes = in->size_bytes;
}
