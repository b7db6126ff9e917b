/*
 * Looking at the files: they are small, so they are read whole every few seconds and compared by their hash, which sees
 * links that were turned and files that were written in place alike. Two files never change at the same instant: what
 * cannot be used is complained of when it is still the same at the next look.
 *
 * A handshake borrows the certificate and the key, so a replaced one is kept until no handshake can have it any more.
 */
#include "api/tls.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "api/limits.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/durable.h"
#include "base/mem.h"
#include "base/thread.h"
#include "crypto/digest.h"
#include "net/tls_identity.h"

#define NS_PER_S INT64_C(1000000000)

struct tls {
	char *cert_path;
	char *key_path;
	struct digest *digest;
	struct sha256 shown_hash; /* this and what follows are the looking thread's */
	bool is_bad;              /* the files could not be used when last looked at */
	struct sha256 bad_hash;   /* of these; 0s: one could not be read */
	bool was_told;            /* of these */
	struct mutex mu;          /* a leaf; guards what follows */
	struct cond cond;
	struct tls_identity *shown; /* newest first; those behind it are retired */
	struct tls_figures figures;
	bool was_asked; /* to look now */
	bool is_closing;
	struct thread thread;
};

static _Atomic(struct tls *) serving;

/* ---- reading ---- */

static int read_file(const char *path, uint8_t **ret, size_t *ret_len, struct err *err)
{
	char *real = realpath(path, NULL); /* what renews certificates turns links */
	int rc;

	err_set_field(err, path, strlen(path));
	if (!real)
		return err_set(err, E_NOT_FOUND, "%s is not there or may not be read", path);
	rc = durable_read(&io_posix, real, TLS_FILE_MAX, ret, ret_len, err);
	free(real);
	return rc;
}

struct files {
	uint8_t *cert, *key;
	size_t cert_len, key_len;
	struct sha256 hash; /* of both; 0s when one cannot be read */
};

static int read_files(struct tls *t, struct files *f, struct err *err)
{
	struct sha256 both[2];
	int rc;

	*f = (struct files){0};
	if ((rc = read_file(t->cert_path, &f->cert, &f->cert_len, err)) < 0 ||
	    (rc = read_file(t->key_path, &f->key, &f->key_len, err)) < 0)
		return rc;
	digest_sha256(t->digest, span_of(f->cert, f->cert_len), &both[0]);
	digest_sha256(t->digest, span_of(f->key, f->key_len), &both[1]);
	digest_node(t->digest, &both[0], &both[1], &f->hash);
	return 0;
}

static void free_files(struct files *f)
{
	free(f->cert);
	if (f->key)
		mem_wipe(f->key, f->key_len);
	free(f->key);
}

/* ---- showing ---- */

static void drop_retired_locked(struct tls *t, int64_t now_ns)
{
	struct tls_identity **link = &t->shown->next;

	while (*link) {
		struct tls_identity *old = *link;

		if (now_ns - old->retired_ns < TLS_RETIRED_S * NS_PER_S) {
			link = &old->next;
			continue;
		}
		*link = old->next;
		tls_identity_free(old);
	}
}

static void show(struct tls *t, struct tls_identity *identity, const struct sha256 *hash)
{
	int64_t now_ns = clock_mono_ns();

	mutex_lock(&t->mu);
	identity->next = t->shown;
	if (t->shown)
		t->shown->retired_ns = now_ns;
	t->shown = identity;
	t->figures.expires_s = identity->expires_s;
	t->figures.loads++;
	drop_retired_locked(t, now_ns);
	mutex_unlock(&t->mu);
	t->shown_hash = *hash;
}

static int load(struct tls *t, const struct files *f, struct err *err)
{
	struct tls_identity *identity;
	int rc = tls_identity_new(span_of(f->cert, f->cert_len), span_of(f->key, f->key_len), &identity, err);

	if (rc == 0)
		show(t, identity, &f->hash);
	return rc;
}

static void set_stale(struct tls *t, bool is_stale, bool is_failure)
{
	mutex_lock(&t->mu);
	t->figures.is_stale = is_stale;
	t->figures.failures += is_failure;
	mutex_unlock(&t->mu);
}

