/* "bytes=2-5", "bytes=2-", "bytes=-4". */
#include "api/range.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Reads digits; false when there are none or too many of them. */
static bool read_number(const char **at, uint64_t *ret)
{
	const char *start = *at;
	uint64_t n = 0;

	for (; **at >= '0' && **at <= '9'; ++*at) {
		if (*at - start >= 18)
			return false;
		n = n * 10 + (uint64_t)(**at - '0');
	}
	*ret = n;
	return *at > start;
}

/* The last `n` bytes. */
static enum range_kind take_suffix(uint64_t n, uint64_t size, struct range *ret)
{
	if (n == 0 || size == 0)
		return RANGE_NOWHERE;
	n = n < size ? n : size;
	*ret = (struct range){size - n, n};
	return RANGE_PART;
}

static enum range_kind take_span(uint64_t first, uint64_t last, uint64_t size, struct range *ret)
{
	if (first > last)
		return RANGE_ALL;
	if (first >= size)
		return RANGE_NOWHERE;
	*ret = (struct range){first, (last < size ? last + 1 : size) - first};
	return RANGE_PART;
}

enum range_kind range_parse(const char *header, uint64_t size, struct range *ret)
{
	static const char unit[] = "bytes=";
	uint64_t first = 0, last = UINT64_MAX;
	bool has_first;
	const char *at;

	*ret = (struct range){0, size};
	if (!header || strncasecmp(header, unit, sizeof(unit) - 1) != 0)
		return RANGE_ALL;
	at = header + sizeof(unit) - 1;
	has_first = read_number(&at, &first);
	if (*at++ != '-')
		return RANGE_ALL;
	if (*at == '\0')
		return has_first ? take_span(first, UINT64_MAX, size, ret) : RANGE_ALL;
	if (!read_number(&at, &last) || *at != '\0')
		return RANGE_ALL;
	return has_first ? take_span(first, last, size, ret) : take_suffix(last, size, ret);
}
