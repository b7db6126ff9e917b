/* Export jobs. */
#include "control/export_job.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/control_priv.h"

const char *const control_export_states[EXPORT_STATE_COUNT] = {"queued", "running",   "done",
							       "failed", "cancelled", "expired"};

#define COLUMNS                                                                                                        \
	"id, org, client_id, format, ledger, newest_first, from_time, to_time, ledger_size, query, columns, state, "   \
	"error, error_code, created, started, finished, expires, records, bytes, narrow"

enum {
	AT_ID,
	AT_ORG,
	AT_CLIENT_ID,
	AT_FORMAT,
	AT_LEDGER,
	AT_NEWEST_FIRST,
	AT_FROM,
	AT_TO,
	AT_SIZE,
	AT_QUERY,
	AT_COLUMNS,
	AT_STATE,
	AT_ERROR,
	AT_ERROR_CODE,
	AT_CREATED,
	AT_STARTED,
	AT_FINISHED,
	AT_EXPIRES,
	AT_RECORDS,
	AT_BYTES,
	AT_NARROW,
};

void control_export_job_release(struct control_export_job *j)
{
	free(j->query);
	free(j->columns);
	free(j->narrow);
	free(j->error);
	*j = (struct control_export_job){0};
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at + 1, text, -1, SQLITE_STATIC);
}

static void bind_number(sqlite3_stmt *stmt, int at, int64_t number)
{
	sqlite3_bind_int64(stmt, at + 1, number);
}

static void bind_job(sqlite3_stmt *stmt, const struct control_export_job *j)
{
	bind_text(stmt, AT_ID, j->id);
	bind_number(stmt, AT_ORG, j->org);
	bind_text(stmt, AT_CLIENT_ID, j->client_id);
	bind_text(stmt, AT_FORMAT, j->format);
	bind_text(stmt, AT_LEDGER, j->ledger);
	bind_number(stmt, AT_NEWEST_FIRST, j->newest_first);
	bind_number(stmt, AT_FROM, j->from_us);
	bind_number(stmt, AT_TO, j->to_us);
	bind_number(stmt, AT_SIZE, j->ledger_size);
	bind_text(stmt, AT_QUERY, j->query);
	bind_text(stmt, AT_COLUMNS, j->columns);
	bind_text(stmt, AT_STATE, control_export_states[EXPORT_QUEUED]);
	bind_text(stmt, AT_ERROR, "");
	bind_text(stmt, AT_ERROR_CODE, "");
	bind_number(stmt, AT_CREATED, j->created_us);
	for (int at = AT_STARTED; at <= AT_BYTES; at++)
		bind_number(stmt, at, 0);
	bind_text(stmt, AT_NARROW, j->narrow ? j->narrow : "");
}

/* Runs a statement that yields no row, and finalizes it; *ret_changed says how many rows it touched. */
static int run_statement(struct control *c, sqlite3_stmt *stmt, const char *what, int64_t *ret_changed, struct err *err)
{
	int rc = control__step(c, stmt, what, err);

	if (rc >= 0)
		*ret_changed = sqlite3_changes(c->db);
	sqlite3_finalize(stmt);
	return rc < 0 ? rc : 0;
}

int control_export_job_create(struct control *c, const struct control_export_job *j, struct err *err)
{
	static const char sql[] = "INSERT INTO export_jobs (" COLUMNS
				  ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int64_t changed;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc == 0) {
		bind_job(stmt, j);
		rc = run_statement(c, stmt, "adding an export job", &changed, err);
	}
	control__leave(c, entered);
	return rc;
}

/* ---- reading ---- */

static char *copy_text(sqlite3_stmt *stmt, int at)
{
	const char *text = (const char *)sqlite3_column_text(stmt, at);

	return xstrdup(text ? text : "");
}

static int read_state(sqlite3_stmt *stmt, enum control_export_state *ret, struct err *err)
{
	const char *text = (const char *)sqlite3_column_text(stmt, AT_STATE);

	for (int i = 0; text && i < EXPORT_STATE_COUNT; i++) {
		if (strcmp(text, control_export_states[i]) == 0) {
			*ret = (enum control_export_state)i;
			return 0;
		}
	}
	return err_set(err, E_CORRUPT, "control.db: an export job has the unknown state %s", text ? text : "(null)");
}

static int read_words(sqlite3_stmt *stmt, struct control_export_job *j, struct err *err)
{
	int rc;

	if ((rc = control__text(stmt, AT_ID, j->id, sizeof(j->id), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, AT_CLIENT_ID, j->client_id, sizeof(j->client_id), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, AT_FORMAT, j->format, sizeof(j->format), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, AT_LEDGER, j->ledger, sizeof(j->ledger), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, AT_ERROR_CODE, j->error_code, sizeof(j->error_code), err)) < 0)
		return rc;
	return read_state(stmt, &j->state, err);
}

