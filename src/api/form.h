/*
 * Bodies of type application/x-www-form-urlencoded: "name=value&name=value", '+' for a blank, '%' and two hex digits
 * for any byte.
 */
#ifndef STELE_API_FORM_H
#define STELE_API_FORM_H

#include "api/limits.h"
#include "base/err.h"
#include "base/span.h"

struct form_field {
	struct span name, value; /* UTF-8 without NUL */
};

struct form {
	struct form_field field[FORM_FIELDS_MAX];
	size_t count;
};

/* Decodes `text` in place; the fields point into it. E_SYNTAX with the offset, E_TOO_LARGE (FORM_FIELDS_MAX). */
int form_parse(uint8_t *text, size_t len, struct form *ret, struct err *err) __attribute__((warn_unused_result));

#endif
