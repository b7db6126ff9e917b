/* Epochs, a row each. What is deleted is overwritten: see the pragmas of control.c. */
#include "control/ledger_epoch.h"

#include "control/control_priv.h"

static int find_epoch(struct control *c, uint32_t ledger, uint64_t record, struct control_epoch *ret, struct err *err)
{
	static const char sql[] = "SELECT epoch, first, created FROM ledger_epochs WHERE ledger = ? AND first <= ?"
				  " ORDER BY first DESC, epoch DESC LIMIT 1";
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, ledger);
	sqlite3_bind_int64(stmt, 2, (int64_t)record);
	rc = control__step(c, stmt, "looking for an epoch", err);
	if (rc == 1)
		*ret = (struct control_epoch){ledger, (uint32_t)sqlite3_column_int64(stmt, 0),
					      (uint64_t)sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2)};
	else if (rc == 0)
		rc = err_set(err, E_NOT_FOUND, "ledger %u has no epoch for record %llu", ledger,
			     (unsigned long long)record);
	sqlite3_finalize(stmt);
	return rc < 0 ? rc : 0;
}

int control_epoch_find(struct control *c, uint32_t ledger, uint64_t record, struct control_epoch *ret, struct err *err)
{
	bool entered = control__enter(c);
	int rc = find_epoch(c, ledger, record, ret, err);

	control__leave(c, entered);
	return rc;
}

static int read_key(struct control *c, uint32_t ledger, uint32_t epoch, uint8_t ret_wrapped[KEY_WRAPPED_LEN],
		    struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc =
		control__prepare(c, "SELECT wrapped_key FROM ledger_epochs WHERE ledger = ? AND epoch = ?", &stmt, err);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, ledger);
	sqlite3_bind_int64(stmt, 2, epoch);
	rc = control__step(c, stmt, "reading the key of an epoch", err);
	if (rc == 1)
		rc = control__hex(stmt, 0, ret_wrapped, KEY_WRAPPED_LEN, err);
	else if (rc == 0)
		rc = err_set(
			err, E_NOT_FOUND,
			"control.db has no key of epoch %u of ledger %u: it was destroyed when its records expired, "
			"or control.db is older than the segment",
			epoch, ledger);
	sqlite3_finalize(stmt);
	return rc;
}

int control_epoch_key(struct control *c, uint32_t ledger, uint32_t epoch, uint8_t ret_wrapped[KEY_WRAPPED_LEN],
		      struct err *err)
{
	bool entered = control__enter(c);
	int rc = read_key(c, ledger, epoch, ret_wrapped, err);

	control__leave(c, entered);
	return rc;
}

/* A statement whose parameter 1 is the ledger, run for one number or to its end. */
static int run_for_ledger(struct control *c, const char *sql, uint32_t ledger, int64_t value, const char *what,
			  int64_t *ret, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, ledger);
	if (sqlite3_bind_parameter_count(stmt) > 1)
		sqlite3_bind_int64(stmt, 2, value);
	rc = control__step(c, stmt, what, err);
	if (rc == 1)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc;
}

static int insert_epoch(struct control *c, const struct control_epoch *e, const uint8_t wrapped[KEY_WRAPPED_LEN],
			struct err *err)
{
	static const char sql[] = "INSERT INTO ledger_epochs (ledger, epoch, first, created, wrapped_key)"
				  " VALUES (?, ?, ?, ?, ?)";
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, e->ledger);
	sqlite3_bind_int64(stmt, 2, e->epoch);
	sqlite3_bind_int64(stmt, 3, (int64_t)e->first);
	sqlite3_bind_int64(stmt, 4, e->created_us);
	control__bind_hex(stmt, 5, wrapped, KEY_WRAPPED_LEN);
	rc = control__step(c, stmt, "adding an epoch", err);
	sqlite3_finalize(stmt);
	return rc;
}

int control_epoch_create(struct control *c, struct control_epoch *e, control_epoch_wrap_fn *wrap, void *user,
			 struct err *err)
{
	static const char sql[] = "SELECT COALESCE(MAX(epoch), 0) + 1 FROM ledger_epochs WHERE ledger = ?";
	bool entered = control__enter(c);
	uint8_t wrapped[KEY_WRAPPED_LEN];
	int64_t next = 0;
	int rc = run_for_ledger(c, sql, e->ledger, 0, "numbering an epoch", &next, err);

	e->epoch = (uint32_t)next;
	if (rc >= 0)
		rc = wrap(user, e->ledger, e->epoch, wrapped, err);
	if (rc >= 0)
		rc = insert_epoch(c, e, wrapped, err);
	control__leave(c, entered);
	return rc < 0 ? rc : 0;
}

int control_epoch_destroy(struct control *c, uint32_t ledger, uint64_t below, uint32_t *ret_count, struct err *err)
{
	static const char sql[] =
		"DELETE FROM ledger_epochs WHERE ledger = ?1 AND EXISTS (SELECT 1 FROM ledger_epochs AS n"
		" WHERE n.ledger = ledger_epochs.ledger AND n.first > ledger_epochs.first"
		" AND n.first <= ?2)";
	bool entered = control__enter(c);
	int64_t none;
	int rc = run_for_ledger(c, sql, ledger, (int64_t)below, "destroying keys", &none, err);

	if (rc == 0)
		*ret_count = (uint32_t)sqlite3_changes(c->db);
	if (rc == 0 && entered) /* the log has pages of before */
		rc = control__exec(c, "PRAGMA wal_checkpoint(TRUNCATE)", "emptying the log", err);
	control__leave(c, entered);
	return rc;
}

int control_ledger_epoch_seconds(struct control *c, uint32_t ledger, int64_t *ret, struct err *err)
{
	static const char sql[] = "SELECT epoch_seconds FROM ledgers WHERE number = ?";
	bool entered = control__enter(c);
	int rc = run_for_ledger(c, sql, ledger, 0, "reading a ledger", ret, err);

	control__leave(c, entered);
	if (rc == 0)
		return err_set(err, E_NOT_FOUND, "control.db has no ledger %u", ledger);
	if (rc == 1 && *ret == 0)
		*ret = LEDGER_EPOCH_S;
	return rc < 0 ? rc : 0;
}

int control_ledger_set_epoch_seconds(struct control *c, uint32_t ledger, int64_t seconds, struct err *err)
{
	static const char sql[] = "UPDATE ledgers SET epoch_seconds = ?2 WHERE number = ?1";
	bool entered = control__enter(c);
	int64_t none;
	int rc = run_for_ledger(c, sql, ledger, seconds < LEDGER_EPOCH_MIN_S ? LEDGER_EPOCH_MIN_S : seconds,
				"changing a ledger", &none, err);

	if (rc == 0 && sqlite3_changes(c->db) == 0)
		rc = err_set(err, E_NOT_FOUND, "control.db has no ledger %u", ledger);
	control__leave(c, entered);
	return rc;
}
