/* Certificates and their key. */
#include "net/tls_identity.h"

#include <gnutls/x509.h>
#include <string.h>

#include "base/mem.h"

#define KEY_ID_MAX 64u

static gnutls_datum_t datum_of(struct span s)
{
	return (gnutls_datum_t){(unsigned char *)s.p, (unsigned)s.len};
}

static int take_chain(struct tls_identity *t, struct span text, struct err *err)
{
	gnutls_datum_t data = datum_of(text);
	unsigned count = TLS_CHAIN_MAX;
	int rc = gnutls_pcert_list_import_x509_raw(t->chain, &count, &data, GNUTLS_X509_FMT_PEM, 0);

	if (rc == GNUTLS_E_SHORT_MEMORY_BUFFER)
		return err_set(err, E_INVALID, "the certificate file has more than %u certificates", TLS_CHAIN_MAX);
	if (rc < 0)
		return err_set(err, E_INVALID, "the certificate file holds no PEM certificates: %s",
			       gnutls_strerror(rc));
	t->chain_len = count;
	return 0;
}

static int take_key(struct tls_identity *t, struct span text, struct err *err)
{
	gnutls_datum_t data = datum_of(text);
	int rc;

	must(gnutls_privkey_init(&t->key) == 0);
	rc = gnutls_privkey_import_x509_raw(t->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc < 0)
		return err_set(err, E_INVALID, "the key file holds no PEM private key without a password: %s",
			       gnutls_strerror(rc));
	return 0;
}

static bool key_id(gnutls_pubkey_t key, uint8_t to[KEY_ID_MAX], size_t *ret_len)
{
	*ret_len = KEY_ID_MAX;
	return gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, to, ret_len) == 0;
}

static int check_pair(struct tls_identity *t, struct err *err)
{
	uint8_t mine[KEY_ID_MAX], theirs[KEY_ID_MAX];
	size_t mine_len, theirs_len;
	gnutls_pubkey_t public;
	bool fits;

	must(gnutls_pubkey_init(&public) == 0);
	fits = gnutls_pubkey_import_privkey(public, t->key, 0, 0) == 0 && key_id(public, mine, &mine_len) &&
	       key_id(t->chain[0].pubkey, theirs, &theirs_len) && mine_len == theirs_len &&
	       memcmp(mine, theirs, mine_len) == 0;
	gnutls_pubkey_deinit(public);
	return fits ? 0
		    : err_set(err, E_INVALID,
			      "the private key is not that of the first certificate; the server's own certificate "
			      "comes "
			      "first, then those that vouch for it");
}

static int find_expiry(struct tls_identity *t, struct err *err)
{
	t->expires_s = INT64_MAX;
	for (unsigned i = 0; i < t->chain_len; i++) {
		gnutls_x509_crt_t certificate;
		time_t expires;

		if (gnutls_pcert_export_x509(&t->chain[i], &certificate) < 0)
			return err_set(err, E_INVALID, "certificate %u of the file cannot be read", i + 1);
		expires = gnutls_x509_crt_get_expiration_time(certificate);
		gnutls_x509_crt_deinit(certificate);
		if (expires < t->expires_s)
			t->expires_s = expires;
	}
	return 0;
}

int tls_identity_new(struct span certificates, struct span key, struct tls_identity **ret, struct err *err)
{
	struct tls_identity *t = xalloc(sizeof(*t));
	int rc;

	if ((rc = take_chain(t, certificates, err)) < 0 || (rc = take_key(t, key, err)) < 0 ||
	    (rc = check_pair(t, err)) < 0 || (rc = find_expiry(t, err)) < 0)
		tls_identity_free(t);
	else
		*ret = t;
	return rc;
}

struct tls_identity *tls_identity_free(struct tls_identity *t)
{
	if (!t)
		return NULL;
	for (unsigned i = 0; i < t->chain_len; i++)
		gnutls_pcert_deinit(&t->chain[i]);
	if (t->key)
		gnutls_privkey_deinit(t->key);
	free(t);
	return NULL;
}
