/* API keys: who a client is, and which org it belongs to. */
#include <string.h>

#include "control/control_priv.h"

static int insert_key(struct control *c, const struct control_api_key *key, struct err *err)
{
	static const char sql[] = "INSERT INTO api_keys (client_id, secret_hash, org, role, created, name)"
				  " VALUES (?, ?, ?, ?, ?, ?)";
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		return rc;
	sqlite3_bind_text(stmt, 1, key->client_id, -1, SQLITE_STATIC);
	control__bind_hex(stmt, 2, key->secret_hash.b, SHA256_LEN);
	sqlite3_bind_int64(stmt, 3, key->org);
	sqlite3_bind_text(stmt, 4, key->role, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 5, key->created_us);
	sqlite3_bind_text(stmt, 6, key->name, -1, SQLITE_STATIC);
	rc = control__step(c, stmt, "adding an API key", err);
	if (rc == E_EXISTS && sqlite3_extended_errcode(c->db) == SQLITE_CONSTRAINT_FOREIGNKEY)
		rc = err_set(err, E_INVALID, "there is no org %lld for this API key", (long long)key->org);
	sqlite3_finalize(stmt);
	return rc;
}

int control_api_key_create(struct control *c, const struct control_api_key *key, struct err *err)
{
	bool entered = control__enter(c);
	int rc = insert_key(c, key, err);

	control__leave(c, entered);
	return rc;
}

static int read_key(sqlite3_stmt *stmt, struct control_api_key *key, struct err *err)
{
	int rc;

	if ((rc = control__text(stmt, 0, key->client_id, sizeof(key->client_id), err)) < 0)
		return rc;
	if ((rc = control__hex(stmt, 1, key->secret_hash.b, SHA256_LEN, err)) < 0)
		return rc;
	key->org = sqlite3_column_int64(stmt, 2);
	key->created_us = sqlite3_column_int64(stmt, 4);
	if ((rc = control__text(stmt, 3, key->role, sizeof(key->role), err)) < 0)
		return rc;
	return control__text(stmt, 5, key->name, sizeof(key->name), err);
}

int control_api_key_get(struct control *c, const char *client_id, struct control_api_key *ret, struct err *err)
{
	static const char sql[] =
		"SELECT client_id, secret_hash, org, role, created, name FROM api_keys WHERE client_id = ?";
	bool entered = control__enter(c);
	struct control_api_key key = {0};
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	sqlite3_bind_text(stmt, 1, client_id, -1, SQLITE_STATIC);
	if ((rc = control__step(c, stmt, "reading an API key", err)) < 0)
		goto out;
	rc = rc == 0 ? err_set(err, E_NOT_FOUND, "there is no such API key") : read_key(stmt, &key, err);
	if (rc == 0)
		*ret = key;
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}
