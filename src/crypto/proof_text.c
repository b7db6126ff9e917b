/* Lines, numbers and hashes of proofs as text. */
#include "crypto/proof_text_priv.h"

#include "crypto/base64.h"

#define HASH_TEXT_LEN BASE64_LEN(SHA256_LEN)

int proof_text__fail(const struct proof_text *t, const char *what, struct err *err)
{
	return err_set(err, E_SYNTAX, "line %u: %s", t->line, what);
}

int proof_text__line(struct proof_text *t, struct span *ret, struct err *err)
{
	const uint8_t *end = t->rest.len ? memchr(t->rest.p, '\n', t->rest.len) : NULL;

	t->line++;
	if (!end)
		return proof_text__fail(t, "the text ends before its line does", err);
	*ret = span_of(t->rest.p, (size_t)(end - t->rest.p));
	t->rest = span_from(t->rest, ret->len + 1);
	return 0;
}

bool proof_text__number(struct span text, uint64_t *ret)
{
	uint64_t v = 0;

	if (text.len == 0 || (text.len > 1 && text.p[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)text.p[i] - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*ret = v;
	return true;
}

static bool get_hash(struct span line, struct sha256 *ret)
{
	size_t len;

	return line.len == HASH_TEXT_LEN && base64_get(line, ret->b, SHA256_LEN, &len) && len == SHA256_LEN;
}

int proof_text__hashes(struct proof_text *t, bool to_end, size_t max, struct sha256 *ret_hash, size_t *ret_count,
		       struct err *err)
{
	size_t count = 0;
	struct span line;
	int rc;

	while (!to_end || t->rest.len > 0) {
		if ((rc = proof_text__line(t, &line, err)) < 0)
			return rc;
		if (line.len == 0 && !to_end)
			break;
		if (count == max)
			return proof_text__fail(t, "there are more hashes than any proof has", err);
		if (!get_hash(line, &ret_hash[count++]))
			return proof_text__fail(t, "expected a SHA-256 hash in base64", err);
	}
	*ret_count = count;
	return 0;
}

void proof_text__put_hashes(struct buf *to, const struct sha256 *hash, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		base64_put(to, span_of(hash[i].b, SHA256_LEN));
		buf_put_u8(to, '\n');
	}
}
