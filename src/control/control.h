/*
 * What is configured, in <folder>/control.db: orgs, their ledgers with wrapped keys, API keys (api_key.h) and roles
 * (role.h), by operators; saved searches (saved_search.h), by users.
 *
 * SQLite in WAL mode with synchronous=FULL: what a function here returned 0 for is there after a crash. The schema is
 * made by numbered migrations (migration.c); a file of a newer version is refused. The SQL is what PostgreSQL takes
 * too.
 *
 * One struct control may be used by many threads; calls wait for each other. Nothing here is on the way of an append
 * or a search: the service keeps what it looked up. Texts are UTF-8 and NUL-terminated.
 */
#ifndef STELE_CONTROL_CONTROL_H
#define STELE_CONTROL_CONTROL_H

#include "base/err.h"
#include "control/limits.h"
#include "crypto/digest.h"
#include "crypto/key_ring.h"

struct control;

/* Opens <folder>/control.db, making it (mode 0600) or bringing it to the present schema. E_IO, E_NO_SPACE, E_CORRUPT,
 * E_LOCKED, E_UNSUPPORTED (made by a newer version). */
int control_open(const char *folder, struct control **ret, struct err *err) __attribute__((warn_unused_result));
struct control *control_close(struct control *c); /* returns NULL */

/* ---- orgs and ledgers ---- */

enum control_ledger_name { LEDGER_MAIN, LEDGER_SELF, LEDGER_NAME_COUNT };
extern const char *const control_ledger_names[LEDGER_NAME_COUNT];

struct control_org {
	int64_t id;
	char org_key[ORG_KEY_MAX + 1]; /* [a-z0-9-], begins with a letter or digit; those of the server with '_' */
	char name[ORG_NAME_MAX + 1];
	int64_t created_us;
	int64_t updated_us;    /* 0: never changed */
	int64_t disabled_us;   /* 0: it is not */
	uint32_t request_rate; /* 0: no limit */
	uint32_t event_rate;
	int64_t version;
	uint32_t ledger[LEDGER_NAME_COUNT]; /* ledger numbers */
};

/* Makes the wrapped key of a new ledger; any error undoes what it is asked for. */
typedef int control_wrap_fn(void *user, uint32_t ledger, uint8_t ret_wrapped[KEY_WRAPPED_LEN], struct err *err);

#define ORG_VERSION 1 /* the first one; each change makes the next */

/* Fills id, ledger and version of `org`; the rest is the caller's, and not disabled. E_EXISTS, E_INVALID,
 * E_TOO_LARGE (ORGS_MAX). */
int control_org_create(struct control *c, struct control_org *org, control_wrap_fn *wrap, void *user, struct err *err)
	__attribute__((warn_unused_result));
/* E_NOT_FOUND. */
int control_org_get(struct control *c, int64_t id, struct control_org *ret, struct err *err)
	__attribute__((warn_unused_result));
int control_org_find(struct control *c, const char *org_key, struct control_org *ret, struct err *err)
	__attribute__((warn_unused_result));
/* All, by their org_key; the caller frees the array. */
int control_org_list(struct control *c, struct control_org **ret, size_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));
/* Replaces name, updated_us, disabled_us, rates and version. E_NOT_FOUND, E_INVALID. */
int control_org_update(struct control *c, const struct control_org *org, struct err *err)
	__attribute__((warn_unused_result));
int control_org_count(struct control *c, int64_t *ret, struct err *err) __attribute__((warn_unused_result));
/* The ids of all, ascending; the caller frees the array. */
int control_org_ids(struct control *c, int64_t **ret, size_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));

/* Whose a ledger is. */
struct control_ledger {
	char org_key[ORG_KEY_MAX + 1];
	char name[LEDGER_NAME_MAX + 1];
};

/* E_NOT_FOUND. */
int control_ledger_get(struct control *c, uint32_t ledger, struct control_ledger *ret, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND. */
int control_ledger_org(struct control *c, uint32_t ledger, int64_t *ret_org, struct err *err)
	__attribute__((warn_unused_result));
/* E_NOT_FOUND. */
int control_ledger_key(struct control *c, uint32_t ledger, uint8_t ret_wrapped[KEY_WRAPPED_LEN], struct err *err)
	__attribute__((warn_unused_result));

/* ---- transactions ----
 * What is done between begin and commit happens whole or not at all. Begin waits for other threads' transactions and
 * keeps theirs out until commit or rollback, by the same thread. */

int control_begin(struct control *c, struct err *err) __attribute__((warn_unused_result));
int control_commit(struct control *c, struct err *err) __attribute__((warn_unused_result));
void control_rollback(struct control *c);

#endif
