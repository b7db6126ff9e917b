/* Events from a mapped file. */
#include "corpus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* The number of whole lines in the `len` bytes at p, `max` at most, and where they end. Reads every byte of them. */
static uint64_t count_lines(const uint8_t *p, uint64_t len, uint64_t max, uint64_t *ret_end)
{
	uint64_t count = 0;
	uint64_t at = 0;

	while (count < max && at < len) {
		const uint8_t *end = memchr(p + at, '\n', len - at);

		if (!end)
			break;
		at = (uint64_t)(end - p) + 1;
		count++;
	}
	*ret_end = at;
	return count;
}

int corpus_open(const char *path, uint64_t events_max, struct corpus *ret, struct err *err)
{
	struct corpus c = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
	struct stat st;
	void *map = MAP_FAILED;

	if (c.fd < 0)
		return err_errno(err, errno, "%s", path);
	if (fstat(c.fd, &st) == 0 && st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, c.fd, 0);
	if (map == MAP_FAILED) {
		close(c.fd);
		return err_set(err, E_IO, "%s cannot be mapped; give a file with events in it", path);
	}
	c.p = map;
	c.map_len = (uint64_t)st.st_size;
	c.events = count_lines(c.p, c.map_len, events_max, &c.len);
	if (c.events == 0) {
		corpus_close(&c);
		return err_set(err, E_INVALID, "%s has no line", path);
	}
	*ret = c;
	return 0;
}

void corpus_close(struct corpus *c)
{
	if (!c->p)
		return;
	munmap((void *)(uintptr_t)c->p, c->map_len);
	close(c->fd);
	*c = (struct corpus){.fd = -1};
}

/* Where the chunk that begins at `off` ends: behind the last newline that lets it fit, or behind the first. */
static uint64_t chunk_end(const struct corpus *c, uint64_t off, uint64_t bytes_max)
{
	uint64_t room = c->len - off < bytes_max ? c->len - off : bytes_max;
	const uint8_t *last = memrchr(c->p + off, '\n', room);

	return last ? (uint64_t)(last - c->p) + 1 : off + corpus_line(c, off).len + 1;
}

struct corpus_chunk *corpus_cut(const struct corpus *c, uint64_t bytes_max, size_t *ret_count)
{
	size_t cap = 16;
	size_t count = 0;
	struct corpus_chunk *chunks = xarray(cap, sizeof(*chunks));

	for (uint64_t off = 0; off < c->len; count++) {
		uint64_t end = chunk_end(c, off, bytes_max);
		uint64_t counted;

		if (count == cap) {
			cap *= 2;
			chunks = xrealloc(chunks, cap * sizeof(*chunks));
		}
		chunks[count] =
			(struct corpus_chunk){off, end - off, count_lines(c->p + off, end - off, UINT64_MAX, &counted)};
		off = end;
	}
	*ret_count = count;
	return chunks;
}

struct span corpus_line(const struct corpus *c, uint64_t off)
{
	const uint8_t *end = memchr(c->p + off, '\n', c->len - off);

	return span_of(c->p + off, end ? (size_t)(end - c->p) - off : c->len - off);
}

struct span corpus_member(struct span line, const char *after, const char *name)
{
	char key[64];
	const uint8_t *end = line.p + line.len;
	const uint8_t *at = memmem(line.p, line.len, after, strlen(after));
	const uint8_t *stop;
	int n = snprintf(key, sizeof(key), "\"%s\":\"", name);

	if (at)
		at = memmem(at, (size_t)(end - at), key, (size_t)n);
	if (!at)
		return span_of(line.p, 0);
	at += n;
	stop = memchr(at, '"', (size_t)(end - at));
	return span_of(at, stop ? (size_t)(stop - at) : 0);
}
