/* Base32. */
#include "crypto/base32.h"

void base32_format(struct span bytes, char *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned held = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		held = (held << 8 | bytes.p[i]) & 0xfff; /* at most 4 bits of before */
		bits += 8;
		for (; bits >= 5; bits -= 5)
			*to++ = digits[held >> (bits - 5) & 31];
	}
	if (bits > 0)
		*to = digits[held << (5 - bits) & 31];
}
