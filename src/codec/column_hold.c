/* Which values of a run may hold a needle. */
#include <string.h>

#include "codec/column.h"
#include "codec/needle.h"

/* The bytes that values of an encoding are made of. */
static const char *alphabet(enum column_encoding encoding)
{
	switch (encoding) {
	case COLUMN_INT:
		return "-0123456789";
	case COLUMN_HEX_INT:
	case COLUMN_HEX:
		return "0123456789abcdef";
	case COLUMN_UUID:
		return "-0123456789abcdef";
	case COLUMN_IPV4:
		return ".0123456789";
	default:
		return "-.:0123456789TZ"; /* TIME */
	}
}

static bool is_made_of(struct span needle, struct span letters)
{
	for (size_t i = 0; i < needle.len; i++)
		if (!needle_has(letters, needle.p[i]))
			return false;
	return true;
}

void column_hold(const struct column *c, struct span needle, uint8_t *flags)
{
	uint32_t i = 0;

	switch (c->encoding) {
	case COLUMN_TEXT:
		while ((i = needle_next_value(c->bytes.p, c->offsets, i, c->n, needle)) < c->n)
			flags[i++] = 1;
		return;
	case COLUMN_CONST:
		if (needle_find(c->bytes, needle))
			memset(flags, 1, c->n);
		return;
	default:
		if (is_made_of(needle, span_str(alphabet(c->encoding))))
			memset(flags, 1, c->n);
		return;
	}
}
