/* Catalogues: the statements. */
#include "control/catalogue.h"

#include "control/control_priv.h"

static int read_row(sqlite3_stmt *stmt, struct control_catalogue *ret, struct buf *text, struct err *err)
{
	ret->version = sqlite3_column_int64(stmt, 1);
	ret->updated_us = sqlite3_column_int64(stmt, 2);
	buf_put(text, sqlite3_column_text(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
	if (!buf_ok(text))
		return err_set(err, E_NO_MEMORY, "not enough memory for a catalogue");
	return control__text(stmt, 3, ret->updated_by, sizeof(ret->updated_by), err);
}

int control_catalogue_get(struct control *c, int64_t org, struct control_catalogue *ret, struct buf *text,
			  struct err *err)
{
	static const char sql[] = "SELECT content, version, updated, updated_by FROM catalogues WHERE org = ?";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	*ret = (struct control_catalogue){.org = org};
	if (rc < 0)
		goto out;
	sqlite3_bind_int64(stmt, 1, org);
	if ((rc = control__step(c, stmt, "reading a catalogue", err)) > 0)
		rc = read_row(stmt, ret, text, err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

static int set_catalogue(struct control *c, const struct control_catalogue *catalogue, struct span text,
			 struct err *err)
{
	static const char sql[] =
		"INSERT INTO catalogues (org, content, version, updated, updated_by) VALUES (?, ?, ?, ?, ?)"
		" ON CONFLICT (org) DO UPDATE SET content = excluded.content, version = excluded.version,"
		" updated = excluded.updated, updated_by = excluded.updated_by"
		" WHERE catalogues.version = excluded.version - 1";
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, catalogue->org);
	sqlite3_bind_text(stmt, 2, (const char *)text.p, (int)text.len, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, catalogue->version);
	sqlite3_bind_int64(stmt, 4, catalogue->updated_us);
	sqlite3_bind_text(stmt, 5, catalogue->updated_by, -1, SQLITE_STATIC);
	rc = control__step(c, stmt, "setting a catalogue", err);
	if (rc == 0 && sqlite3_changes(c->db) == 0)
		rc = err_set(err, E_CHANGED, "the catalogue was changed meanwhile");
	sqlite3_finalize(stmt);
	return rc;
}

int control_catalogue_set(struct control *c, const struct control_catalogue *catalogue, struct span text,
			  struct err *err)
{
	bool entered = control__enter(c);
	int rc = set_catalogue(c, catalogue, text, err);

	control__leave(c, entered);
	return rc;
}
