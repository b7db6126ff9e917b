/*
 * Parameters as the members of a JSON object: what is too long for a URL, or is to be kept. Names, values and errors
 * are those of the query parameters; numbers and booleans may be written as such, and lists (PARAMS_LIST) as arrays of
 * texts, which become one text with commas between.
 */
#ifndef STELE_API_PARAM_JSON_H
#define STELE_API_PARAM_JSON_H

#include <yyjson.h>

#include "api/param.h"

/* Adds the members of the object `text`; the values point into *ret_doc, which the caller frees. E_SYNTAX with the
 * offset in the text, E_INVALID that names the member. */
int param_add_json(struct params *params, uint64_t allowed, struct span text, yyjson_doc **ret_doc, struct err *err)
	__attribute__((warn_unused_result));

#endif
