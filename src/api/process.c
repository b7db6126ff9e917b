#include "api/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"

/* The second number of /proc/self/statm, in pages. */
uint64_t process_resident_bytes(void)
{
	char text[128];
	char *at = text;
	ssize_t n;
	int fd = io_posix.open(&io_posix, "/proc/self/statm", O_RDONLY, 0);

	if (fd < 0)
		return 0;
	n = io_read_full(&io_posix, fd, text, sizeof(text) - 1, 0);
	io_posix.close(&io_posix, fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	(void)strtoull(at, &at, 10);
	return strtoull(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}
