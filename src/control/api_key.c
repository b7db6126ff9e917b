/* API keys: the statements, and rows as structs. */
#include "control/api_key.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/control_priv.h"

/* What a change may change comes first, in the order of bind_changeable and read_row. */
#define CHANGEABLE                                                                                                     \
	"secret_hash, previous_hash, previous_until, role, name, narrow, networks, request_rate, event_rate, updated," \
	" expires, revoked, rotated, version"
#define CHANGEABLE_COUNT 14
#define ROW_COLUMNS      CHANGEABLE ", client_id, org, created, created_by, last_used"

static void bind_changeable(sqlite3_stmt *stmt, const struct control_api_key *key)
{
	control__bind_hex(stmt, 1, key->secret_hash.b, SHA256_LEN);
	control__bind_hex(stmt, 2, key->previous_hash.b, key->previous_until_us ? SHA256_LEN : 0);
	sqlite3_bind_int64(stmt, 3, key->previous_until_us);
	sqlite3_bind_text(stmt, 4, key->role, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 5, key->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 6, key->narrow, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 7, key->networks, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 8, key->request_rate);
	sqlite3_bind_int64(stmt, 9, key->event_rate);
	sqlite3_bind_int64(stmt, 10, key->updated_us);
	sqlite3_bind_int64(stmt, 11, key->expires_us);
	sqlite3_bind_int64(stmt, 12, key->revoked_us);
	sqlite3_bind_int64(stmt, 13, key->rotated_us);
	sqlite3_bind_int64(stmt, 14, key->version);
}

static int read_texts(sqlite3_stmt *stmt, struct control_api_key *key, struct err *err)
{
	int at = CHANGEABLE_COUNT;
	int rc;

	if ((rc = control__text(stmt, 3, key->role, sizeof(key->role), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, 4, key->name, sizeof(key->name), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, 5, key->narrow, sizeof(key->narrow), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, 6, key->networks, sizeof(key->networks), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, at, key->client_id, sizeof(key->client_id), err)) < 0)
		return rc;
	return control__text(stmt, at + 3, key->created_by, sizeof(key->created_by), err);
}

static int read_row(sqlite3_stmt *stmt, struct control_api_key *key, struct err *err)
{
	int at = CHANGEABLE_COUNT;
	int rc;

	if ((rc = control__hex(stmt, 0, key->secret_hash.b, SHA256_LEN, err)) < 0)
		return rc;
	key->previous_until_us = sqlite3_column_int64(stmt, 2);
	if (key->previous_until_us != 0 && (rc = control__hex(stmt, 1, key->previous_hash.b, SHA256_LEN, err)) < 0)
		return rc;
	key->request_rate = (uint32_t)sqlite3_column_int64(stmt, 7);
	key->event_rate = (uint32_t)sqlite3_column_int64(stmt, 8);
	key->updated_us = sqlite3_column_int64(stmt, 9);
	key->expires_us = sqlite3_column_int64(stmt, 10);
	key->revoked_us = sqlite3_column_int64(stmt, 11);
	key->rotated_us = sqlite3_column_int64(stmt, 12);
	key->version = sqlite3_column_int64(stmt, 13);
	key->org = sqlite3_column_int64(stmt, at + 1);
	key->created_us = sqlite3_column_int64(stmt, at + 2);
	key->last_used_us = sqlite3_column_int64(stmt, at + 4);
	return read_texts(stmt, key, err);
}

static int not_found(struct err *err)
{
	return err_set(err, E_NOT_FOUND, "there is no such API key");
}

/* ---- creating ---- */

static int check_room(struct control *c, int64_t org, struct err *err)
{
	return control__check_room(c, "SELECT COUNT(*) FROM api_keys WHERE org = ? AND revoked = 0", org, API_KEYS_MAX,
				   "API keys in force; revoke one first", err);
}

