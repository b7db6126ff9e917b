/*
 * Checksums and hashes that are not cryptography.
 *
 * crc32c: Castagnoli polynomial (RFC 3720 appendix B.4; vector "123456789" -> 0xe3069283), by the CPU's instruction
 * where there is one. hash64: a fast 64-bit hash with good low and high bits for tables and the token index; its output
 * is part of the segment format (docs/format/segment.md) and so may never change.
 *
 * hash64 in full. All numbers are unsigned 64-bit unless said otherwise and arithmetic is modulo 2^64; u32(i) and
 * u64(i) are the little-endian integers at byte i of the key; a*b into (lo, hi) is the 128-bit product's low and high
 * half. The constants are the first 64 bits of the fractional parts of the square roots of 2, 3, 5 and 7:
 *
 *	K0 = 0x6a09e667f3bcc908   K1 = 0xbb67ae8584caa73b   K2 = 0x3c6ef372fe94f82b   K3 = 0xa54ff53a5f1d36f1
 *	fold(a, b) = a ^ b ^ lo ^ hi   where (lo, hi) = a*b
 *
 *	state = (seed ^ K0) * K3
 *	len = 0:      a = 0                                          b = 0
 *	len 1..3:     a = p[0] + p[len/2] * 2^8 + p[len-1] * 2^16    b = 0
 *	len 4..7:     a = u32(0)                                     b = u32(len-4)
 *	len 8..16:    a = u64(0)                                     b = u64(len-8)
 *	len > 16:     for i = 0, 16, 32, ... while len - i > 16:  state = fold(u64(i) ^ K2, u64(i+8) ^ state);
 *	              then a = u64(len-16), b = u64(len-8)
 *	a = a ^ K1;  b = b ^ state;  (lo, hi) = a*b;  a = a ^ lo;  b = b ^ hi
 *	result = fold(a ^ K2 ^ len, b ^ K3)
 *
 * It is no defence against keys chosen to collide: whoever needs one gives it a secret seed.
 */
#ifndef STELE_BASE_HASH_H
#define STELE_BASE_HASH_H

#include "base/span.h"

uint32_t crc32c(uint32_t crc, const void *p, size_t len); /* start with crc 0; chains */

uint64_t hash64(const void *p, size_t len, uint64_t seed);

#endif
