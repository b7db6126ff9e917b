/* Whole reads and writes over any struct io. */
#include "base/io.h"

#include <errno.h>

ssize_t io_read_full(struct io *io, int fd, void *p, size_t len, uint64_t off)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = io->pread(io, fd, (char *)p + done, len - done, off + done);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int io_write_full(struct io *io, int fd, const void *p, size_t len, uint64_t off)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = io->pwrite(io, fd, (const char *)p + done, len - done, off + done);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -EIO; /* writes nothing for no reason: looping would not end */
		done += (size_t)n;
	}
	return 0;
}
