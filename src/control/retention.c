/* Retention: the statements, and rows as structs. */
#include "control/retention.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/control_priv.h"

#define HOLD_COLUMNS "id, org, reason, created, created_by, released, released_by"

/* Prepares a statement whose first parameter is a number. */
static int prepare(struct control *c, const char *sql, int64_t number, sqlite3_stmt **ret, struct err *err)
{
	int rc = control__prepare(c, sql, ret, err);

	if (rc == 0)
		sqlite3_bind_int64(*ret, 1, number);
	return rc;
}

/* ---- policies ---- */

static int read_retention(sqlite3_stmt *stmt, struct control_retention *ret, struct err *err)
{
	int rc;

	if ((rc = control__text(stmt, 0, ret->account_type, sizeof(ret->account_type), err)) < 0)
		return rc;
	ret->days = sqlite3_column_int64(stmt, 1);
	ret->updated_us = sqlite3_column_int64(stmt, 2);
	return control__text(stmt, 3, ret->updated_by, sizeof(ret->updated_by), err);
}

int control_retention_get(struct control *c, int64_t org, struct control_retention *ret, struct err *err)
{
	static const char sql[] =
		"SELECT account_type, days, updated, updated_by FROM retention_policies WHERE org = ?";
	struct control_retention r = {.org = org, .days = RETENTION_BY_PLAN};
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = prepare(c, sql, org, &stmt, err)) < 0)
		goto out;
	if ((rc = control__step(c, stmt, "reading a retention policy", err)) > 0)
		rc = read_retention(stmt, &r, err);
	if (rc == 0)
		*ret = r;
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

int control_retention_set(struct control *c, const struct control_retention *r, struct err *err)
{
	static const char sql[] =
		"INSERT INTO retention_policies (org, account_type, days, updated, updated_by) VALUES (?, ?, ?, ?, ?)"
		" ON CONFLICT (org) DO UPDATE SET account_type = excluded.account_type, days = excluded.days,"
		" updated = excluded.updated, updated_by = excluded.updated_by";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = prepare(c, sql, r->org, &stmt, err)) < 0)
		goto out;
	control__bind_text(stmt, 2, r->account_type);
	sqlite3_bind_int64(stmt, 3, r->days);
	sqlite3_bind_int64(stmt, 4, r->updated_us);
	control__bind_text(stmt, 5, r->updated_by);
	rc = control__step(c, stmt, "setting a retention policy", err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

/* ---- plans ---- */

static int read_plans(struct control *c, struct control_plan *ret, size_t *ret_count, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	size_t n = 0;
	int rc;

	rc = control__prepare(c, "SELECT account_type, days FROM retention_plans ORDER BY account_type", &stmt, err);
	while (rc >= 0 && n < RETENTION_PLANS_MAX &&
	       (rc = control__step(c, stmt, "reading the retention plans", err)) > 0) {
		rc = control__text(stmt, 0, ret[n].account_type, sizeof(ret[n].account_type), err);
		ret[n++].days = sqlite3_column_int64(stmt, 1);
	}
	sqlite3_finalize(stmt);
	*ret_count = n;
	return rc < 0 ? rc : 0;
}

int control_plans(struct control *c, struct control_plan *ret, size_t *ret_count, struct err *err)
{
	bool entered = control__enter(c);
	int rc = read_plans(c, ret, ret_count, err);

	control__leave(c, entered);
	return rc;
}

static int insert_plan(struct control *c, const struct control_plan *p, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, "INSERT INTO retention_plans (days, account_type) VALUES (?, ?)", &stmt, err);

	if (rc == 0) {
		sqlite3_bind_int64(stmt, 1, p->days);
		control__bind_text(stmt, 2, p->account_type);
		rc = control__step(c, stmt, "setting a retention plan", err);
	}
	sqlite3_finalize(stmt);
	return rc;
}

