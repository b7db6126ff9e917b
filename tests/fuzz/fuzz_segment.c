/*
 * Segments of any bytes, behind the checksums: here they are always 0 and the store's zstd frames are the bytes
 * themselves (segment_hostile.h), so the input is the directory, the blocks and the dictionaries as they are read.
 * Opened, read in every way, verified and merged; what is merged must open.
 */
#include "store/segment_hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hostile_try(span_of(data, size));
	return 0;
}
