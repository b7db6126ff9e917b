/* Saved searches: the statements, and rows as structs. */
#include "control/saved_search.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/control_priv.h"

/* The texts come first, in the order of saved_search.tbl. */
#define TEXT_COLUMNS "name, query, range_from, range_to, sort, direction, ledger, fields, description"
#define ROW_COLUMNS  TEXT_COLUMNS ", id, org, version, created, updated, created_by"
_Static_assert(SAVED_TEXT_COUNT == 9, "each text has a column");

static const struct {
	const char *member;
	size_t bytes_max;
} texts[] = {
#define SAVED_TEXT(name, member, bytes_max) {member, bytes_max},
#include "control/saved_search.tbl"
#undef SAVED_TEXT
};

const char *saved_search_member(enum saved_search_text t)
{
	return texts[t].member;
}

size_t saved_search_bytes_max(enum saved_search_text t)
{
	return texts[t].bytes_max;
}

void saved_search_release(struct saved_search *s)
{
	free(s->memory);
	*s = (struct saved_search){0};
}

/* ---- rows ---- */

static void bind_texts(sqlite3_stmt *stmt, const struct saved_search *s)
{
	for (int i = 0; i < SAVED_TEXT_COUNT; i++)
		sqlite3_bind_text(stmt, i + 1, s->text[i].p ? (const char *)s->text[i].p : "", (int)s->text[i].len,
				  SQLITE_STATIC);
}

static int read_texts(sqlite3_stmt *stmt, struct saved_search *s, struct err *err)
{
	size_t need = 1;
	char *at;

	for (int i = 0; i < SAVED_TEXT_COUNT; i++) {
		const void *text = sqlite3_column_text(stmt, i);
		size_t len = (size_t)sqlite3_column_bytes(stmt, i);

		if (!text || len > texts[i].bytes_max || memchr(text, 0, len))
			return err_set(err, E_CORRUPT, "control.db has a bad text in column %s of a saved search",
				       sqlite3_column_name(stmt, i));
		need += len;
	}
	at = s->memory = try_alloc(need);
	if (!at)
		return err_set(err, E_NO_MEMORY, "not enough memory for a saved search");
	for (int i = 0; i < SAVED_TEXT_COUNT; i++) {
		size_t len = (size_t)sqlite3_column_bytes(stmt, i);

		memcpy(at, sqlite3_column_text(stmt, i), len);
		s->text[i] = span_of(at, len);
		at += len;
	}
	return 0;
}

static int read_row(sqlite3_stmt *stmt, struct saved_search *ret, struct err *err)
{
	struct saved_search s = {0};
	int at = SAVED_TEXT_COUNT;
	int rc;

	if ((rc = read_texts(stmt, &s, err)) < 0)
		goto out;
	if ((rc = control__text(stmt, at, s.id, sizeof(s.id), err)) < 0)
		goto out;
	s.org = sqlite3_column_int64(stmt, at + 1);
	s.version = sqlite3_column_int64(stmt, at + 2);
	s.created_us = sqlite3_column_int64(stmt, at + 3);
	s.updated_us = sqlite3_column_int64(stmt, at + 4);
	rc = control__text(stmt, at + 5, s.created_by, sizeof(s.created_by), err);
out:
	if (rc < 0)
		saved_search_release(&s);
	else
		*ret = s;
	return rc;
}

/* ---- errors ---- */

static int not_found(struct err *err)
{
	return err_set(err, E_NOT_FOUND, "there is no saved search with this id");
}

/* What a broken rule of the table means here. */
static int explain(struct control *c, int rc, struct err *err)
{
	if (rc != E_EXISTS || sqlite3_extended_errcode(c->db) != SQLITE_CONSTRAINT_UNIQUE)
		return rc;
	if (err)
		*err = (struct err)ERR_INIT;
	err_set_field(err, texts[SAVED_NAME].member, strlen(texts[SAVED_NAME].member));
	return err_set(err, E_EXISTS,
		       "there is a saved search with this name already; give another name, or change "
		       "that one");
}

/* Why a change found no row: there is none, or it has another version. */
static int explain_none(struct control *c, int64_t org, const char *id, struct err *err)
{
	static const char sql[] = "SELECT version FROM saved_searches WHERE org = ? AND id = ?";
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, org);
	sqlite3_bind_text(stmt, 2, id, -1, SQLITE_STATIC);
	rc = control__step(c, stmt, "reading a saved search", err);
	if (rc == 0)
		rc = not_found(err);
	else if (rc > 0)
		rc = err_set(err, E_CHANGED, "the saved search has version %lld by now; read it again and decide anew",
			     (long long)sqlite3_column_int64(stmt, 0));
	sqlite3_finalize(stmt);
	return rc;
}

/* ---- creating ---- */

