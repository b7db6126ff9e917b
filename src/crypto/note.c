/*
 * The form of a note. It is cut at the last empty line, for the text may hold empty lines itself; every line behind
 * that must be a signature. Ed25519 is in note_key.c.
 */
#include "crypto/note.h"

#include "crypto/base64.h"
#include "crypto/note_priv.h"

#define DASH "\xe2\x80\x94 " /* em dash and blank: how a signature line begins */

static int fail_syntax(struct err *err, size_t off, const char *why)
{
	if (err)
		err->offset = (int64_t)off;
	return err_set(err, E_SYNTAX, "this is no signed note: %s (byte %zu)", why, off);
}

/* ---- UTF-8 ---- */

/* The length of the character at the front of `s`, and the character; 0 when there is none that is valid. */
static size_t get_char(struct span s, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t lead = s.p[0];
	size_t len = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	uint32_t c = len == 1 ? lead : lead & (0xffu >> (len + 1));

	if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || s.len < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s.p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return len;
}

/* White_Space of Unicode. */
static bool is_space(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool note_name_is_valid(struct span name)
{
	uint32_t c;
	size_t len;

	if (name.len == 0 || name.len > NOTE_NAME_MAX)
		return false;
	for (size_t at = 0; at < name.len; at += len) {
		len = get_char(span_from(name, at), &c);
		if (len == 0 || c < ' ' || c == '+' || is_space(c))
			return false;
	}
	return true;
}

/* Whether all is UTF-8 without control characters but line feeds; *ret_off is where it is not. */
static bool is_text(struct span s, size_t *ret_off)
{
	uint32_t c;
	size_t len;

	for (size_t at = 0; at < s.len; at += len) {
		len = get_char(span_from(s, at), &c);
		*ret_off = at;
		if (len == 0 || (c < ' ' && c != '\n'))
			return false;
	}
	return true;
}

/* ---- notes ---- */

/* Where the lines of signatures begin: behind the last empty line. 0: there is none. */
static size_t find_signatures(struct span bytes)
{
	for (size_t at = bytes.len; at >= 2; at--) {
		if (bytes.p[at - 1] == '\n' && bytes.p[at - 2] == '\n')
			return at;
	}
	return 0;
}

bool note__signature_get(struct span base64, uint8_t to[NOTE_SIGNATURE_BYTES_MAX], size_t *ret_len)
{
	return base64_get(base64, to, NOTE_SIGNATURE_BYTES_MAX, ret_len) && *ret_len > NOTE_ID_LEN;
}

static bool parse_line(struct span line, struct note_signature *ret)
{
	uint8_t bytes[NOTE_SIGNATURE_BYTES_MAX];
	struct span rest;
	const uint8_t *blank;
	size_t len;

	if (!span_starts_with(line, SPAN_LIT(DASH)))
		return false;
	rest = span_from(line, sizeof(DASH) - 1);
	rest.len--; /* the line feed */
	blank = rest.len ? memchr(rest.p, ' ', rest.len) : NULL;
	if (!blank)
		return false;
	ret->line = line;
	ret->name = span_of(rest.p, (size_t)(blank - rest.p));
	ret->base64 = span_from(rest, ret->name.len + 1);
	if (!note_name_is_valid(ret->name) || !note__signature_get(ret->base64, bytes, &len))
		return false;
	ret->id = note__id_get(bytes);
	return true;
}

static int parse_signatures(struct span bytes, size_t at, struct note *n, struct err *err)
{
	while (at < bytes.len) {
		const uint8_t *end = memchr(bytes.p + at, '\n', bytes.len - at);
		size_t len = (size_t)(end - (bytes.p + at)) + 1; /* the last byte is a line feed */

		if (n->signature_count == NOTE_SIGNATURES_MAX)
			return err_set(err, E_TOO_LARGE, "the note has more than %u signatures", NOTE_SIGNATURES_MAX);
		if (!parse_line(span_of(bytes.p + at, len), &n->signature[n->signature_count]))
			return fail_syntax(err, at, "a line of a signature is '— name base64'");
		n->signature_count++;
		at += len;
	}
	return 0;
}

int note_parse(struct span bytes, struct note *ret, struct err *err)
{
	size_t at;
	size_t bad = 0;
	int rc;

	if (bytes.len > NOTE_BYTES_MAX)
		return err_set(err, E_TOO_LARGE, "the note has %zu bytes; at most %u are read", bytes.len,
			       NOTE_BYTES_MAX);
	if (!is_text(bytes, &bad))
		return fail_syntax(err, bad, "it is not UTF-8 without control characters");
	at = find_signatures(bytes);
	if (at < 2)
		return fail_syntax(err, 0, "there is no empty line between text and signatures");
	if (at == bytes.len)
		return fail_syntax(err, at, "there is no signature");
	if (bytes.p[bytes.len - 1] != '\n')
		return fail_syntax(err, bytes.len, "its last line has no end");
	ret->text = span_of(bytes.p, at - 1);
	ret->signature_count = 0;
	rc = parse_signatures(bytes, at, ret, err);
	return rc;
}

int note_open(struct span bytes, const struct note_vkey *keys, size_t key_count, struct note *ret,
	      uint64_t *ret_signers, struct err *err)
{
	uint64_t signers = 0;
	int rc = note_parse(bytes, ret, err);

	must(key_count <= 64);
	for (size_t i = 0; rc == 0 && i < ret->signature_count; i++) {
		const struct note_signature *s = &ret->signature[i];

		for (size_t k = 0; rc == 0 && k < key_count; k++) {
			if (keys[k].id != s->id || !span_eq_str(s->name, keys[k].name))
				continue;
			if (note__verify(&keys[k], ret->text, s->base64))
				signers |= UINT64_C(1) << k;
			else
				rc = err_set(err, E_CRYPTO, "the signature of %s (key %08x) is not good", keys[k].name,
					     (unsigned)keys[k].id);
		}
	}
	if (rc == 0 && signers == 0)
		rc = err_set(err, E_CRYPTO,
			     "no known key has signed the note; the first of its %zu is of %.*s (key %08x)",
			     ret->signature_count, (int)ret->signature[0].name.len,
			     (const char *)ret->signature[0].name.p, (unsigned)ret->signature[0].id);
	if (rc == 0 && ret_signers)
		*ret_signers = signers;
	return rc;
}

int note_begin(struct buf *to, struct span text, struct err *err)
{
	size_t bad = 0;

	if (text.len == 0 || text.p[text.len - 1] != '\n' || !is_text(text, &bad))
		return err_set(err, E_INVALID, "the text of a note is UTF-8 that ends with a line feed");
	buf_put_span(to, text);
	buf_put_u8(to, '\n');
	return 0;
}
