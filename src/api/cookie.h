/*
 * The session cookie, and what keeps other sites' pages from using it: the cookie is SameSite=Strict and unreadable to
 * scripts; a request that changes something also needs the session's token in X-CSRF-Token, and must not say that
 * another site's page sent it (Sec-Fetch-Site; Origin where a browser has no such header). Signing in checks the latter
 * too, so that nobody is signed in to a stranger's account unseen.
 *
 * Over TLS, be it to a trusted proxy, the name has the prefix __Host-: then no other host, not even a neighbour below
 * the same domain, can set it.
 */
#ifndef STELE_API_COOKIE_H
#define STELE_API_COOKIE_H

#include "api/request.h"

#define CSRF_HEADER "X-CSRF-Token"

/* The cookie's value, borrowed from the request; empty when there is none. */
struct span cookie_value(struct request *r);

/* Adds Set-Cookie to the answer: the value, or none any more. */
void cookie_set(struct request *r, const char *value);
void cookie_clear(struct request *r);

/* Finds out who came with the cookie and, unless the method only reads, whether they meant to. E_UNAUTHORIZED,
 * E_FORBIDDEN. */
int cookie_authenticate(struct request *r, struct err *err) __attribute__((warn_unused_result));

/* E_FORBIDDEN when a page of another site sent the request. */
int cookie_check_site(struct request *r, struct err *err) __attribute__((warn_unused_result));

#endif
