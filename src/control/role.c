/* Roles: the statements, and rows as structs. */
#include "control/role.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/control_priv.h"

#define ROW_COLUMNS "org, name, permissions, description, created, updated, created_by, version"

static int read_row(sqlite3_stmt *stmt, struct control_role *role, struct err *err)
{
	int rc;

	role->org = sqlite3_column_int64(stmt, 0);
	role->created_us = sqlite3_column_int64(stmt, 4);
	role->updated_us = sqlite3_column_int64(stmt, 5);
	role->version = sqlite3_column_int64(stmt, 7);
	if ((rc = control__text(stmt, 1, role->name, sizeof(role->name), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, 2, role->permissions, sizeof(role->permissions), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, 3, role->description, sizeof(role->description), err)) < 0)
		return rc;
	return control__text(stmt, 6, role->created_by, sizeof(role->created_by), err);
}

static int not_found(const char *name, struct err *err)
{
	return err_set(err, E_NOT_FOUND, "there is no role '%s'", name);
}

/* ---- creating ---- */

static int check_room(struct control *c, int64_t org, struct err *err)
{
	return control__check_room(c, "SELECT COUNT(*) FROM roles WHERE org = ?", org, ROLES_MAX,
				   "roles of its own; remove one first", err);
}

static int insert(struct control *c, const struct control_role *role, struct err *err)
{
	static const char sql[] = "INSERT INTO roles (" ROW_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, role->org);
	sqlite3_bind_text(stmt, 2, role->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, role->permissions, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 4, role->description, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 5, role->created_us);
	sqlite3_bind_int64(stmt, 6, role->updated_us);
	sqlite3_bind_text(stmt, 7, role->created_by, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 8, role->version);
	rc = control__step(c, stmt, "adding a role", err);
	if (rc == E_EXISTS && sqlite3_extended_errcode(c->db) == SQLITE_CONSTRAINT_PRIMARYKEY) {
		if (err)
			*err = (struct err)ERR_INIT;
		err_set_field(err, "name", strlen("name"));
		rc = err_set(err, E_EXISTS, "there is a role '%s' already; change that one, or take another name",
			     role->name);
	}
	sqlite3_finalize(stmt);
	return rc;
}

int control_role_create(struct control *c, const struct control_role *role, struct err *err)
{
	bool entered = control__enter(c);
	int rc = check_room(c, role->org, err);

	if (rc == 0)
		rc = insert(c, role, err);
	control__leave(c, entered);
	return rc;
}

/* ---- reading ---- */

int control_role_get(struct control *c, int64_t org, const char *name, struct control_role *ret, struct err *err)
{
	static const char sql[] = "SELECT " ROW_COLUMNS " FROM roles WHERE org = ? AND name = ?";
	bool entered = control__enter(c);
	struct control_role role = {0};
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	sqlite3_bind_int64(stmt, 1, org);
	sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
	if ((rc = control__step(c, stmt, "reading a role", err)) < 0)
		goto out;
	rc = rc == 0 ? not_found(name, err) : read_row(stmt, &role, err);
	if (rc == 0)
		*ret = role;
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

/* At most ROLES_MAX rows, which is as many as there can be. */
static int read_rows(struct control *c, sqlite3_stmt *stmt, struct control_role *rows, size_t *count, struct err *err)
{
	int rc;

	while ((rc = control__step(c, stmt, "listing roles", err)) > 0 && *count < ROLES_MAX) {
		if ((rc = read_row(stmt, &rows[*count], err)) < 0)
			return rc;
		++*count;
	}
	return rc < 0 ? rc : 0;
}

int control_role_list(struct control *c, int64_t org, struct control_role **ret, size_t *ret_count, struct err *err)
{
	static const char sql[] = "SELECT " ROW_COLUMNS " FROM roles WHERE org = ? ORDER BY name";
	struct control_role *rows = xarray(ROLES_MAX, sizeof(*rows));
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	sqlite3_bind_int64(stmt, 1, org);
	rc = read_rows(c, stmt, rows, &count, err);
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

int control_role_uses(struct control *c, int64_t org, const char *name, int64_t *ret, struct err *err)
{
	static const char sql[] = "SELECT (SELECT COUNT(*) FROM api_keys WHERE org = ?1 AND role = ?2 AND revoked = 0)"
				  " + (SELECT COUNT(*) FROM users WHERE org = ?1 AND role = ?2)";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	sqlite3_bind_int64(stmt, 1, org);
	sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
	if ((rc = control__step(c, stmt, "counting who has a role", err)) > 0)
		*ret = sqlite3_column_int64(stmt, 0);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc < 0 ? rc : 0;
}

/* ---- changing ---- */

int control_role_update(struct control *c, const struct control_role *role, struct err *err)
{
	static const char sql[] = "UPDATE roles SET permissions = ?, description = ?, updated = ?, version = ?"
				  " WHERE org = ? AND name = ?";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	sqlite3_bind_text(stmt, 1, role->permissions, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, role->description, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, role->updated_us);
	sqlite3_bind_int64(stmt, 4, role->version);
	sqlite3_bind_int64(stmt, 5, role->org);
	sqlite3_bind_text(stmt, 6, role->name, -1, SQLITE_STATIC);
	rc = control__step(c, stmt, "changing a role", err);
	if (rc == 0 && sqlite3_changes(c->db) == 0)
		rc = not_found(role->name, err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

int control_role_delete(struct control *c, int64_t org, const char *name, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, "DELETE FROM roles WHERE org = ? AND name = ?", &stmt, err)) < 0)
		goto out;
	sqlite3_bind_int64(stmt, 1, org);
	sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
	rc = control__step(c, stmt, "removing a role", err);
	if (rc == 0 && sqlite3_changes(c->db) == 0)
		rc = not_found(name, err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}
