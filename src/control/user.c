/* Users: the statements, and rows as structs. */
#include "control/user.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/control_priv.h"

#define ROW_COLUMNS                                                                                                    \
	"id, org, email, name, role, password, totp, totp_step, reset_hash, reset_until, disabled, last_login, "       \
	"created, updated, created_by, version"
enum {
	AT_ID,
	AT_ORG,
	AT_EMAIL,
	AT_NAME,
	AT_ROLE,
	AT_PASSWORD,
	AT_TOTP,
	AT_TOTP_STEP,
	AT_RESET_HASH,
	AT_RESET_UNTIL,
	AT_DISABLED,
	AT_LAST_LOGIN,
	AT_CREATED,
	AT_UPDATED,
	AT_CREATED_BY,
	AT_VERSION,
	COLUMN_COUNT
};

/* ---- rows ---- */

/* Hex, or an empty text when there is none. */
static void bind_secret(sqlite3_stmt *stmt, int at, bool is_there, const uint8_t *p, size_t len)
{
	if (is_there)
		control__bind_hex(stmt, at, p, len);
	else
		control__bind_text(stmt, at, "");
}

static int get_secret(sqlite3_stmt *stmt, int at, bool *ret_is_there, uint8_t *to, size_t len, struct err *err)
{
	*ret_is_there = sqlite3_column_bytes(stmt, at) > 0;
	return *ret_is_there ? control__hex(stmt, at, to, len, err) : 0;
}

static int read_texts(sqlite3_stmt *stmt, struct control_user *u, struct err *err)
{
	int rc;

	if ((rc = control__text(stmt, AT_ID, u->id, sizeof(u->id), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, AT_EMAIL, u->email, sizeof(u->email), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, AT_NAME, u->name, sizeof(u->name), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, AT_ROLE, u->role, sizeof(u->role), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, AT_PASSWORD, u->password, sizeof(u->password), err)) < 0)
		return rc;
	return control__text(stmt, AT_CREATED_BY, u->created_by, sizeof(u->created_by), err);
}

static int read_row(sqlite3_stmt *stmt, struct control_user *ret, struct err *err)
{
	struct control_user u = {.org = sqlite3_column_int64(stmt, AT_ORG),
				 .totp_step = sqlite3_column_int64(stmt, AT_TOTP_STEP),
				 .reset_until_us = sqlite3_column_int64(stmt, AT_RESET_UNTIL),
				 .disabled_us = sqlite3_column_int64(stmt, AT_DISABLED),
				 .last_login_us = sqlite3_column_int64(stmt, AT_LAST_LOGIN),
				 .created_us = sqlite3_column_int64(stmt, AT_CREATED),
				 .updated_us = sqlite3_column_int64(stmt, AT_UPDATED),
				 .version = sqlite3_column_int64(stmt, AT_VERSION)};
	int rc;

	if ((rc = read_texts(stmt, &u, err)) < 0)
		return rc;
	if ((rc = get_secret(stmt, AT_TOTP, &u.has_totp, u.totp, sizeof(u.totp), err)) < 0)
		return rc;
	if ((rc = get_secret(stmt, AT_RESET_HASH, &u.has_reset, u.reset_hash.b, SHA256_LEN, err)) < 0)
		return rc;
	*ret = u;
	return 0;
}

/* ---- errors ---- */

static int not_found(struct err *err)
{
	return err_set(err, E_NOT_FOUND, "there is no such user");
}

/* What a broken rule of the table means here. */
static int explain(struct control *c, int rc, struct err *err)
{
	if (rc != E_EXISTS || sqlite3_extended_errcode(c->db) != SQLITE_CONSTRAINT_UNIQUE)
		return rc;
	if (err)
		*err = (struct err)ERR_INIT;
	err_set_field(err, "email", strlen("email"));
	return err_set(err, E_EXISTS, "a user of this org has this e-mail address already; it may be disabled");
}