static int insert_key(struct control *c, const struct control_api_key *key, struct err *err)
{
	static const char sql[] = "INSERT INTO api_keys (" ROW_COLUMNS
				  ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	int at = CHANGEABLE_COUNT;
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		return rc;
	bind_changeable(stmt, key);
	sqlite3_bind_text(stmt, at + 1, key->client_id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, at + 2, key->org);
	sqlite3_bind_int64(stmt, at + 3, key->created_us);
	sqlite3_bind_text(stmt, at + 4, key->created_by, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, at + 5, key->last_used_us);
	rc = control__step(c, stmt, "adding an API key", err);
	if (rc == E_EXISTS && sqlite3_extended_errcode(c->db) == SQLITE_CONSTRAINT_FOREIGNKEY)
		rc = err_set(err, E_INVALID, "there is no org %lld for this API key", (long long)key->org);
	sqlite3_finalize(stmt);
	return rc;
}

int control_api_key_create(struct control *c, const struct control_api_key *key, struct err *err)
{
	bool entered = control__enter(c);
	int rc = check_room(c, key->org, err);

	if (rc == 0)
		rc = insert_key(c, key, err);
	control__leave(c, entered);
	return rc;
}

/* ---- reading ---- */

int control_api_key_get(struct control *c, const char *client_id, struct control_api_key *ret, struct err *err)
{
	static const char sql[] = "SELECT " ROW_COLUMNS " FROM api_keys WHERE client_id = ?";
	bool entered = control__enter(c);
	struct control_api_key key = {0};
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	sqlite3_bind_text(stmt, 1, client_id, -1, SQLITE_STATIC);
	if ((rc = control__step(c, stmt, "reading an API key", err)) < 0)
		goto out;
	rc = rc == 0 ? not_found(err) : read_row(stmt, &key, err);
	if (rc == 0)
		*ret = key;
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

/* Reads all rows into an array that grows with them. */
static int read_rows(struct control *c, sqlite3_stmt *stmt, struct control_api_key **rows, size_t *count,
		     struct err *err)
{
	int rc;

	while ((rc = control__step(c, stmt, "listing API keys", err)) > 0) {
		if ((*count & (*count - 1)) == 0)
			*rows = xrealloc(*rows, (*count ? 2 * *count : 1) * sizeof(**rows));
		(*rows)[*count] = (struct control_api_key){.org = 0};
		if ((rc = read_row(stmt, &(*rows)[*count], err)) < 0)
			return rc;
		++*count;
	}
	return rc;
}

int control_api_key_list(struct control *c, int64_t org, struct control_api_key **ret, size_t *ret_count,
			 struct err *err)
{
	static const char sql[] = "SELECT " ROW_COLUMNS " FROM api_keys WHERE org = ?"
				  " ORDER BY revoked <> 0, created DESC, client_id LIMIT ?";
	bool entered = control__enter(c);
	struct control_api_key *rows = NULL;
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	sqlite3_bind_int64(stmt, 1, org);
	sqlite3_bind_int64(stmt, 2, API_KEYS_LISTED_MAX);
	rc = read_rows(c, stmt, &rows, &count, err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	if (rc < 0) {
		free(rows);
		return rc;
	}
	*ret = rows;
	*ret_count = count;
	return 0;
}

/* ---- changing ---- */

int control_api_key_update(struct control *c, const struct control_api_key *key, struct err *err)
{
	static const char sql[] =
		"UPDATE api_keys SET (" CHANGEABLE ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE client_id = ?";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	bind_changeable(stmt, key);
	sqlite3_bind_text(stmt, CHANGEABLE_COUNT + 1, key->client_id, -1, SQLITE_STATIC);
	rc = control__step(c, stmt, "changing an API key", err);
	if (rc == 0 && sqlite3_changes(c->db) == 0)
		rc = not_found(err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

int control_api_key_used(struct control *c, const char *client_id, int64_t us, struct err *err)
{
	static const char sql[] = "UPDATE api_keys SET last_used = ? WHERE client_id = ? AND last_used < ?";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	sqlite3_bind_int64(stmt, 1, us);
	sqlite3_bind_text(stmt, 2, client_id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, us);
	rc = control__step(c, stmt, "noting the use of an API key", err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}
