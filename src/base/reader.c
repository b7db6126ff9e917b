/* The one read that is a loop. */
#include "base/reader.h"

uint64_t reader_varint(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = reader_u8(r);

		/* The tenth byte holds bit 63 alone: anything above overflows, and so does a further byte. */
		if (r->failed || (shift == 63 && byte > 1))
			break;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	r->failed = true;
	r->p = r->end;
	return 0;
}