static int read_job(sqlite3_stmt *stmt, struct control_export_job *ret, struct err *err)
{
	struct control_export_job j = {0};
	int rc = read_words(stmt, &j, err);

	if (rc < 0)
		return rc;
	j.org = sqlite3_column_int64(stmt, AT_ORG);
	j.newest_first = sqlite3_column_int64(stmt, AT_NEWEST_FIRST) != 0;
	j.from_us = sqlite3_column_int64(stmt, AT_FROM);
	j.to_us = sqlite3_column_int64(stmt, AT_TO);
	j.ledger_size = sqlite3_column_int64(stmt, AT_SIZE);
	j.query = copy_text(stmt, AT_QUERY);
	j.columns = copy_text(stmt, AT_COLUMNS);
	j.narrow = copy_text(stmt, AT_NARROW);
	j.error = copy_text(stmt, AT_ERROR);
	j.created_us = sqlite3_column_int64(stmt, AT_CREATED);
	j.started_us = sqlite3_column_int64(stmt, AT_STARTED);
	j.finished_us = sqlite3_column_int64(stmt, AT_FINISHED);
	j.expires_us = sqlite3_column_int64(stmt, AT_EXPIRES);
	j.records = sqlite3_column_int64(stmt, AT_RECORDS);
	j.bytes = sqlite3_column_int64(stmt, AT_BYTES);
	*ret = j;
	return 0;
}

int control_export_job_get(struct control *c, int64_t org, const char *id, struct control_export_job *ret,
			   struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, "SELECT " COLUMNS " FROM export_jobs WHERE org = ? AND id = ?", &stmt, err)) < 0)
		goto out;
	bind_number(stmt, 0, org);
	bind_text(stmt, 1, id);
	if ((rc = control__step(c, stmt, "reading an export job", err)) < 0)
		goto out;
	rc = rc == 0 ? err_set(err, E_NOT_FOUND, "there is no such export") : read_job(stmt, ret, err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

int control_export_job_list(struct control *c, int64_t org, size_t max, struct control_export_job *ret,
			    size_t *ret_count, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	size_t n = 0;
	int rc;

	rc = control__prepare(c, "SELECT " COLUMNS " FROM export_jobs WHERE org = ? ORDER BY created DESC, id LIMIT ?",
			      &stmt, err);
	if (rc < 0)
		goto out;
	bind_number(stmt, 0, org);
	bind_number(stmt, 1, (int64_t)max);
	while ((rc = control__step(c, stmt, "listing export jobs", err)) > 0 && n < max) {
		if ((rc = read_job(stmt, &ret[n], err)) < 0)
			break;
		n++;
	}
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	while (rc < 0 && n > 0)
		control_export_job_release(&ret[--n]);
	*ret_count = n;
	return rc < 0 ? rc : 0;
}

/* ---- numbers ---- */

/* The number of a statement with one parameter. */
static int number_for(struct control *c, const char *sql, int64_t parameter, int64_t *ret, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc == 0) {
		bind_number(stmt, 0, parameter);
		rc = control__step(c, stmt, "counting export jobs", err);
	}
	if (rc > 0)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc < 0 ? rc : 0;
}

int control_export_job_count(struct control *c, int64_t org, int64_t *ret, struct err *err)
{
	return number_for(c, "SELECT COUNT(*) FROM export_jobs WHERE org = ?", org, ret, err);
}

int control_export_job_bytes(struct control *c, int64_t *ret, struct err *err)
{
	bool entered = control__enter(c);
	int rc = control__number(c, "SELECT COALESCE(SUM(bytes), 0) FROM export_jobs WHERE state = 'done'", ret, err);

	control__leave(c, entered);
	return rc;
}

int control_export_job_has_file(struct control *c, const char *id, const char *format, bool *ret, struct err *err)
{
	static const char sql[] = "SELECT 1 FROM export_jobs WHERE state = 'done' AND id = ? AND format = ?";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc == 0) {
		bind_text(stmt, 0, id);
		bind_text(stmt, 1, format);
		rc = control__step(c, stmt, "looking for an export job", err);
	}
	*ret = rc > 0;
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc < 0 ? rc : 0;
}

/* ---- changing ---- */

int control_export_job_drop_oldest(struct control *c, int64_t org, bool *ret, struct err *err)
{
	static const char sql[] = "DELETE FROM export_jobs WHERE id = (SELECT id FROM export_jobs WHERE org = ? AND "
				  "state IN ('failed', 'cancelled', 'expired') ORDER BY created, id LIMIT 1)";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int64_t changed = 0;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc == 0) {
		bind_number(stmt, 0, org);
		rc = run_statement(c, stmt, "dropping an export job", &changed, err);
	}
	*ret = changed > 0;
	control__leave(c, entered);
	return rc;
}

