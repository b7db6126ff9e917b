/*
 * Looking for bytes in text, case of ASCII letters aside: what tells quickly that a value cannot match. True too when
 * it nearly does: '@' and '`' and other bytes that differ in the bit that makes letters small are taken for the same.
 *
 * An empty needle is everywhere. Pure.
 */
#ifndef STELE_CODEC_NEEDLE_H
#define STELE_CODEC_NEEDLE_H

#include "base/span.h"

bool needle_find(struct span text, struct span needle);

/* The first place from `from` on; SIZE_MAX: there is none. */
size_t needle_find_at(struct span text, size_t from, struct span needle);

/* Values back to back: value i is text[offset[i]] … text[offset[i + 1]]. The first of [from, to) in which the needle
 * may stand, `to` when there is none. One search for many values. */
uint32_t needle_next_value(const uint8_t *text, const uint32_t *offset, uint32_t from, uint32_t to, struct span needle);

/* Whether a byte may be one of the needle's. */
static inline bool needle_has(struct span needle, uint8_t byte)
{
	for (size_t i = 0; i < needle.len; i++)
		if ((needle.p[i] | 0x20) == (byte | 0x20))
			return true;
	return false;
}

#endif
