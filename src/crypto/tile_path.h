/*
 * Paths of tiles (C2SP tlog-tiles), below a log's prefix:
 *
 *	tile/<L>/<N>[.p/<W>]         256 hashes of level L from number N * 256 on, or the first W of them
 *	tile/entries/<N>[.p/<W>]     as many entries
 *
 * N is in groups of three digits, all but the last with an x before them: 1234067 is x001/x234/067. Every tile has one
 * path. Pure.
 */
#ifndef STELE_CRYPTO_TILE_PATH_H
#define STELE_CRYPTO_TILE_PATH_H

#include "base/buf.h"

#define TILE_WIDTH      256u /* of a full tile */
#define TILE_HEIGHT     8u   /* levels of the tree in one level of tiles */
#define TILE_LEVEL_MAX  63u
#define TILE_PATH_BYTES 64u /* more than any path has */

struct tile_path {
	bool is_entries; /* then level is 0 */
	unsigned level;
	uint64_t number;
	unsigned width; /* 1 … TILE_WIDTH */
};

void tile_path_put(struct buf *to, const struct tile_path *t);

/* Reads a whole path from "tile/" on; false when it is that of no tile. */
bool tile_path_parse(struct span path, struct tile_path *ret) __attribute__((warn_unused_result));

/* How many hashes of a tile a log of `size` records has: 0 … TILE_WIDTH. */
unsigned tile_width_at(unsigned level, uint64_t number, uint64_t size);

#endif
