/* The resources of the API (route.tbl) and finding one by method and path. */
#ifndef STELE_API_ROUTE_H
#define STELE_API_ROUTE_H

#include "base/err.h"
#include "base/span.h"
#include "service/permission.h"

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_DELETE, METHOD_OTHER };

enum route_id {
#define ROUTE(name, method, path, permission, flags, params, handler) ROUTE_##name,
#include "api/route.tbl"
#undef ROUTE
	ROUTE_COUNT
};

enum route_flag {
	ROUTE_HAS_BODY = 1,       /* the body is read and kept; others' is read and thrown away */
	ROUTE_IS_SLOW = 2,        /* runs on a worker */
	ROUTE_HAS_JSON = 4,       /* with ROUTE_HAS_BODY: the body is one object whose members are the parameters */
	ROUTE_OWN_PARAMS = 8,     /* the handler reads the URL's parameters itself: those of a dialect */
	ROUTE_HAS_FORM = 16,      /* with ROUTE_HAS_BODY: the body is a small form, which the handler reads */
	ROUTE_IS_SMALL = 64,      /* with ROUTE_HAS_BODY: one JSON document of JSON_BODY_MAX, which the handler reads */
	ROUTE_NEEDS_KEY = 32,     /* with PERMISSION_NONE: for whoever has a key or session, whatever they may do */
	ROUTE_HAS_PASSWORD = 128, /* the body holds one: it is wiped, and one of few threads hashes it */
};

/* What a handler leaves behind: an answer in request->reply, or a promise that request_finish will be called. */
enum handled { HANDLED_NOW, HANDLED_LATER };

struct request;

struct route {
	enum route_id id;
	enum method method;
	const char *path;
	enum permission permission;
	uint32_t flags;
	uint64_t params; /* PARAM_BITs it takes */
	enum handled (*handle)(struct request *request);
};

#define ROUTE_ALLOW_MAX 40 /* all methods, each once */
#define ROUTE_HOLES_MAX 3

struct route_match {
	const struct route *route;
	bool is_head;                      /* the body is left out */
	struct span hole[ROUTE_HOLES_MAX]; /* what its holes stood for, in order; borrowed from the path */
	struct span id;                    /* the first of them */
	char allow[ROUTE_ALLOW_MAX];       /* after E_METHOD: the methods there are, for the Allow header */
};

const char *method_name(enum method m);

const struct route *route_get(enum route_id id);

/* E_NOT_FOUND; E_METHOD, with ret->allow filled. */
int route_find(const char *method, const char *path, struct route_match *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