int control_plans_set(struct control *c, const struct control_plan *plans, size_t count, struct err *err)
{
	bool entered = control__enter(c);
	int rc = control__exec(c, "SAVEPOINT plans; DELETE FROM retention_plans", "setting the retention plans", err);

	if (rc < 0)
		goto out;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = insert_plan(c, &plans[i], err);
	if (rc < 0)
		(void)sqlite3_exec(c->db, "ROLLBACK TO plans; RELEASE plans", NULL, NULL, NULL);
	else
		rc = control__exec(c, "RELEASE plans", "setting the retention plans", err);
out:
	control__leave(c, entered);
	return rc;
}

/* ---- holds ---- */

static int read_hold(sqlite3_stmt *stmt, struct control_hold *ret, struct err *err)
{
	struct control_hold h = {.org = sqlite3_column_int64(stmt, 1),
				 .created_us = sqlite3_column_int64(stmt, 3),
				 .released_us = sqlite3_column_int64(stmt, 5)};
	int rc;

	if ((rc = control__text(stmt, 0, h.id, sizeof(h.id), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, 2, h.reason, sizeof(h.reason), err)) < 0)
		return rc;
	if ((rc = control__text(stmt, 4, h.created_by, sizeof(h.created_by), err)) < 0)
		return rc;
	rc = control__text(stmt, 6, h.released_by, sizeof(h.released_by), err);
	if (rc == 0)
		*ret = h;
	return rc;
}

static int insert_hold(struct control *c, const struct control_hold *h, struct err *err)
{
	static const char sql[] =
		"INSERT INTO legal_holds (org, id, reason, created, created_by, released, released_by)"
		" VALUES (?, ?, ?, ?, ?, 0, '')";
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(c, sql, h->org, &stmt, err);

	if (rc == 0) {
		control__bind_text(stmt, 2, h->id);
		control__bind_text(stmt, 3, h->reason);
		sqlite3_bind_int64(stmt, 4, h->created_us);
		control__bind_text(stmt, 5, h->created_by);
		rc = control__step(c, stmt, "adding a legal hold", err);
	}
	sqlite3_finalize(stmt);
	return rc;
}

static int count_holds(struct control *c, int64_t org, int64_t *ret, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(c, "SELECT COUNT(*) FROM legal_holds WHERE org = ? AND released = 0", org, &stmt, err);

	if (rc == 0 && (rc = control__step(c, stmt, "counting legal holds", err)) > 0) {
		*ret = sqlite3_column_int64(stmt, 0);
		rc = 0;
	}
	sqlite3_finalize(stmt);
	return rc;
}

int control_hold_count(struct control *c, int64_t org, int64_t *ret, struct err *err)
{
	bool entered = control__enter(c);
	int rc = count_holds(c, org, ret, err);

	control__leave(c, entered);
	return rc;
}

int control_hold_create(struct control *c, const struct control_hold *h, struct err *err)
{
	bool entered = control__enter(c);
	int64_t count = 0;
	int rc = count_holds(c, h->org, &count, err);

	if (rc == 0 && count >= HOLDS_MAX)
		rc = err_set(err, E_TOO_LARGE, "an org has at most %u legal holds at a time; release one first",
			     HOLDS_MAX);
	if (rc == 0)
		rc = insert_hold(c, h, err);
	control__leave(c, entered);
	return rc;
}