static int check_room(struct control *c, int64_t org, struct err *err)
{
	return control__check_room(c, "SELECT COUNT(*) FROM saved_searches WHERE org = ?", org, SAVED_SEARCHES_MAX,
				   "saved searches; delete one first", err);
}

static int insert(struct control *c, const struct saved_search *s, struct err *err)
{
	static const char sql[] =
		"INSERT INTO saved_searches (" ROW_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	int at = SAVED_TEXT_COUNT;
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		return rc;
	bind_texts(stmt, s);
	sqlite3_bind_text(stmt, at + 1, s->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, at + 2, s->org);
	sqlite3_bind_int64(stmt, at + 3, s->version);
	sqlite3_bind_int64(stmt, at + 4, s->created_us);
	sqlite3_bind_int64(stmt, at + 5, s->updated_us);
	sqlite3_bind_text(stmt, at + 6, s->created_by, -1, SQLITE_STATIC);
	rc = explain(c, control__step(c, stmt, "saving a search", err), err);
	sqlite3_finalize(stmt);
	return rc;
}

int control_saved_search_create(struct control *c, const struct saved_search *s, struct err *err)
{
	bool entered = control__enter(c);
	int rc = check_room(c, s->org, err);

	if (rc == 0)
		rc = insert(c, s, err);
	control__leave(c, entered);
	return rc;
}

/* ---- reading ---- */

int control_saved_search_get(struct control *c, int64_t org, const char *id, struct saved_search *ret, struct err *err)
{
	static const char sql[] = "SELECT " ROW_COLUMNS " FROM saved_searches WHERE org = ? AND id = ?";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	sqlite3_bind_int64(stmt, 1, org);
	sqlite3_bind_text(stmt, 2, id, -1, SQLITE_STATIC);
	if ((rc = control__step(c, stmt, "reading a saved search", err)) < 0)
		goto out;
	rc = rc == 0 ? not_found(err) : read_row(stmt, ret, err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

/* At most SAVED_SEARCHES_MAX rows, which is as many as there can be. */
static int read_rows(struct control *c, sqlite3_stmt *stmt, struct saved_search *rows, size_t *count, struct err *err)
{
	int rc;

	while ((rc = control__step(c, stmt, "listing saved searches", err)) > 0 && *count < SAVED_SEARCHES_MAX) {
		if ((rc = read_row(stmt, &rows[*count], err)) < 0)
			return rc;
		++*count;
	}
	return rc < 0 ? rc : 0;
}

int control_saved_search_list(struct control *c, int64_t org, struct saved_search **ret, size_t *ret_count,
			      struct err *err)
{
	static const char sql[] = "SELECT " ROW_COLUMNS " FROM saved_searches WHERE org = ? ORDER BY name";
	struct saved_search *rows = xarray(SAVED_SEARCHES_MAX, sizeof(*rows));
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
	if (rc == 0) {
		*ret = rows;
		*ret_count = count;
		return 0;
	}
	while (count > 0)
		saved_search_release(&rows[--count]);
	free(rows);
	return rc;
}

/* ---- changing ---- */

static int update(struct control *c, const struct saved_search *s, int64_t version, struct err *err)
{
	static const char sql[] = "UPDATE saved_searches SET (" TEXT_COLUMNS ", updated, version) ="
				  " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, version + 1)"
				  " WHERE org = ? AND id = ? AND ? IN (0, version)";
	int at = SAVED_TEXT_COUNT;
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		return rc;
	bind_texts(stmt, s);
	sqlite3_bind_int64(stmt, at + 1, s->updated_us);
	sqlite3_bind_int64(stmt, at + 2, s->org);
	sqlite3_bind_text(stmt, at + 3, s->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, at + 4, version);
	rc = explain(c, control__step(c, stmt, "changing a saved search", err), err);
	sqlite3_finalize(stmt);
	if (rc == 0 && sqlite3_changes(c->db) == 0)
		rc = explain_none(c, s->org, s->id, err);
	return rc;
}

int control_saved_search_replace(struct control *c, const struct saved_search *s, int64_t version, struct err *err)
{
	bool entered = control__enter(c);
	int rc = update(c, s, version, err);

	control__leave(c, entered);
	return rc;
}

static int remove_row(struct control *c, int64_t org, const char *id, int64_t version, struct err *err)
{
	static const char sql[] = "DELETE FROM saved_searches WHERE org = ? AND id = ? AND ? IN (0, version)";
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, org);
	sqlite3_bind_text(stmt, 2, id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, version);
	rc = control__step(c, stmt, "deleting a saved search", err);
	sqlite3_finalize(stmt);
	if (rc == 0 && sqlite3_changes(c->db) == 0)
		rc = explain_none(c, org, id, err);
	return rc;
}

int control_saved_search_delete(struct control *c, int64_t org, const char *id, int64_t version, struct err *err)
{
	bool entered = control__enter(c);
	int rc = remove_row(c, org, id, version, err);

	control__leave(c, entered);
	return rc;
}
