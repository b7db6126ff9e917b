/* Paths of tiles from anywhere: what is read has one text. */
#include "base/err.h"
#include "crypto/tile_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct buf out = BUF_INIT;
	struct tile_path t;

	if (!tile_path_parse(in, &t))
		return 0;
	must(t.width >= 1 && t.width <= TILE_WIDTH && t.level <= TILE_LEVEL_MAX);
	tile_path_put(&out, &t);
	must(span_eq(buf_span(&out), in));
	buf_release(&out);
	return 0;
}
