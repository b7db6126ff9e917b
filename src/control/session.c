/* Sessions: the statements, and rows as structs. */
#include "control/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/control_priv.h"

#define US_PER_S INT64_C(1000000)

#define ROW_COLUMNS                                                                                                    \
	"sessions.id, secret_hash, user_id, users.email, sessions.created, seen, expires, ended, ip, user_agent"
#define ROWS  " FROM sessions JOIN users ON users.id = sessions.user_id"
#define ALIVE "ended = 0 AND expires > ?1 AND seen > ?2"
enum { AT_ID, AT_HASH, AT_USER, AT_EMAIL, AT_CREATED, AT_SEEN, AT_EXPIRES, AT_ENDED, AT_IP, AT_AGENT };

/* ---- rows ---- */

static void bind_time(sqlite3_stmt *stmt, const struct session_time *t)
{
	sqlite3_bind_int64(stmt, 1, t->now_us);
	sqlite3_bind_int64(stmt, 2, t->idle_since_us);
}

static int read_row(sqlite3_stmt *stmt, struct control_session *ret, struct err *err)
{
	struct control_session x = {.created_us = sqlite3_column_int64(stmt, AT_CREATED),
				    .seen_us = sqlite3_column_int64(stmt, AT_SEEN),
				    .expires_us = sqlite3_column_int64(stmt, AT_EXPIRES),
				    .ended_us = sqlite3_column_int64(stmt, AT_ENDED)};
	int rc;

	if ((rc = control__text(stmt, AT_ID, x.id, sizeof(x.id), err)) < 0)
		return rc;
	if ((rc = control__hex(stmt, AT_HASH, x.secret_hash.b, SHA256_LEN, err)) < 0)
		return rc;
	if ((rc = control__text(stmt, AT_USER, x.user, sizeof(x.user), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, AT_EMAIL, x.email, sizeof(x.email), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, AT_IP, x.ip, sizeof(x.ip), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, AT_AGENT, x.user_agent, sizeof(x.user_agent), err)) < 0)
		return rc;
	*ret = x;
	return 0;
}

static int not_found(struct err *err)
{
	return err_set(err, E_NOT_FOUND, "there is no such session; it may have ended");
}

/* Runs a bound statement that yields nothing. */
static int run(struct control *c, sqlite3_stmt *stmt, const char *what, struct err *err)
{
	int rc = control__step(c, stmt, what, err);

	sqlite3_finalize(stmt);
	return rc;
}

/* ---- creating ---- */

static int drop_old(struct control *c, const char *user, const struct session_time *t, struct err *err)
{
	static const char sql[] =
		"DELETE FROM sessions WHERE user_id = ?3 AND NOT (" ALIVE ") AND (created < ?4 OR id IN"
		" (SELECT id FROM sessions WHERE user_id = ?3 AND NOT (" ALIVE ")"
		" ORDER BY created DESC, id LIMIT -1 OFFSET ?5))";
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc < 0)
		return rc;
	bind_time(stmt, t);
	control__bind_text(stmt, 3, user);
	sqlite3_bind_int64(stmt, 4, t->now_us - SESSION_KEEP_S * US_PER_S);
	sqlite3_bind_int64(stmt, 5, SESSIONS_KEPT_MAX);
	return run(c, stmt, "dropping old sessions", err);
}

static int insert(struct control *c, const struct control_session *x, struct err *err)
{
	static const char sql[] =
		"INSERT INTO sessions (id, secret_hash, user_id, created, seen, expires, ended, ip, user_agent)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc < 0)
		return rc;
	control__bind_text(stmt, 1, x->id);
	control__bind_hex(stmt, 2, x->secret_hash.b, SHA256_LEN);
	control__bind_text(stmt, 3, x->user);
	sqlite3_bind_int64(stmt, 4, x->created_us);
	sqlite3_bind_int64(stmt, 5, x->seen_us);
	sqlite3_bind_int64(stmt, 6, x->expires_us);
	sqlite3_bind_int64(stmt, 7, x->ended_us);
	control__bind_text(stmt, 8, x->ip);
	control__bind_text(stmt, 9, x->user_agent);
	return run(c, stmt, "adding a session", err);
}

static int end_surplus(struct control *c, const char *user, const struct session_time *t, struct err *err)
{
	static const char sql[] =
		"UPDATE sessions SET ended = ?1 WHERE id IN (SELECT id FROM sessions WHERE user_id = ?3 AND " ALIVE
		" ORDER BY created DESC, id LIMIT -1 OFFSET ?4)";
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc < 0)
		return rc;
	bind_time(stmt, t);
	control__bind_text(stmt, 3, user);
	sqlite3_bind_int64(stmt, 4, SESSIONS_USER_MAX);
	return run(c, stmt, "ending the oldest sessions", err);
}

