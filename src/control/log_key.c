/* Keys of logs. */
#include "control/log_key.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/control_priv.h"

enum { AT_LEDGER, AT_NUMBER, AT_ORIGIN, AT_PUBLIC, AT_WRAPPED, AT_CREATED, AT_RETIRED, AT_HANDOVER };

void control_log_key_release(struct control_log_key *k)
{
	free(k->handover);
	mem_wipe(k, sizeof(*k));
}

static int retire_others(struct control *c, const struct control_log_key *k, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	rc = control__prepare(c, "UPDATE log_keys SET retired = ? WHERE ledger = ? AND retired = 0", &stmt, err);
	if (rc < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, k->created_us);
	sqlite3_bind_int64(stmt, 2, k->ledger);
	rc = control__step(c, stmt, "retiring a log's key", err);
	sqlite3_finalize(stmt);
	return rc;
}

static int insert(struct control *c, const struct control_log_key *k, struct err *err)
{
	static const char sql[] =
		"INSERT INTO log_keys (ledger, number, origin, public_key, wrapped_seed, created, retired, handover)"
		" SELECT ?, COUNT(*) + 1, ?, ?, ?, ?, 0, ? FROM log_keys WHERE ledger = ?";
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, k->ledger);
	sqlite3_bind_text(stmt, 2, k->origin, -1, SQLITE_STATIC);
	control__bind_hex(stmt, 3, k->public_key, NOTE_PUBLIC_LEN);
	control__bind_hex(stmt, 4, k->wrapped_seed, KEY_WRAPPED_LEN);
	sqlite3_bind_int64(stmt, 5, k->created_us);
	sqlite3_bind_text(stmt, 6, k->handover ? k->handover : "", -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 7, k->ledger);
	rc = control__step(c, stmt, "adding a log's key", err);
	sqlite3_finalize(stmt);
	return rc;
}

int control_log_key_add(struct control *c, const struct control_log_key *k, struct err *err)
{
	int rc;

	if ((rc = control_begin(c, err)) < 0)
		return rc;
	if ((rc = retire_others(c, k, err)) == 0)
		rc = insert(c, k, err);
	if (rc < 0) {
		control_rollback(c);
		return rc;
	}
	return control_commit(c, err);
}

static int read_key(sqlite3_stmt *stmt, struct control_log_key *k, struct err *err)
{
	const char *handover = (const char *)sqlite3_column_text(stmt, AT_HANDOVER);
	int rc;

	k->ledger = (uint32_t)sqlite3_column_int64(stmt, AT_LEDGER);
	k->created_us = sqlite3_column_int64(stmt, AT_CREATED);
	k->retired_us = sqlite3_column_int64(stmt, AT_RETIRED);
	k->handover = xstrdup(handover ? handover : "");
	if ((rc = control__text(stmt, AT_ORIGIN, k->origin, sizeof(k->origin), err)) < 0)
		return rc;
	if ((rc = control__hex(stmt, AT_PUBLIC, k->public_key, NOTE_PUBLIC_LEN, err)) < 0)
		return rc;
	return control__hex(stmt, AT_WRAPPED, k->wrapped_seed, KEY_WRAPPED_LEN, err);
}

static int read_keys(struct control *c, sqlite3_stmt *stmt, struct control_log_key **keys, size_t *count,
		     struct err *err)
{
	int rc;

	while ((rc = control__step(c, stmt, "reading a log's keys", err)) > 0) {
		*keys = xrealloc(*keys, (*count + 1) * sizeof(**keys));
		(*keys)[*count] = (struct control_log_key){0};
		rc = read_key(stmt, &(*keys)[(*count)++], err);
		if (rc < 0)
			break;
	}
	return rc;
}

int control_log_keys(struct control *c, uint32_t ledger, struct control_log_key **ret, size_t *ret_count,
		     struct err *err)
{
	static const char sql[] =
		"SELECT ledger, number, origin, public_key, wrapped_seed, created, retired, handover FROM log_keys"
		" WHERE ledger = ? ORDER BY number";
	bool entered = control__enter(c);
	struct control_log_key *keys = NULL;
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc == 0) {
		sqlite3_bind_int64(stmt, 1, ledger);
		rc = read_keys(c, stmt, &keys, &count, err);
	}
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	if (rc < 0) {
		while (count > 0)
			control_log_key_release(&keys[--count]);
		free(keys);
		return rc;
	}
	*ret = keys;
	*ret_count = count;
	return 0;
}
