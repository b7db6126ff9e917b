/* For the tests of this folder: the CRC without the CPU's instruction, whatever the CPU has. */
#ifndef STELE_BASE_HASH_PRIV_H
#define STELE_BASE_HASH_PRIV_H

#include "base/hash.h"

uint32_t hash__crc32c_table(uint32_t crc, const void *p, size_t len);

#endif
