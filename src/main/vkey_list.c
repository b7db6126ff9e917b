/* Verifier keys from the command line. */
#include "main/vkey_list.h"

#include <stdlib.h>

#include "base/durable.h"

#define FILE_BYTES_MAX (64u << 10) /* of a file with keys */

static struct span trim(struct span s)
{
	while (s.len > 0 && s.p[s.len - 1] <= ' ')
		s.len--;
	while (s.len > 0 && s.p[0] <= ' ')
		s = span_from(s, 1);
	return s;
}

static int take_line(struct span line, struct vkey_list *ret, struct err *err)
{
	int rc;

	line = trim(line);
	if (line.len == 0 || line.p[0] == '#')
		return 0;
	if (ret->count == VKEY_LIST_MAX)
		return err_set(err, E_TOO_LARGE, "there are more than %u verifier keys", VKEY_LIST_MAX);
	rc = note_vkey_parse(line, &ret->key[ret->count], err);
	ret->count += rc == 0;
	return rc;
}

static int take_lines(struct span text, struct vkey_list *ret, struct err *err)
{
	int rc = 0;

	while (text.len > 0 && rc == 0) {
		const uint8_t *end = memchr(text.p, '\n', text.len);
		size_t len = end ? (size_t)(end - text.p) : text.len;

		rc = take_line(span_of(text.p, len), ret, err);
		text = span_from(text, end ? len + 1 : len);
	}
	if (rc == 0 && ret->count == 0)
		rc = err_set(err, E_SYNTAX, "there is no verifier key in it");
	return rc;
}

int vkey_list_read(const char *text, struct vkey_list *ret, struct err *err)
{
	uint8_t *p = NULL;
	size_t len;
	int rc;

	ret->count = 0;
	if (note_vkey_parse(trim(span_str(text)), &ret->key[0], NULL) == 0) {
		ret->count = 1;
		return 0;
	}
	rc = durable_read(&io_posix, text, FILE_BYTES_MAX, &p, &len, err);
	if (rc == E_NOT_FOUND)
		return err_set(err, rc, "--vkey %.100s is neither a verifier key nor a file with one", text);
	if (rc == 0)
		rc = take_lines(span_of(p, len), ret, err);
	if (rc < 0)
		err_set_field(err, text, strlen(text));
	free(p);
	return rc;
}
