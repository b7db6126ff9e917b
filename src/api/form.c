/* Forms. What is decoded is never longer than it was, so it stays where it is. */
#include "api/form.h"

#include "api/utf8.h"

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes [p, end); -1 when a '%' has no two digits behind it, else the length. */
static ptrdiff_t decode(uint8_t *p, const uint8_t *end)
{
	uint8_t *to = p;

	for (const uint8_t *from = p; from < end; from++) {
		if (*from == '%') {
			int high = end - from > 2 ? hex_value(from[1]) : -1;
			int low = high >= 0 ? hex_value(from[2]) : -1;

			if (low < 0)
				return -1;
			*to++ = (uint8_t)(high << 4 | low);
			from += 2;
		} else {
			*to++ = *from == '+' ? ' ' : *from;
		}
	}
	return to - p;
}

static bool take(uint8_t *p, const uint8_t *end, struct span *ret)
{
	ptrdiff_t len = decode(p, end);

	if (len < 0)
		return false;
	*ret = span_of(p, (size_t)len);
	return utf8_valid_prefix(*ret) == ret->len && (ret->len == 0 || !memchr(ret->p, 0, ret->len));
}

static int take_field(uint8_t *text, size_t start, size_t end, struct form *ret, struct err *err)
{
	uint8_t *equals = memchr(text + start, '=', end - start);
	uint8_t *name_end = equals ? equals : text + end;
	uint8_t *value = equals ? equals + 1 : text + end;
	struct form_field *field = &ret->field[ret->count];

	if (ret->count == FORM_FIELDS_MAX)
		return err_set(err, E_TOO_LARGE, "the form has more than %u fields", FORM_FIELDS_MAX);
	if (take(text + start, name_end, &field->name) && take(value, text + end, &field->value)) {
		ret->count++;
		return 0;
	}
	if (err)
		err->offset = (int64_t)start;
	return err_set(err, E_SYNTAX,
		       "the body is no form: a field has '%%' without two hex digits, a NUL, or what is not UTF-8");
}

int form_parse(uint8_t *text, size_t len, struct form *ret, struct err *err)
{
	int rc;

	ret->count = 0;
	for (size_t at = 0; at < len;) {
		const uint8_t *separator = memchr(text + at, '&', len - at);
		size_t end = separator ? (size_t)(separator - text) : len;

		if (end > at && (rc = take_field(text, at, end, ret, err)) < 0)
			return rc;
		at = end + 1;
	}
	return 0;
}