int control_hold_get(struct control *c, int64_t org, const char *id, struct control_hold *ret, struct err *err)
{
	static const char sql[] = "SELECT " HOLD_COLUMNS " FROM legal_holds WHERE org = ? AND id = ?";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(c, sql, org, &stmt, err);

	if (rc < 0)
		goto out;
	control__bind_text(stmt, 2, id);
	if ((rc = control__step(c, stmt, "reading a legal hold", err)) < 0)
		goto out;
	rc = rc > 0 ? read_hold(stmt, ret, err) : err_set(err, E_NOT_FOUND, "there is no legal hold with this id");
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

int control_hold_list(struct control *c, int64_t org, struct control_hold **ret, size_t *ret_count, struct err *err)
{
	static const char sql[] = "SELECT " HOLD_COLUMNS " FROM legal_holds WHERE org = ?"
				  " ORDER BY CASE WHEN released = 0 THEN 0 ELSE 1 END, created DESC, id";
	struct control_hold *list = xarray(HOLDS_LISTED_MAX, sizeof(*list));
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	size_t n = 0;
	int rc = prepare(c, sql, org, &stmt, err);

	while (rc >= 0 && n < HOLDS_LISTED_MAX && (rc = control__step(c, stmt, "listing legal holds", err)) > 0)
		rc = read_hold(stmt, &list[n++], err);
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	if (rc < 0) {
		free(list);
		return rc;
	}
	*ret = list;
	*ret_count = n;
	return 0;
}

int control_hold_release(struct control *c, const struct control_hold *h, struct err *err)
{
	static const char sql[] = "UPDATE legal_holds SET released = ?, released_by = ?"
				  " WHERE org = ? AND id = ? AND released = 0";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(c, sql, h->released_us, &stmt, err);

	if (rc == 0) {
		control__bind_text(stmt, 2, h->released_by);
		sqlite3_bind_int64(stmt, 3, h->org);
		control__bind_text(stmt, 4, h->id);
		rc = control__step(c, stmt, "releasing a legal hold", err);
	}
	sqlite3_finalize(stmt);
	if (rc == 0 && sqlite3_changes(c->db) == 0)
		rc = err_set(err, E_NOT_FOUND, "there is no legal hold with this id that holds");
	control__leave(c, entered);
	return rc;
}

/* ---- removals under way ---- */

int control_expiry_plan(struct control *c, const struct control_expiry *x, struct err *err)
{
	static const char sql[] = "INSERT INTO expiries (ledger, org, next, event_key, event, is_certified)"
				  " VALUES (?, ?, ?, ?, ?, 0)";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(c, sql, x->ledger, &stmt, err);

	if (rc == 0) {
		sqlite3_bind_int64(stmt, 2, x->org);
		sqlite3_bind_int64(stmt, 3, x->next);
		control__bind_text(stmt, 4, x->key);
		control__bind_text(stmt, 5, x->event);
		rc = control__step(c, stmt, "planning a removal", err);
	}
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

static int read_expiry(sqlite3_stmt *stmt, uint32_t ledger, struct control_expiry *ret, struct err *err)
{
	int rc;

	ret->ledger = ledger;
	ret->org = sqlite3_column_int64(stmt, 0);
	ret->next = sqlite3_column_int64(stmt, 1);
	ret->is_certified = sqlite3_column_int64(stmt, 4) != 0;
	if ((rc = control__text(stmt, 2, ret->key, sizeof(ret->key), err)) < 0)
		return rc;
	rc = control__text(stmt, 3, ret->event, sizeof(ret->event), err);
	return rc < 0 ? rc : 1;
}

int control_expiry_get(struct control *c, uint32_t ledger, struct control_expiry *ret, struct err *err)
{
	static const char sql[] = "SELECT org, next, event_key, event, is_certified FROM expiries WHERE ledger = ?";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(c, sql, ledger, &stmt, err);

	if (rc == 0 && (rc = control__step(c, stmt, "reading a removal", err)) > 0)
		rc = read_expiry(stmt, ledger, ret, err);
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

static int change_expiry(struct control *c, const char *sql, uint32_t ledger, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(c, sql, ledger, &stmt, err);

	if (rc == 0)
		rc = control__step(c, stmt, "noting how far a removal is", err);
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

int control_expiry_certify(struct control *c, uint32_t ledger, struct err *err)
{
	return change_expiry(c, "UPDATE expiries SET is_certified = 1 WHERE ledger = ?", ledger, err);
}

int control_expiry_done(struct control *c, uint32_t ledger, struct err *err)
{
	return change_expiry(c, "DELETE FROM expiries WHERE ledger = ?", ledger, err);
}
