/*
 * The keys of logs. A seed is 32 random bytes, sealed by AES-256-GCM under a key that is derived from the ledger's,
 * with the public key as additional data: the master key opens it by way of the ledger's key, and its rotation need not
 * touch it.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "control/log_key.h"
#include "crypto/aead.h"
#include "service/log_signer_priv.h"

#define WRAP_LABEL "stele log key v1"

_Static_assert(NOTE_SEED_LEN == KEY_LEN, "a seed is wrapped as a key is");

static int open_wrapper(struct log_signer *s, uint32_t ledger, struct aead **ret, struct err *err)
{
	struct key key, wrapper;
	int rc = s->config.key(s->config.user, ledger, &key, err);

	if (rc < 0)
		return rc;
	key_derive(&key, WRAP_LABEL, span_of(NULL, 0), wrapper.b, KEY_LEN);
	*ret = aead_new(&wrapper);
	mem_wipe(&key, sizeof(key));
	mem_wipe(&wrapper, sizeof(wrapper));
	return 0;
}

static int wrap(struct log_signer *s, const struct key *seed, struct control_log_key *k, struct err *err)
{
	struct aead *a;
	int rc = open_wrapper(s, k->ledger, &a, err);

	if (rc < 0)
		return rc;
	rand_bytes(k->wrapped_seed, AEAD_NONCE_LEN);
	rc = aead_seal(a, k->wrapped_seed, span_of(k->public_key, NOTE_PUBLIC_LEN), span_of(seed->b, KEY_LEN),
		       k->wrapped_seed + AEAD_NONCE_LEN);
	aead_free(a);
	return rc < 0 ? err_set(err, rc, "wrapping the log key of ledger %u failed", (unsigned)k->ledger) : 0;
}

static int unwrap(struct log_signer *s, const struct control_log_key *k, struct key *ret_seed, struct err *err)
{
	struct aead *a;
	int rc = open_wrapper(s, k->ledger, &a, err);

	if (rc < 0)
		return rc;
	rc = aead_open(a, k->wrapped_seed, span_of(k->public_key, NOTE_PUBLIC_LEN),
		       span_of(k->wrapped_seed + AEAD_NONCE_LEN, KEY_WRAPPED_LEN - AEAD_NONCE_LEN), ret_seed->b);
	aead_free(a);
	if (rc < 0)
		return err_set(err, E_CRYPTO, "control.db: the log key of ledger %u does not unwrap: it is damaged",
			       (unsigned)k->ledger);
	return 0;
}

int log__new_key(const struct log *log, struct note_signer **ret, struct key *ret_seed, struct err *err)
{
	rand_bytes(ret_seed->b, KEY_LEN);
	return note_signer_new(span_str(log->origin), ret_seed->b, ret, err);
}

int log__store_key(struct log_signer *s, const struct log *log, const struct note_signer *signer,
		   const struct key *seed, struct span handover, struct err *err)
{
	const struct note_vkey *vkey = note_signer_vkey(signer);
	struct control_log_key k = {.ledger = log->number, .created_us = clock_wall_us()};
	int rc;

	memcpy(k.origin, log->origin, sizeof(k.origin));
	memcpy(k.public_key, vkey->public_key, NOTE_PUBLIC_LEN);
	k.handover = xformat("%.*s", (int)handover.len, handover.len ? (const char *)handover.p : "");
	if ((rc = wrap(s, seed, &k, err)) == 0)
		rc = control_log_key_add(s->config.control, &k, err);
	control_log_key_release(&k);
	return rc;
}

static int make_key(struct log_signer *s, struct log *log, struct err *err)
{
	struct note_signer *signer = NULL;
	struct key seed;
	int rc = log__new_key(log, &signer, &seed, err);

	if (rc == 0)
		rc = log__store_key(s, log, signer, &seed, span_of(NULL, 0), err);
	mem_wipe(&seed, sizeof(seed));
	if (rc == 0)
		log->signer = signer;
	else
		note_signer_free(signer);
	return rc;
}

static int take_key(struct log_signer *s, struct log *log, const struct control_log_key *k, struct err *err)
{
	struct key seed;
	int rc = unwrap(s, k, &seed, err);

	if (rc < 0)
		return rc;
	rc = note_signer_new(span_str(k->origin), seed.b, &log->signer, err);
	mem_wipe(&seed, sizeof(seed));
	return rc;
}

static void release_keys(struct control_log_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		control_log_key_release(&keys[i]);
	free(keys);
}

/* A log that has another origin than before is another log, and has another key. */
int log__need_key(struct log_signer *s, struct log *log, struct err *err)
{
	struct control_log_key *keys = NULL;
	size_t count = 0;
	int rc;

	if (log->signer)
		return 0;
	if ((rc = control_log_keys(s->config.control, log->number, &keys, &count, err)) < 0)
		return rc;
	if (count > 0 && keys[count - 1].retired_us == 0 && strcmp(keys[count - 1].origin, log->origin) == 0)
		rc = take_key(s, log, &keys[count - 1], err);
	else
		rc = make_key(s, log, err);
	release_keys(keys, count);
	return rc;
}

/* ---- the list ---- */

static int show_keys(const struct control_log_key *keys, size_t count, struct log_key *ret, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = note_vkey_make(span_str(keys[i].origin), keys[i].public_key, &ret[i].vkey, err);
		ret[i].created_us = keys[i].created_us;
		ret[i].retired_us = keys[i].retired_us;
		ret[i].handover = xstrdup(keys[i].handover);
	}
	return rc;
}

int log__list_keys(struct log_signer *s, uint32_t ledger, struct log_key **ret, size_t *ret_count, struct err *err)
{
	struct control_log_key *keys = NULL;
	struct log_key *shown;
	size_t count = 0;
	int rc = control_log_keys(s->config.control, ledger, &keys, &count, err);

	if (rc < 0)
		return rc;
	shown = xarray(count + 1, sizeof(*shown));
	rc = show_keys(keys, count, shown, err);
	release_keys(keys, count);
	if (rc < 0) {
		log_keys_free(shown, count);
		return rc;
	}
	*ret = shown;
	*ret_count = count;
	return 0;
}

struct log_key *log_keys_free(struct log_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(keys[i].handover);
	free(keys);
	return NULL;
}
