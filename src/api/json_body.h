/*
 * Bodies of dialects: JSON as vendors' clients send it. Names are found in any case, members that nobody asks for are
 * passed over, a member that is null is not there. What is of the wrong kind is refused by name.
 */
#ifndef STELE_API_JSON_BODY_H
#define STELE_API_JSON_BODY_H

#include <yyjson.h>

#include "base/buf.h"
#include "base/err.h"

struct request;

/* The object that is the request's body; an empty body is an empty object. The request keeps it. E_SYNTAX with the
 * offset; E_INVALID: another value. */
int json_body_take(struct request *r, yyjson_val **ret, struct err *err) __attribute__((warn_unused_result));

/* A member by its name in any case of ASCII letters; NULL when it is not there or null. */
yyjson_val *json_body_member(yyjson_val *object, const char *name);

/* The text of a string. */
static inline struct span json_body_text(yyjson_val *v)
{
	return span_of(yyjson_get_str(v), yyjson_get_len(v));
}

/* A whole number from 0 to `max`, also written as a string; `fallback` when it is not there. */
int json_body_number(yyjson_val *object, const char *name, uint64_t max, uint64_t fallback, uint64_t *ret,
		     struct err *err) __attribute__((warn_unused_result));

/* A string; empty when it is not there. */
int json_body_string(yyjson_val *object, const char *name, struct span *ret, struct err *err)
	__attribute__((warn_unused_result));

/* An object; NULL when it is not there. */
int json_body_object(yyjson_val *object, const char *name, yyjson_val **ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