/* Why a change found no row: there is none, or it has another version. */
static int explain_none(struct control *c, const struct control_user *u, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, "SELECT version FROM users WHERE org = ? AND id = ?", &stmt, err);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, u->org);
	control__bind_text(stmt, 2, u->id);
	rc = control__step(c, stmt, "reading a user", err);
	if (rc == 0)
		rc = not_found(err);
	else if (rc > 0)
		rc = err_set(err, E_CHANGED, "the user has version %lld by now; read it again and decide anew",
			     (long long)sqlite3_column_int64(stmt, 0));
	sqlite3_finalize(stmt);
	return rc;
}

/* ---- creating ---- */

static int check_room(struct control *c, int64_t org, struct err *err)
{
	return control__check_room(c, "SELECT COUNT(*) FROM users WHERE org = ?", org, USERS_MAX,
				   "users, disabled ones too; give one of them another e-mail address", err);
}

static int insert(struct control *c, const struct control_user *u, struct err *err)
{
	static const char sql[] =
		"INSERT INTO users (" ROW_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	sqlite3_stmt *stmt = NULL;
	int rc;

	_Static_assert(COLUMN_COUNT == 16, "each column has a question mark");
	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		return rc;
	control__bind_text(stmt, 1 + AT_ID, u->id);
	sqlite3_bind_int64(stmt, 1 + AT_ORG, u->org);
	control__bind_text(stmt, 1 + AT_EMAIL, u->email);
	control__bind_text(stmt, 1 + AT_NAME, u->name);
	control__bind_text(stmt, 1 + AT_ROLE, u->role);
	control__bind_text(stmt, 1 + AT_PASSWORD, u->password);
	bind_secret(stmt, 1 + AT_TOTP, u->has_totp, u->totp, sizeof(u->totp));
	sqlite3_bind_int64(stmt, 1 + AT_TOTP_STEP, u->totp_step);
	bind_secret(stmt, 1 + AT_RESET_HASH, u->has_reset, u->reset_hash.b, SHA256_LEN);
	sqlite3_bind_int64(stmt, 1 + AT_RESET_UNTIL, u->reset_until_us);
	sqlite3_bind_int64(stmt, 1 + AT_DISABLED, u->disabled_us);
	sqlite3_bind_int64(stmt, 1 + AT_LAST_LOGIN, u->last_login_us);
	sqlite3_bind_int64(stmt, 1 + AT_CREATED, u->created_us);
	sqlite3_bind_int64(stmt, 1 + AT_UPDATED, u->updated_us);
	control__bind_text(stmt, 1 + AT_CREATED_BY, u->created_by);
	sqlite3_bind_int64(stmt, 1 + AT_VERSION, u->version);
	rc = explain(c, control__step(c, stmt, "adding a user", err), err);
	sqlite3_finalize(stmt);
	return rc;
}

int control_user_create(struct control *c, const struct control_user *u, struct err *err)
{
	bool entered = control__enter(c);
	int rc = check_room(c, u->org, err);

	if (rc == 0)
		rc = insert(c, u, err);
	control__leave(c, entered);
	return rc;
}

/* ---- reading ---- */

