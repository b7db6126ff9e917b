/* Listening on an address. */
#include "api/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/limits.h"

#define HOST_MAX 256

static int refuse(const char *address, struct err *err)
{
	return err_set(err, E_INVALID, "'%s' is not an address to listen on; give ADDRESS:PORT, as 127.0.0.1:8470",
		       address);
}

/* Cuts "[::1]:8470" into host and port. */
static int cut_address(const char *address, char host[HOST_MAX], const char **ret_port, struct err *err)
{
	const char *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : 0;

	if (!colon || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1) || len >= HOST_MAX)
		return refuse(address, err);
	*ret_port = colon + 1;
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	}
	memcpy(host, address, len);
	host[len] = '\0';
	return 0;
}

static int open_socket(const struct addrinfo *a, struct err *err)
{
	int on = 1;
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_errno(err, errno, "making a socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* accepted sockets take it over */
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	(void)err_errno(err, errno, "listening");
	close(fd);
	return E_IO;
}

static int make_url(int fd, bool is_tls, const char *host, char url[LISTEN_URL_MAX], struct err *err)
{
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);
	char port[8];

	if (getsockname(fd, (struct sockaddr *)&bound, &len) < 0)
		return err_errno(err, errno, "asking for the port");
	if (getnameinfo((struct sockaddr *)&bound, len, NULL, 0, port, sizeof(port), NI_NUMERICSERV) != 0)
		return err_set(err, E_IO, "the port of the listening socket is not known");
	if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
		host = "localhost";
	snprintf(url, LISTEN_URL_MAX, strchr(host, ':') ? "http%s://[%s]:%s" : "http%s://%s:%s", is_tls ? "s" : "",
		 host, port);
	return 0;
}

int listen_open(const char *address, bool is_tls, int *ret_fd, char ret_url[LISTEN_URL_MAX], struct err *err)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char host[HOST_MAX];
	const char *port = NULL;
	int fd = -1;
	int rc;

	if ((rc = cut_address(address, host, &port, err)) < 0)
		return rc;
	rc = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
	if (rc != 0)
		return err_set(err, E_INVALID, "'%s': %s", address, gai_strerror(rc));
	fd = open_socket(found, err);
	freeaddrinfo(found);
	if (fd < 0)
		return err_set(err, E_IO, "cannot listen on %s: %s", address, err ? err->message : "");
	if ((rc = make_url(fd, is_tls, host, ret_url, err)) < 0)
		close(fd);
	else
		*ret_fd = fd;
	return rc;
}
