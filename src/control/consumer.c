/* Consumers: the statements, and rows as structs. */
#include "control/consumer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/control_priv.h"

#define COLUMNS   "org, client_id, name, ledger, next_index, query, narrow, created, created_by, last_read, version"
#define WHERE_KEY " WHERE org = ? AND client_id = ? AND name = ?"

void control_consumer_release(struct control_consumer *x)
{
	free(x->query);
	free(x->narrow);
	*x = (struct control_consumer){0};
}

static int not_found(struct err *err)
{
	return err_set(err, E_NOT_FOUND, "there is no consumer of this name");
}

static int prepare_for(struct control *c, const char *sql, int at, int64_t org, const char *client_id, const char *name,
		       sqlite3_stmt **ret, struct err *err)
{
	int rc = control__prepare(c, sql, ret, err);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(*ret, at, org);
	sqlite3_bind_text(*ret, at + 1, client_id, -1, SQLITE_STATIC);
	sqlite3_bind_text(*ret, at + 2, name, -1, SQLITE_STATIC);
	return 0;
}

/* ---- creating ---- */

static int check_room(struct control *c, const struct control_consumer *x, struct err *err)
{
	static const char sql[] = "SELECT COUNT(*) FROM consumers WHERE org = ? AND client_id = ''";

	if (x->client_id[0] != '\0')
		return 0;
	return control__check_room(c, sql, x->org, CONSUMERS_MAX, "consumers; delete one first", err);
}

static int insert(struct control *c, const struct control_consumer *x, struct err *err)
{
	static const char sql[] = "INSERT INTO consumers (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = prepare_for(c, sql, 1, x->org, x->client_id, x->name, &stmt, err)) < 0)
		return rc;
	sqlite3_bind_text(stmt, 4, x->ledger, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 5, x->position);
	sqlite3_bind_text(stmt, 6, x->query, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 7, x->narrow, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 8, x->created_us);
	sqlite3_bind_text(stmt, 9, x->created_by, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 10, x->read_us);
	sqlite3_bind_int64(stmt, 11, x->version);
	rc = control__step(c, stmt, "making a consumer", err);
	sqlite3_finalize(stmt);
	if (rc == E_EXISTS && err) {
		*err = (struct err)ERR_INIT;
		err_set_field(err, "name", strlen("name"));
		return err_set(err, E_EXISTS,
			       "there is a consumer of this name already; take another name, or that one");
	}
	return rc;
}

int control_consumer_create(struct control *c, const struct control_consumer *x, struct err *err)
{
	bool entered = control__enter(c);
	int rc = check_room(c, x, err);

	if (rc == 0)
		rc = insert(c, x, err);
	control__leave(c, entered);
	return rc;
}

/* ---- reading ---- */

static int read_row(sqlite3_stmt *stmt, struct control_consumer *ret, struct err *err)
{
	struct control_consumer x = {.org = sqlite3_column_int64(stmt, 0),
				     .position = sqlite3_column_int64(stmt, 4),
				     .created_us = sqlite3_column_int64(stmt, 7),
				     .read_us = sqlite3_column_int64(stmt, 9),
				     .version = sqlite3_column_int64(stmt, 10)};
	const char *query = (const char *)sqlite3_column_text(stmt, 5);
	const char *narrow = (const char *)sqlite3_column_text(stmt, 6);
	int rc;

	if (!query || !narrow || x.position < 0)
		return err_set(err, E_CORRUPT, "control.db has a consumer that is none");
	if ((rc = control__text(stmt, 1, x.client_id, sizeof(x.client_id), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, 2, x.name, sizeof(x.name), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, 3, x.ledger, sizeof(x.ledger), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, 8, x.created_by, sizeof(x.created_by), err)) < 0)
		return rc;
	x.query = xstrdup(query);
	x.narrow = xstrdup(narrow);
	*ret = x;
	return 0;
}

int control_consumer_get(struct control *c, int64_t org, const char *client_id, const char *name,
			 struct control_consumer *ret, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = prepare_for(c, "SELECT " COLUMNS " FROM consumers" WHERE_KEY, 1, org, client_id, name, &stmt, err);

	if (rc == 0)
		rc = control__step(c, stmt, "reading a consumer", err);
	if (rc >= 0)
		rc = rc == 0 ? not_found(err) : read_row(stmt, ret, err);
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

/* At most CONSUMERS_MAX rows, which is as many as there can be. */
static int read_rows(struct control *c, sqlite3_stmt *stmt, struct control_consumer *rows, size_t *count,
		     struct err *err)
{
	int rc;

	while ((rc = control__step(c, stmt, "listing consumers", err)) > 0 && *count < CONSUMERS_MAX) {
		if ((rc = read_row(stmt, &rows[*count], err)) < 0)
			return rc;
		++*count;
	}
	return rc < 0 ? rc : 0;
}

int control_consumer_list(struct control *c, int64_t org, struct control_consumer **ret, size_t *ret_count,
			  struct err *err)
{
	static const char sql[] = "SELECT " COLUMNS " FROM consumers WHERE org = ? AND client_id = '' ORDER BY name";
	struct control_consumer *rows = xarray(CONSUMERS_MAX, sizeof(*rows));
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) == 0) {
		sqlite3_bind_int64(stmt, 1, org);
		rc = read_rows(c, stmt, rows, &count, err);
	}
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	if (rc == 0) {
		*ret = rows;
		*ret_count = count;
		return 0;
	}
	while (count > 0)
		control_consumer_release(&rows[--count]);
	free(rows);
	return rc;
}

/* ---- changing ---- */

/* Runs a statement that is to change one row. */
static int change(struct control *c, sqlite3_stmt *stmt, const char *what, struct err *err)
{
	int rc = control__step(c, stmt, what, err);

	return rc == 0 && sqlite3_changes(c->db) == 0 ? not_found(err) : rc;
}

int control_consumer_move(struct control *c, const struct control_consumer *x, struct err *err)
{
	static const char sql[] = "UPDATE consumers SET (next_index, last_read, version) = (?, ?, ?)" WHERE_KEY;
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = prepare_for(c, sql, 4, x->org, x->client_id, x->name, &stmt, err);

	if (rc == 0) {
		sqlite3_bind_int64(stmt, 1, x->position);
		sqlite3_bind_int64(stmt, 2, x->read_us);
		sqlite3_bind_int64(stmt, 3, x->version);
		rc = change(c, stmt, "moving a consumer", err);
	}
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

int control_consumer_delete(struct control *c, const struct control_consumer *x, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = prepare_for(c, "DELETE FROM consumers" WHERE_KEY, 1, x->org, x->client_id, x->name, &stmt, err);

	if (rc == 0)
		rc = change(c, stmt, "deleting a consumer", err);
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}
