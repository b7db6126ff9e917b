/* What is measured is the server: one buffer that is read into again and again, newlines found by memchr. */
#include "wire_drain.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/mem.h"

#define DRAIN_BYTES    (256u << 10)
#define CHUNK_HEAD_MAX 64

enum drain_state { IN_SIZE, IN_DATA, BEHIND_DATA, IN_TRAILER, AT_END };

struct drain {
	int fd;
	uint8_t *buf;
	size_t len;
	size_t at;
	bool is_chunked;
	enum drain_state state;
	uint64_t left;             /* of the chunk, or of the whole body */
	char line[CHUNK_HEAD_MAX]; /* a chunk's head or a trailer so far */
	size_t line_len;
	struct wire_drained *out;
};

static int refill(struct drain *d, struct err *err)
{
	ssize_t n;

	do {
		n = recv(d->fd, d->buf + d->len, DRAIN_BYTES - d->len, 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? err_errno(err, errno, "receiving an answer")
			     : err_set(err, E_CLOSED, "the server closed the connection within an answer");
	d->len += (size_t)n;
	return 0;
}

/* The value of a header, without leading blanks; NULL when it is not there. `head` ends with an empty line. */
static const char *header(const char *head, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = strchr(head, '\n'); line; line = strchr(line + 1, '\n')) {
		if (strncasecmp(line + 1, name, len) == 0 && line[1 + len] == ':')
			return line + 2 + len + strspn(line + 2 + len, " ");
	}
	return NULL;
}

static int read_head(struct drain *d, struct err *err)
{
	const char *length;
	const char *encoding;
	uint8_t *blank;
	int rc = 0;

	while ((blank = memmem(d->buf, d->len, "\r\n\r\n", 4)) == NULL) {
		if (d->len == DRAIN_BYTES)
			return err_set(err, E_SYNTAX, "the answer has no head");
		if ((rc = refill(d, err)) < 0)
			return rc;
	}
	blank[2] = '\0';
	d->at = (size_t)(blank - d->buf) + 4;
	if (d->at < 16 || memcmp(d->buf, "HTTP/1.", 7) != 0)
		return err_set(err, E_SYNTAX, "the answer is no HTTP");
	d->out->status = (int)strtol((char *)d->buf + 9, NULL, 10);
	length = header((char *)d->buf, "Content-Length");
	encoding = header((char *)d->buf, "Transfer-Encoding");
	d->is_chunked = encoding && strncasecmp(encoding, "chunked", 7) == 0;
	if (!d->is_chunked && !length)
		return err_set(err, E_SYNTAX, "the answer has neither a length nor chunks");
	d->left = d->is_chunked ? 0 : strtoull(length, NULL, 10);
	d->state = d->is_chunked ? IN_SIZE : d->left > 0 ? IN_DATA : AT_END;
	return 0;
}

static void take_data(struct drain *d, size_t n)
{
	const uint8_t *at = d->buf + d->at;
	const uint8_t *end = at + n;
	size_t room = sizeof(d->out->beginning) - 1;

	if (d->out->bytes < room)
		memcpy(d->out->beginning + d->out->bytes, at, n < room - d->out->bytes ? n : room - d->out->bytes);
	d->out->bytes += n;
	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		d->out->lines++;
		at++;
	}
	d->at += n;
	d->left -= n;
	if (d->left == 0)
		d->state = d->is_chunked ? BEHIND_DATA : AT_END;
}

/* The line of framing that ended. */
static int take_line(struct drain *d, struct err *err)
{
	char *end;

	d->line[d->line_len] = '\0';
	d->line_len = 0;
	if (d->state == BEHIND_DATA) {
		d->state = IN_SIZE;
	} else if (d->state == IN_TRAILER) {
		d->state = d->line[0] ? IN_TRAILER : AT_END;
	} else {
		d->left = strtoull(d->line, &end, 16);
		if (end == d->line)
			return err_set(err, E_SYNTAX, "'%s' is no size of a chunk", d->line);
		d->state = d->left > 0 ? IN_DATA : IN_TRAILER;
	}
	return 0;
}

static int take_framing(struct drain *d, struct err *err)
{
	uint8_t c = d->buf[d->at++];

	if (c == '\n')
		return take_line(d, err);
	if (c == '\r')
		return 0;
	if (d->line_len == sizeof(d->line) - 1)
		return err_set(err, E_SYNTAX, "an answer's chunk has no size");
	d->line[d->line_len++] = (char)c;
	return 0;
}

static int run_drain(struct drain *d, struct err *err)
{
	int rc = read_head(d, err);

	while (rc == 0 && d->state != AT_END) {
		if (d->at == d->len) {
			d->at = 0;
			d->len = 0;
			rc = refill(d, err);
		} else if (d->state == IN_DATA) {
			take_data(d, d->left < d->len - d->at ? (size_t)d->left : d->len - d->at);
		} else {
			rc = take_framing(d, err);
		}
	}
	return rc;
}

int wire_drain(int fd, struct wire_drained *ret, struct err *err)
{
	struct drain d = {.fd = fd, .buf = xalloc(DRAIN_BYTES), .out = ret};
	int rc;

	*ret = (struct wire_drained){.status = 0};
	rc = run_drain(&d, err);
	free(d.buf);
	return rc;
}
