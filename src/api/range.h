/* A part of a body that a client asks for (RFC 9110, section 14), so that a broken download goes on where it broke. */
#ifndef STELE_API_RANGE_H
#define STELE_API_RANGE_H

#include <stdbool.h>
#include <stdint.h>

enum range_kind {
	RANGE_ALL,    /* none was asked for, or in a way that is not supported (several, other units): all is sent */
	RANGE_PART,   /* one */
	RANGE_NOWHERE /* it begins behind the end: 416 */
};

struct range {
	uint64_t first;
	uint64_t len;
};

/* Reads a Range header (NULL: none) for a body of `size` bytes; *ret is what to send. */
enum range_kind range_parse(const char *header, uint64_t size, struct range *ret);

#endif
