/*
 * Query parameters: which there are (param.tbl), and reading their values. A parameter that a resource does not take,
 * or that is given twice, is refused by name: a misspelt filter must not silently widen a search.
 */
#ifndef STELE_API_PARAM_H
#define STELE_API_PARAM_H

#include "base/err.h"
#include "base/span.h"

#define PARAM_SHOWN_MAX 64 /* bytes of a wrong name or value that a message repeats */

enum param {
#define PARAM(name, text) PARAM_##name,
#include "api/param.tbl"
#undef PARAM
	PARAM_COUNT
};

#define PARAM_BIT(name) (UINT64_C(1) << PARAM_##name)
#define PARAMS_LIST     (PARAM_BIT(NETWORKS) | PARAM_BIT(PERMISSIONS)) /* in JSON they may be arrays of texts */
_Static_assert(PARAM_COUNT <= 64, "every parameter has a bit");

/* The parameters of a request; values are decoded, valid UTF-8, and borrowed until the request ends. */
struct params {
	struct span value[PARAM_COUNT];
	uint64_t given; /* PARAM_BITs */
};

static inline bool param_is_given(const struct params *params, enum param p)
{
	return (params->given >> p & 1) != 0;
}

/* Takes one parameter in; `allowed` are the PARAM_BITs of the resource. E_INVALID names the parameter and what the
 * resource takes. */
int param_add(struct params *params, uint64_t allowed, struct span name, struct span value, struct err *err)
	__attribute__((warn_unused_result));

/* Whether it is the name of one of PARAMS_LIST. */
bool param_is_list(struct span name);

/* "true" or "false"; `fallback` when it is not given. E_INVALID. */
int param_bool(const struct params *params, enum param p, bool fallback, bool *ret, struct err *err)
	__attribute__((warn_unused_result));

/* A whole number from `min` to `max`; `fallback` when it is not given. E_INVALID. */
int param_number(const struct params *params, enum param p, uint32_t min, uint32_t max, uint32_t fallback,
		 uint32_t *ret, struct err *err) __attribute__((warn_unused_result));

/* A number of records; `fallback` when it is not given. E_INVALID. */
int param_size(const struct params *params, enum param p, uint64_t fallback, uint64_t *ret, struct err *err)
	__attribute__((warn_unused_result));

/* One of `words` (NULL at the end): its place in them; `fallback` when it is not given. E_INVALID lists the words. */
int param_word(const struct params *params, enum param p, const char *const *words, int fallback, int *ret,
	       struct err *err) __attribute__((warn_unused_result));

#endif