/* The first parameter is the text; the second, where there is one, the org. */
static int read_one(struct control *c, const char *sql, const char *text, int64_t org, struct control_user *ret,
		    struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	control__bind_text(stmt, 1, text);
	if (sqlite3_bind_parameter_count(stmt) > 1)
		sqlite3_bind_int64(stmt, 2, org);
	if ((rc = control__step(c, stmt, "reading a user", err)) < 0)
		goto out;
	rc = rc == 0 ? not_found(err) : read_row(stmt, ret, err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

int control_user_get(struct control *c, int64_t org, const char *id, struct control_user *ret, struct err *err)
{
	return read_one(c, "SELECT " ROW_COLUMNS " FROM users WHERE id = ? AND org = ?", id, org, ret, err);
}

int control_user_find(struct control *c, int64_t org, const char *email, struct control_user *ret, struct err *err)
{
	return read_one(c, "SELECT " ROW_COLUMNS " FROM users WHERE email = ? AND org = ?", email, org, ret, err);
}

int control_user_by_id(struct control *c, const char *id, struct control_user *ret, struct err *err)
{
	return read_one(c, "SELECT " ROW_COLUMNS " FROM users WHERE id = ?", id, 0, ret, err);
}

/* At most USERS_MAX rows, which is as many as there can be. */
static int read_rows(struct control *c, sqlite3_stmt *stmt, struct control_user **rows, size_t *count, struct err *err)
{
	struct control_user u;
	int rc;

	while ((rc = control__step(c, stmt, "listing users", err)) > 0 && *count < USERS_MAX) {
		if ((rc = read_row(stmt, &u, err)) < 0)
			return rc;
		if ((*count & (*count - 1)) == 0)
			*rows = xrealloc(*rows, (*count ? 2 * *count : 1) * sizeof(**rows));
		(*rows)[(*count)++] = u;
	}
	return rc < 0 ? rc : 0;
}

int control_user_list(struct control *c, int64_t org, const char *email, struct control_user **ret, size_t *ret_count,
		      struct err *err)
{
	static const char sql[] =
		"SELECT " ROW_COLUMNS " FROM users WHERE org = ? AND (? = '' OR email = ?) ORDER BY email";
	bool entered = control__enter(c);
	struct control_user *rows = NULL;
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	sqlite3_bind_int64(stmt, 1, org);
	control__bind_text(stmt, 2, email);
	control__bind_text(stmt, 3, email);
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

static int update(struct control *c, const struct control_user *u, int64_t version, struct err *err)
{
	static const char sql[] = "UPDATE users SET (email, name, role, disabled, updated, version) ="
				  " (?, ?, ?, ?, ?, version + 1) WHERE org = ? AND id = ? AND ? IN (0, version)";
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		return rc;
	control__bind_text(stmt, 1, u->email);
	control__bind_text(stmt, 2, u->name);
	control__bind_text(stmt, 3, u->role);
	sqlite3_bind_int64(stmt, 4, u->disabled_us);
	sqlite3_bind_int64(stmt, 5, u->updated_us);
	sqlite3_bind_int64(stmt, 6, u->org);
	control__bind_text(stmt, 7, u->id);
	sqlite3_bind_int64(stmt, 8, version);
	rc = explain(c, control__step(c, stmt, "changing a user", err), err);
	sqlite3_finalize(stmt);
	if (rc == 0 && sqlite3_changes(c->db) == 0)
		rc = explain_none(c, u, err);
	return rc;
}

int control_user_set(struct control *c, const struct control_user *u, int64_t version, struct err *err)
{
	bool entered = control__enter(c);
	int rc = update(c, u, version, err);

	control__leave(c, entered);
	return rc;
}

static int update_secrets(struct control *c, const struct control_user *u, struct err *err)
{
	static const char sql[] =
		"UPDATE users SET (password, totp, totp_step, reset_hash, reset_until, last_login) = (?, ?, ?, ?, ?, ?)"
		" WHERE org = ? AND id = ?";
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		return rc;
	control__bind_text(stmt, 1, u->password);
	bind_secret(stmt, 2, u->has_totp, u->totp, sizeof(u->totp));
	sqlite3_bind_int64(stmt, 3, u->totp_step);
	bind_secret(stmt, 4, u->has_reset, u->reset_hash.b, SHA256_LEN);
	sqlite3_bind_int64(stmt, 5, u->reset_until_us);
	sqlite3_bind_int64(stmt, 6, u->last_login_us);
	sqlite3_bind_int64(stmt, 7, u->org);
	control__bind_text(stmt, 8, u->id);
	rc = control__step(c, stmt, "changing a user's secrets", err);
	sqlite3_finalize(stmt);
	if (rc == 0 && sqlite3_changes(c->db) == 0)
		rc = not_found(err);
	return rc;
}

int control_user_set_secrets(struct control *c, const struct control_user *u, struct err *err)
{
	bool entered = control__enter(c);
	int rc = update_secrets(c, u, err);

	control__leave(c, entered);
	return rc;
}