static int mark_running(struct control *c, struct control_export_job *j, int64_t now_us, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int64_t changed;
	int rc = control__prepare(c, "UPDATE export_jobs SET state = 'running', started = ? WHERE id = ?", &stmt, err);

	if (rc < 0)
		return rc;
	bind_number(stmt, 0, now_us);
	bind_text(stmt, 1, j->id);
	j->state = EXPORT_RUNNING;
	j->started_us = now_us;
	return run_statement(c, stmt, "starting an export job", &changed, err);
}

int control_export_job_take(struct control *c, int64_t now_us, struct control_export_job *ret, struct err *err)
{
	bool entered = control__enter(c);
	struct control_export_job j = {0};
	sqlite3_stmt *stmt = NULL;
	int rc =
		control__prepare(c,
				 "SELECT " COLUMNS " FROM export_jobs AS j WHERE state = 'queued' ORDER BY "
				 "(SELECT COUNT(*) FROM export_jobs AS r WHERE r.org = j.org AND r.state = 'running'), "
				 "(SELECT MAX(started) FROM export_jobs AS r WHERE r.org = j.org), created, id LIMIT 1",
				 &stmt, err);

	if (rc == 0)
		rc = control__step(c, stmt, "looking for an export job", err);
	if (rc > 0) {
		rc = read_job(stmt, &j, err);
		rc = rc < 0 ? rc : 1;
	}
	sqlite3_finalize(stmt);
	if (rc > 0) {
		int marked = mark_running(c, &j, now_us, err);

		rc = marked < 0 ? marked : 1;
	}
	control__leave(c, entered);
	if (rc > 0)
		*ret = j;
	else
		control_export_job_release(&j);
	return rc;
}

int control_export_job_end(struct control *c, const struct control_export_job *j, bool *ret, struct err *err)
{
	static const char sql[] = "UPDATE export_jobs SET state = ?, error = ?, error_code = ?, finished = ?, "
				  "expires = ?, records = ?, bytes = ? WHERE id = ? AND state = 'running'";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int64_t changed = 0;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc == 0) {
		bind_text(stmt, 0, control_export_states[j->state]);
		bind_text(stmt, 1, j->error);
		bind_text(stmt, 2, j->error_code);
		bind_number(stmt, 3, j->finished_us);
		bind_number(stmt, 4, j->expires_us);
		bind_number(stmt, 5, j->records);
		bind_number(stmt, 6, j->bytes);
		bind_text(stmt, 7, j->id);
		rc = run_statement(c, stmt, "ending an export job", &changed, err);
	}
	*ret = changed > 0;
	control__leave(c, entered);
	return rc;
}

int control_export_job_cancel(struct control *c, int64_t org, const char *id, int64_t now_us, bool *ret,
			      struct err *err)
{
	static const char sql[] = "UPDATE export_jobs SET state = 'cancelled', finished = ? "
				  "WHERE org = ? AND id = ? AND state IN ('queued', 'running')";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int64_t changed = 0;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc == 0) {
		bind_number(stmt, 0, now_us);
		bind_number(stmt, 1, org);
		bind_text(stmt, 2, id);
		rc = run_statement(c, stmt, "cancelling an export job", &changed, err);
	}
	*ret = changed > 0;
	control__leave(c, entered);
	return rc;
}

int control_export_job_delete(struct control *c, int64_t org, const char *id, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int64_t changed;
	int rc = control__prepare(c, "DELETE FROM export_jobs WHERE org = ? AND id = ?", &stmt, err);

	if (rc == 0) {
		bind_number(stmt, 0, org);
		bind_text(stmt, 1, id);
		rc = run_statement(c, stmt, "removing an export job", &changed, err);
	}
	control__leave(c, entered);
	return rc;
}

int control_export_job_requeue(struct control *c, struct err *err)
{
	bool entered = control__enter(c);
	int rc = control__exec(c, "UPDATE export_jobs SET state = 'queued', started = 0 WHERE state = 'running'",
			       "queueing export jobs", err);

	control__leave(c, entered);
	return rc;
}

int control_export_job_expire(struct control *c, int64_t now_us, int64_t *ret, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, "UPDATE export_jobs SET state = 'expired' WHERE state = 'done' AND expires <= ?",
				  &stmt, err);

	if (rc == 0) {
		bind_number(stmt, 0, now_us);
		rc = run_statement(c, stmt, "expiring export jobs", ret, err);
	}
	control__leave(c, entered);
	return rc;
}
