/* The listening socket: opened before anything else, so that a taken port is found out before a folder is touched. */
#ifndef STELE_API_LISTEN_H
#define STELE_API_LISTEN_H

#include <stdbool.h>

#include "base/err.h"

#define LISTEN_URL_MAX 128

/* Listens on "address:port": "127.0.0.1:8470", "[::1]:8470", "localhost:8470", ":8470" for all addresses; port 0 takes
 * a free one. ret_url is how to reach it; `is_tls` says how it
 * begins. E_INVALID, E_IO. */
int listen_open(const char *address, bool is_tls, int *ret_fd, char ret_url[LISTEN_URL_MAX], struct err *err)
	__attribute__((warn_unused_result));

#endif