/* The same files are complained of once, and not at first sight: perhaps only one of them is there yet. */
static void complain(struct tls *t, const struct sha256 *hash, bool is_sure, const struct err *err)
{
	bool is_same = t->is_bad && memcmp(&t->bad_hash, hash, sizeof(*hash)) == 0;

	if (!is_same)
		t->was_told = false;
	t->is_bad = true;
	t->bad_hash = *hash;
	if (t->was_told || (!is_same && !is_sure))
		return;
	t->was_told = true;
	set_stale(t, true, true);
	diag(DIAG_ERROR, "tls", "the certificate stays the one before: %s", err->message);
}

/* `is_sure`: an operator says that the files are as they are to be. */
static void look(struct tls *t, bool is_sure)
{
	struct err err = ERR_INIT;
	struct files f;
	int rc = read_files(t, &f, &err);
	bool is_shown = rc == 0 && memcmp(&f.hash, &t->shown_hash, sizeof(f.hash)) == 0;

	if (rc == 0 && !is_shown && (rc = load(t, &f, &err)) == 0)
		diag(DIAG_INFO, "tls", "another certificate is shown: expires=%lld", (long long)t->shown->expires_s);
	if (rc == 0) {
		t->is_bad = false;
		set_stale(t, false, false);
	} else {
		complain(t, &f.hash, is_sure, &err);
	}
	free_files(&f);
}

static void *watch(void *arg)
{
	struct tls *t = arg;

	mutex_lock(&t->mu);
	while (!t->is_closing) {
		bool was_asked = t->was_asked;

		t->was_asked = false;
		mutex_unlock(&t->mu);
		look(t, was_asked);
		mutex_lock(&t->mu);
		if (!t->is_closing && !t->was_asked)
			(void)cond_wait_for(&t->cond, &t->mu, TLS_LOOK_MS);
	}
	mutex_unlock(&t->mu);
	return NULL;
}

/* ---- opening and closing ---- */

static struct tls *free_tls(struct tls *t)
{
	while (t->shown) {
		struct tls_identity *next = t->shown->next;

		tls_identity_free(t->shown);
		t->shown = next;
	}
	mutex_release(&t->mu);
	cond_release(&t->cond);
	digest_free(t->digest);
	free(t->cert_path);
	free(t->key_path);
	free(t);
	return NULL;
}

int tls_open(const char *cert_path, const char *key_path, struct tls **ret, struct err *err)
{
	struct tls *t = xalloc(sizeof(*t));
	struct files f;
	int rc;

	t->cert_path = xstrdup(cert_path);
	t->key_path = xstrdup(key_path);
	t->digest = digest_new();
	mutex_init(&t->mu);
	cond_init(&t->cond);
	rc = read_files(t, &f, err);
	if (rc == 0)
		rc = load(t, &f, err);
	free_files(&f);
	if (rc < 0) {
		free_tls(t);
		return rc;
	}
	must(!atomic_exchange(&serving, t));
	thread_start(&t->thread, "tls", watch, t);
	*ret = t;
	return 0;
}

struct tls *tls_close(struct tls *t)
{
	if (!t)
		return NULL;
	mutex_lock(&t->mu);
	t->is_closing = true;
	cond_signal(&t->cond);
	mutex_unlock(&t->mu);
	thread_join(&t->thread);
	atomic_store(&serving, NULL);
	return free_tls(t);
}

void tls_reload(struct tls *t)
{
	mutex_lock(&t->mu);
	t->was_asked = true;
	cond_signal(&t->cond);
	mutex_unlock(&t->mu);
}

void tls_figures(struct tls *t, struct tls_figures *ret)
{
	*ret = (struct tls_figures){0};
	if (!t)
		return;
	mutex_lock(&t->mu);
	*ret = t->figures;
	mutex_unlock(&t->mu);
}

static int on_handshake(gnutls_session_t session, const gnutls_datum_t *issuers, int issuer_count,
			const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **ret_chain,
			unsigned *ret_chain_len, gnutls_privkey_t *ret_key)
{
	struct tls *t = atomic_load(&serving);
	struct tls_identity *shown;

	(void)session, (void)issuers, (void)issuer_count, (void)algorithms, (void)algorithm_count;
	if (!t)
		return -1;
	mutex_lock(&t->mu);
	shown = t->shown;
	mutex_unlock(&t->mu);
	*ret_chain = shown->chain;
	*ret_chain_len = shown->chain_len;
	*ret_key = shown->key;
	return 0;
}

void *tls_handshake_callback(void)
{
	return (void *)on_handshake;
}
