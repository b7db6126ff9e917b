/* The handlers of the routes, one file each. Each answers into request->reply, or later through request_finish. */
#ifndef STELE_API_HANDLER_H
#define STELE_API_HANDLER_H

#include "api/route.h"

#define ROUTE(name, method, path, permission, flags, params, handler) enum handled handler(struct request *request);
#include "api/route.tbl"
#undef ROUTE

#endif
