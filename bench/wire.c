/* Just enough HTTP for measuring. */
#include "wire.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES (64u << 10)
#define QUOTED_BYTES  200

int wire_address_parse(const char *url, struct wire_address *ret, struct err *err)
{
	static const char scheme[] = "http://";
	const char *begin = url + sizeof(scheme) - 1;
	const char *colon;
	size_t end;

	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0 || !(colon = strchr(begin, ':')))
		return err_set(err, E_INVALID, "'%s' is no address; give http://host:port", url);
	end = strcspn(begin, "/");
	if (begin + end < colon || end >= sizeof(ret->host) || (size_t)(colon - begin) >= sizeof(ret->name) ||
	    (size_t)(begin + end - colon) > sizeof(ret->port))
		return err_set(err, E_INVALID, "'%s' is no address; give http://host:port", url);
	snprintf(ret->host, sizeof(ret->host), "%.*s", (int)end, begin);
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(colon - begin), begin);
	snprintf(ret->port, sizeof(ret->port), "%.*s", (int)(begin + end - colon - 1), colon + 1);
	return 0;
}

int wire_connect(const struct wire_address *address, int *ret_fd, struct err *err)
{
	const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int one = 1;
	int rc = 0;
	int fd = -1;

	if (getaddrinfo(address->name, address->port, &hints, &found) != 0)
		return err_set(err, E_UNAVAILABLE, "%s is no known host", address->host);
	fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
		rc = err_set(err, E_UNAVAILABLE, "%s: %s", address->host, strerror(errno));
		goto out;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*ret_fd = fd;
	fd = -1;
out:
	if (fd >= 0)
		close(fd);
	freeaddrinfo(found);
	return rc;
}

void wire_put_head(struct buf *to, const struct wire_address *address, const char *method, const char *path,
		   const char *key, const char *content_type)
{
	buf_printf(to, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, address->host);
	if (key)
		buf_printf(to, "Authorization: Bearer %s\r\n", key);
	if (content_type)
		buf_printf(to, "Content-Type: %s\r\n", content_type);
}

int wire_send(int fd, struct span bytes, bool more, struct err *err)
{
	size_t done = 0;

	while (done < bytes.len) {
		ssize_t n = send(fd, bytes.p + done, bytes.len - done, MSG_NOSIGNAL | (more ? MSG_MORE : 0));

		if (n < 0 && errno != EINTR)
			return err_errno(err, errno, "sending a request");
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

int wire_send_file(int fd, int file, uint64_t off, uint64_t len, struct err *err)
{
	off_t at = (off_t)off;

	while ((uint64_t)at < off + len) {
		ssize_t n = sendfile(fd, file, &at, off + len - (uint64_t)at);

		if (n == 0)
			return err_set(err, E_IO, "the file of events became shorter");
		if (n < 0 && errno != EINTR)
			return err_errno(err, errno, "sending a body");
	}
	return 0;
}

/* ---- answers ---- */

void wire_reply_release(struct wire_reply *r)
{
	buf_release(&r->bytes);
	*r = (struct wire_reply)WIRE_REPLY_INIT;
}

void wire_reply_reset(struct wire_reply *r)
{
	buf_reset(&r->bytes);
	r->status = 0;
	r->head_len = 0;
	r->body_len = 0;
}

struct span wire_reply_body(const struct wire_reply *r)
{
	return span_of(r->bytes.p + r->head_len, r->bytes.len - r->head_len);
}

static int read_head(struct wire_reply *r, size_t head_len, struct err *err)
{
	const char *line = (const char *)r->bytes.p;
	const char *end = line + head_len - 2;

	if (head_len < 16 || strncmp(line, "HTTP/1.", 7) != 0)
		return err_set(err, E_SYNTAX, "the answer is no HTTP");
	r->status = (int)strtol(line + 9, NULL, 10);
	r->head_len = head_len;
	while (line < end) {
		if (strncasecmp(line, "Content-Length:", 15) == 0)
			r->body_len = (size_t)strtoull(line + 15, NULL, 10);
		line = (const char *)memchr(line, '\n', (size_t)(end + 2 - line)) + 1;
	}
	return r->body_len <= WIRE_REPLY_MAX ? 0 : err_set(err, E_TOO_LARGE, "an answer of %zu bytes", r->body_len);
}

/* 0: complete, 1: not yet. */
static int look(struct wire_reply *r, struct err *err)
{
	const uint8_t *blank;
	int rc;

	if (r->head_len == 0) {
		blank = memmem(r->bytes.p, r->bytes.len, "\r\n\r\n", 4);
		if (!blank)
			return 1;
		rc = read_head(r, (size_t)(blank - r->bytes.p) + 4, err);
		if (rc < 0)
			return rc;
	}
	return r->bytes.len < r->head_len + r->body_len;
}

int wire_receive(int fd, bool may_wait, struct wire_reply *r, struct err *err)
{
	int rc = 1;

	while (rc == 1) {
		uint8_t *room = buf_room(&r->bytes, RECEIVE_BYTES);
		ssize_t n;

		if (!room)
			return err_set(err, E_NO_MEMORY, "no memory for an answer");
		n = recv(fd, room, RECEIVE_BYTES, may_wait ? 0 : MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && !may_wait)
			return 1;
		if (n <= 0)
			return n < 0 ? err_errno(err, errno, "receiving an answer")
				     : err_set(err, E_CLOSED, "the server closed the connection");
		buf_commit(&r->bytes, (size_t)n);
		rc = look(r, err);
	}
	return rc;
}

int wire_reply_expect(const struct wire_reply *r, int status, struct err *err)
{
	struct span body = wire_reply_body(r);

	if (r->status == status)
		return 0;
	return err_set(err, E_UNAVAILABLE, "status %d instead of %d: %.*s", r->status, status,
		       (int)(body.len < QUOTED_BYTES ? body.len : QUOTED_BYTES), (const char *)body.p);
}

int wire_fetch(const struct wire_address *address, const char *method, const char *path, const char *key,
	       struct wire_reply *ret, struct err *err)
{
	struct buf head = BUF_INIT;
	int fd = -1;
	int rc;

	wire_put_head(&head, address, method, path, key, NULL);
	buf_put_str(&head, strcmp(method, "GET") == 0 ? "\r\n" : "Content-Length: 0\r\n\r\n");
	wire_reply_reset(ret);
	if ((rc = wire_connect(address, &fd, err)) < 0)
		goto out;
	if ((rc = wire_send(fd, buf_span(&head), false, err)) < 0)
		goto out;
	rc = wire_receive(fd, true, ret, err);
out:
	if (fd >= 0)
		close(fd);
	buf_release(&head);
	return rc;
}
