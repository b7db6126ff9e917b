/* HMAC-SHA-256 of the link's text, between what it is bound to. */
#include "service/link.h"

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "service/service_priv.h"

#define KEY_LABEL     "stele link v1"
#define US_PER_SECOND 1000000

static void put_bound(struct buf *to, struct span text)
{
	buf_put_varint(to, text.len);
	buf_put_span(to, text);
}

/* False when memory is out: then nothing is signed and nothing is right. */
static bool sign(struct service *s, const struct principal *who, struct span text, int64_t expires_s,
		 struct sha256 *ret)
{
	struct buf said = BUF_INIT;
	struct key key;
	bool ok;

	put_bound(&said, span_str(principal_org_key(who)));
	put_bound(&said, span_str(who->id));
	put_bound(&said, text);
	buf_put_u64(&said, (uint64_t)expires_s);
	key_derive(&s->node_key, KEY_LABEL, span_of(NULL, 0), key.b, KEY_LEN);
	ok = buf_ok(&said);
	if (ok)
		hmac_sha256(span_of(key.b, KEY_LEN), buf_span(&said), ret);
	mem_wipe(&key, sizeof(key));
	buf_release(&said);
	return ok;
}

void service_link_sign(struct service *s, const struct principal *who, struct span text, int64_t expires_s,
		       struct buf *to)
{
	struct sha256 mac;

	if (sign(s, who, text, expires_s, &mac))
		base64url_put(to, span_of(mac.b, SHA256_LEN));
	else
		to->failed = true;
}

int service_link_check(struct service *s, const struct principal *who, struct span text, int64_t expires_s,
		       struct span signature, struct err *err)
{
	struct sha256 given, mac;
	size_t len = 0;

	if (!base64url_get(signature, given.b, SHA256_LEN, &len) || len != SHA256_LEN ||
	    !sign(s, who, text, expires_s, &mac) || !sha256_eq_secret(&given, &mac))
		return err_set(err, E_FORBIDDEN, "the signature of this link is not right; ask for new links");
	if (expires_s * US_PER_SECOND <= clock_wall_us())
		return err_set(err, E_FORBIDDEN, "this link has expired; ask for new links");
	return 0;
}
