#include "crypto/checkpoint.h"

#include <inttypes.h>

#include "crypto/base64.h"

#define SIZE_DIGITS_MAX 20 /* of a u64 */

void checkpoint_put(struct buf *to, const struct checkpoint *c)
{
	buf_put_span(to, c->origin);
	buf_printf(to, "\n%" PRIu64 "\n", c->size);
	base64_put(to, span_of(c->root.b, SHA256_LEN));
	buf_put_u8(to, '\n');
}

/* Cuts a line off, without its line feed; false when there is none, or an empty one. */
static bool cut_line(struct span *rest, struct span *ret)
{
	const uint8_t *end = rest->len ? memchr(rest->p, '\n', rest->len) : NULL;

	if (!end || end == rest->p)
		return false;
	*ret = span_of(rest->p, (size_t)(end - rest->p));
	*rest = span_from(*rest, ret->len + 1);
	return true;
}

/* A decimal without leading zeros. */
static bool get_size(struct span digits, uint64_t *ret)
{
	uint64_t size = 0;

	if (digits.len > SIZE_DIGITS_MAX || (digits.p[0] == '0' && digits.len > 1))
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		unsigned digit = (unsigned)digits.p[i] - '0';

		if (digit > 9 || size > (UINT64_MAX - digit) / 10)
			return false;
		size = size * 10 + digit;
	}
	*ret = size;
	return true;
}

static int fail(struct err *err, const char *why)
{
	return err_set(err, E_SYNTAX, "this is no checkpoint: %s", why);
}

int checkpoint_parse(struct span text, struct checkpoint *ret, struct err *err)
{
	struct span rest = text;
	struct span line;
	struct checkpoint c;
	size_t len;

	if (!cut_line(&rest, &c.origin))
		return fail(err, "its first line is no origin");
	if (!cut_line(&rest, &line) || !get_size(line, &c.size))
		return fail(err, "its second line is no size");
	if (!cut_line(&rest, &line) || !base64_get(line, c.root.b, SHA256_LEN, &len) || len != SHA256_LEN)
		return fail(err, "its third line is no base64 of 32 bytes");
	c.extensions = rest;
	while (rest.len > 0) {
		if (!cut_line(&rest, &line))
			return fail(err, "a line of extensions is empty, or has no end");
	}
	*ret = c;
	return 0;
}

int checkpoint_open(struct span bytes, const struct note_vkey *keys, size_t key_count, struct note *ret_note,
		    struct checkpoint *ret, struct err *err)
{
	uint64_t signers = 0;
	int rc = note_open(bytes, keys, key_count, ret_note, &signers, err);

	if (rc == 0)
		rc = checkpoint_parse(ret_note->text, ret, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < key_count; i++) {
		if ((signers >> i & 1) && span_eq_str(ret->origin, keys[i].name))
			return 0;
	}
	return err_set(err, E_CRYPTO, "the checkpoint is of the log %.*s, which has not signed it",
		       (int)(ret->origin.len < NOTE_NAME_MAX ? ret->origin.len : NOTE_NAME_MAX),
		       (const char *)ret->origin.p);
}