int control_session_create(struct control *c, const struct control_session *x, const struct session_time *t,
			   struct err *err)
{
	bool entered = control__enter(c);
	int rc = drop_old(c, x->user, t, err);

	if (rc == 0)
		rc = insert(c, x, err);
	if (rc == 0)
		rc = end_surplus(c, x->user, t, err);
	control__leave(c, entered);
	return rc;
}

/* ---- reading ---- */

int control_session_find(struct control *c, const struct sha256 *secret_hash, const struct session_time *t,
			 struct control_session *ret, struct err *err)
{
	static const char sql[] = "SELECT " ROW_COLUMNS ROWS " WHERE secret_hash = ?3 AND " ALIVE;
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	bind_time(stmt, t);
	control__bind_hex(stmt, 3, secret_hash->b, SHA256_LEN);
	if ((rc = control__step(c, stmt, "reading a session", err)) < 0)
		goto out;
	rc = rc == 0 ? not_found(err) : read_row(stmt, ret, err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

int control_session_get(struct control *c, int64_t org, const char *id, const struct session_time *t,
			struct control_session *ret, struct err *err)
{
	static const char sql[] = "SELECT " ROW_COLUMNS ROWS " WHERE sessions.id = ?3 AND org = ?4 AND " ALIVE;
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	bind_time(stmt, t);
	control__bind_text(stmt, 3, id);
	sqlite3_bind_int64(stmt, 4, org);
	if ((rc = control__step(c, stmt, "reading a session", err)) < 0)
		goto out;
	rc = rc == 0 ? not_found(err) : read_row(stmt, ret, err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

static int read_rows(struct control *c, sqlite3_stmt *stmt, struct control_session **rows, size_t *count,
		     struct err *err)
{
	struct control_session x;
	int rc;

	while ((rc = control__step(c, stmt, "listing sessions", err)) > 0) {
		if ((rc = read_row(stmt, &x, err)) < 0)
			return rc;
		if ((*count & (*count - 1)) == 0)
			*rows = xrealloc(*rows, (*count ? 2 * *count : 1) * sizeof(**rows));
		(*rows)[(*count)++] = x;
	}
	return rc;
}

int control_session_list(struct control *c, int64_t org, const char *user, const struct session_time *t,
			 struct control_session **ret, size_t *ret_count, struct err *err)
{
	static const char sql[] = "SELECT " ROW_COLUMNS ROWS " WHERE org = ?3 AND (?4 = '' OR user_id = ?4) AND " ALIVE
				  " ORDER BY sessions.created DESC, sessions.id LIMIT ?5";
	bool entered = control__enter(c);
	struct control_session *rows = NULL;
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	bind_time(stmt, t);
	sqlite3_bind_int64(stmt, 3, org);
	control__bind_text(stmt, 4, user);
	sqlite3_bind_int64(stmt, 5, SESSIONS_LIST_MAX);
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

/* An update of one row: the time first, then the id. */
static int update(struct control *c, const char *sql, const char *id, int64_t now_us, const char *what, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc == 0) {
		sqlite3_bind_int64(stmt, 1, now_us);
		control__bind_text(stmt, 2, id);
		rc = run(c, stmt, what, err);
	}
	if (rc == 0 && sqlite3_changes(c->db) == 0)
		rc = not_found(err);
	control__leave(c, entered);
	return rc;
}

int control_session_seen(struct control *c, const char *id, int64_t now_us, struct err *err)
{
	return update(c, "UPDATE sessions SET seen = ? WHERE id = ?", id, now_us, "noting the use of a session", err);
}

int control_session_end(struct control *c, const char *id, int64_t now_us, struct err *err)
{
	return update(c, "UPDATE sessions SET ended = ? WHERE id = ? AND ended = 0", id, now_us, "ending a session",
		      err);
}

int control_session_end_all(struct control *c, const char *user, const char *but, int64_t now_us, struct err *err)
{
	static const char sql[] = "UPDATE sessions SET ended = ? WHERE user_id = ? AND id <> ? AND ended = 0";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc == 0) {
		sqlite3_bind_int64(stmt, 1, now_us);
		control__bind_text(stmt, 2, user);
		control__bind_text(stmt, 3, but);
		rc = run(c, stmt, "ending sessions", err);
	}
	control__leave(c, entered);
	return rc;
}
