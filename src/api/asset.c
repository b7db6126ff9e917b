/* Files that the program carries. */
#include "api/asset.h"

#include <zlib.h>

#include "base/mem.h"

#define GZIP_WINDOW_BITS (15 + 16) /* zlib: the largest window, and a gzip header */

const struct asset *asset_find(struct span path)
{
	for (size_t i = 0; i < asset_count; i++) {
		if (span_eq_str(path, assets[i].path))
			return &assets[i];
	}
	return NULL;
}

int asset_unpack(const struct asset *a, struct buf *to, struct err *err)
{
	z_stream z = {.next_in = (uint8_t *)a->gzip, .avail_in = (uInt)(a->gzip_end - a->gzip)};

	if (!buf_room(to, a->bytes))
		return err_set(err, E_NO_MEMORY, "not enough memory for the answer");
	must(inflateInit2(&z, GZIP_WINDOW_BITS) == Z_OK);
	z.next_out = to->p + to->len;
	z.avail_out = (uInt)a->bytes;
	must(inflate(&z, Z_FINISH) == Z_STREAM_END); /* it is our own */
	inflateEnd(&z);
	to->len += a->bytes;
	return 0;
}
