/*
 * The file `heads` is text, so that a person can read it, and is written whole each time: a line takes about 70 bytes,
 * so ten thousand ledgers make less than a MiB a second.
 */
#include "service/head_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/durable.h"
#include "base/mem.h"
#include "crypto/base64.h"
#include "service/limits.h"

#define FIRST_LINE "stele signed heads v1\n"
#define FILE_MODE  0600
#define LINE_MAX   128

struct head_state {
	struct io *io;
	char *folder;
	int lock_fd;
	char node[2 * STORE_NODE_ID_LEN + 1];
	struct head_state_entry *entries;
	size_t count;
	size_t cap;
};

/* Where the ledger is, or would be. */
static size_t place_of(const struct head_state *s, uint32_t ledger)
{
	size_t low = 0;
	size_t high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->entries[mid].ledger < ledger)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct head_state_entry *head_state_entries(const struct head_state *s, size_t *ret_count)
{
	*ret_count = s->count;
	return s->entries;
}

const struct head_state_entry *head_state_get(const struct head_state *s, uint32_t ledger)
{
	size_t at = place_of(s, ledger);

	return at < s->count && s->entries[at].ledger == ledger ? &s->entries[at] : NULL;
}

void head_state_set(struct head_state *s, const struct head_state_entry *entry)
{
	size_t at = place_of(s, entry->ledger);

	if (at < s->count && s->entries[at].ledger == entry->ledger) {
		s->entries[at] = *entry;
		return;
	}
	if (s->count == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 16;
		s->entries = xrealloc(s->entries, s->cap * sizeof(*s->entries));
	}
	memmove(&s->entries[at + 1], &s->entries[at], (s->count - at) * sizeof(*s->entries));
	s->entries[at] = *entry;
	s->count++;
}

/* ---- the file ---- */

int head_state_write(struct head_state *s, struct err *err)
{
	char *path = xformat("%s/heads", s->folder);
	struct buf text = BUF_INIT;
	struct span part;
	int rc;

	buf_printf(&text, FIRST_LINE "node %s\n", s->node);
	for (size_t i = 0; i < s->count; i++) {
		buf_printf(&text, "%" PRIu32 " %" PRIu64 " ", s->entries[i].ledger, s->entries[i].size);
		base64_put(&text, span_of(s->entries[i].root.b, SHA256_LEN));
		buf_put_u8(&text, '\n');
	}
	part = buf_span(&text);
	rc = buf_ok(&text) ? durable_write(s->io, path, &part, 1, FILE_MODE, err)
			   : err_set(err, E_NO_MEMORY, "there is no memory for the heads of %zu ledgers", s->count);
	buf_release(&text);
	free(path);
	return rc;
}

/* Copies the next line, without its line feed; false when there is none that fits. */
static bool cut_line(struct span *rest, char to[LINE_MAX])
{
	const uint8_t *end = rest->len ? memchr(rest->p, '\n', rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->p) : LINE_MAX;

	if (len >= LINE_MAX || memchr(rest->p, 0, len))
		return false;
	memcpy(to, rest->p, len);
	to[len] = '\0';
	*rest = span_from(*rest, len + 1);
	return true;
}

/* A decimal up to `max` and a blank; *text is then behind both. */
static bool get_number(char **text, uint64_t max, uint64_t *ret)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*ret = strtoull(*text, &end, 10);
	if (errno != 0 || *ret > max || *end != ' ')
		return false;
	*text = end + 1;
	return true;
}

static bool parse_line(char *line, struct head_state_entry *ret)
{
	uint64_t ledger;
	size_t len;

	if (!get_number(&line, UINT32_MAX, &ledger) || !get_number(&line, UINT64_MAX, &ret->size))
		return false;
	ret->ledger = (uint32_t)ledger;
	return base64_get(span_str(line), ret->root.b, SHA256_LEN, &len) && len == SHA256_LEN;
}

static int parse(struct head_state *s, const char *path, struct span text, struct err *err)
{
	struct head_state_entry entry;
	char line[LINE_MAX];

	if (!span_starts_with(text, SPAN_LIT(FIRST_LINE)))
		return err_corrupt(err, 0, "%s does not begin with '%.*s'", path, (int)sizeof(FIRST_LINE) - 2,
				   FIRST_LINE);
	text = span_from(text, sizeof(FIRST_LINE) - 1);
	if (!cut_line(&text, line) || strncmp(line, "node ", 5) != 0)
		return err_corrupt(err, 0, "%s does not say which data folder it is of", path);
	if (strcmp(line + 5, s->node) != 0)
		return err_set(
			err, E_CONFLICT,
			"%s is of the data folder with node id %s, and this is %s: a state folder belongs to one "
			"data folder; a new data folder needs another one",
			path, line + 5, s->node);
	for (size_t n = 3; text.len > 0; n++) {
		if (!cut_line(&text, line) || !parse_line(line, &entry))
			return err_corrupt(err, -1, "%s: line %zu is not 'ledger size root'", path, n);
		head_state_set(s, &entry);
	}
	return 0;
}

static int read_file(struct head_state *s, struct err *err)
{
	char *path = xformat("%s/heads", s->folder);
	uint8_t *text = NULL;
	size_t len = 0;
	int rc = durable_read(s->io, path, STATE_BYTES_MAX, &text, &len, err);

	if (rc == 0)
		rc = parse(s, path, span_of(text, len), err);
	else if (rc == E_NOT_FOUND)
		rc = head_state_write(s, err); /* so that the folder is bound to the data folder from now on */
	free(text);
	free(path);
	return rc;
}

static int lock(struct head_state *s, struct err *err)
{
	char *path = xformat("%s/lock", s->folder);
	int rc = s->lock_fd = s->io->open(s->io, path, O_RDWR | O_CREAT, FILE_MODE);

	if (rc >= 0)
		rc = s->io->lock(s->io, s->lock_fd);
	if (rc == -EWOULDBLOCK)
		rc = err_set(err, E_LOCKED, "another process uses %s", s->folder);
	else if (rc < 0)
		rc = err_errno(err, -rc, "locking %s", path);
	free(path);
	return rc;
}

int head_state_open(struct io *io, const char *folder, const uint8_t node_id[STORE_NODE_ID_LEN],
		    struct head_state **ret, struct err *err)
{
	struct head_state *s = xalloc(sizeof(*s));
	int rc;

	s->io = io;
	s->folder = xstrdup(folder);
	s->lock_fd = -1;
	for (size_t i = 0; i < STORE_NODE_ID_LEN; i++) {
		s->node[2 * i] = "0123456789abcdef"[node_id[i] >> 4];
		s->node[2 * i + 1] = "0123456789abcdef"[node_id[i] & 15];
	}
	if ((rc = durable_mkdir(io, folder, err)) == 0)
		rc = lock(s, err);
	if (rc == 0)
		rc = read_file(s, err);
	if (rc < 0)
		head_state_close(s);
	else
		*ret = s;
	return rc;
}

struct head_state *head_state_close(struct head_state *s)
{
	if (!s)
		return NULL;
	if (s->lock_fd >= 0)
		(void)s->io->close(s->io, s->lock_fd);
	free(s->entries);
	free(s->folder);
	free(s);
	return NULL;
}
