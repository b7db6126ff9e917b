/* The verification's state: one row; its faults: a row each. */
#include "control/verification.h"

#include <stdlib.h>

#include "base/mem.h"
#include "control/control_priv.h"

#define STATE_COLUMNS                                                                                                  \
	"begun, ledger, position, records, bytes, finished, finished_began, finished_records, finished_bytes, passes"

int control_verification_get(struct control *c, struct control_verification *ret, struct err *err)
{
	bool entered = control__enter(c);
	struct control_verification v = {0};
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, "SELECT " STATE_COLUMNS " FROM verification WHERE id = 1", &stmt, err);

	if (rc == 0 && (rc = control__step(c, stmt, "reading the verification's state", err)) > 0) {
		v.begun_us = sqlite3_column_int64(stmt, 0);
		v.ledger = (uint32_t)sqlite3_column_int64(stmt, 1);
		v.position = sqlite3_column_int64(stmt, 2);
		v.records = sqlite3_column_int64(stmt, 3);
		v.bytes = sqlite3_column_int64(stmt, 4);
		v.finished_us = sqlite3_column_int64(stmt, 5);
		v.finished_began_us = sqlite3_column_int64(stmt, 6);
		v.finished_records = sqlite3_column_int64(stmt, 7);
		v.finished_bytes = sqlite3_column_int64(stmt, 8);
		v.passes = sqlite3_column_int64(stmt, 9);
	}
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	if (rc >= 0)
		*ret = v;
	return rc < 0 ? rc : 0;
}

int control_verification_set(struct control *c, const struct control_verification *v, struct err *err)
{
	static const char sql[] =
		"INSERT INTO verification (" STATE_COLUMNS ", id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)"
		" ON CONFLICT (id) DO UPDATE SET begun = excluded.begun, ledger = excluded.ledger,"
		" position = excluded.position, records = excluded.records, bytes = excluded.bytes,"
		" finished = excluded.finished, finished_began = excluded.finished_began,"
		" finished_records = excluded.finished_records, finished_bytes = excluded.finished_bytes,"
		" passes = excluded.passes";
	const int64_t values[] = {v->begun_us,       v->ledger,      v->position,          v->records,
				  v->bytes,          v->finished_us, v->finished_began_us, v->finished_records,
				  v->finished_bytes, v->passes};
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	for (int i = 0; rc == 0 && i < (int)(sizeof(values) / sizeof(values[0])); i++)
		sqlite3_bind_int64(stmt, i + 1, values[i]);
	if (rc == 0)
		rc = control__step(c, stmt, "keeping the verification's state", err);
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

/* ---- faults ---- */

int control_fault_touch(struct control *c, const struct control_fault *f, struct err *err)
{
	static const char sql[] = "UPDATE verification_faults SET seen = ? WHERE file = ? AND place = ?";
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc == 0) {
		sqlite3_bind_int64(stmt, 1, f->seen_us);
		sqlite3_bind_text(stmt, 2, f->file, -1, SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 3, f->offset);
		rc = control__step(c, stmt, "noting a fault", err);
	}
	if (rc == 0)
		rc = sqlite3_changes(c->db) > 0;
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

static int insert_fault(struct control *c, const struct control_fault *f, struct err *err)
{
	static const char sql[] = "INSERT INTO verification_faults (file, place, message, found, seen)"
				  " VALUES (?, ?, ?, ?, ?)";
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc < 0)
		return rc;
	sqlite3_bind_text(stmt, 1, f->file, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, f->offset);
	sqlite3_bind_text(stmt, 3, f->message, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 4, f->found_us);
	sqlite3_bind_int64(stmt, 5, f->seen_us);
	rc = control__step(c, stmt, "noting a fault", err);
	sqlite3_finalize(stmt);
	return rc;
}

int control_fault_add(struct control *c, const struct control_fault *f, struct err *err)
{
	bool entered = control__enter(c);
	int64_t count;
	int rc = control__number(c, "SELECT COUNT(*) FROM verification_faults", &count, err);

	if (rc == 0 && count >= FAULTS_MAX)
		rc = err_set(err, E_TOO_LARGE, "more than %u faults are not remembered", FAULTS_MAX);
	if (rc == 0)
		rc = insert_fault(c, f, err);
	control__leave(c, entered);
	return rc;
}

int control_fault_clear(struct control *c, int64_t began_us, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, "DELETE FROM verification_faults WHERE seen < ?", &stmt, err);

	if (rc == 0) {
		sqlite3_bind_int64(stmt, 1, began_us);
		rc = control__step(c, stmt, "forgetting faults", err);
	}
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

static int read_fault(sqlite3_stmt *stmt, struct control_fault *ret, struct err *err)
{
	int rc;

	ret->offset = sqlite3_column_int64(stmt, 1);
	ret->found_us = sqlite3_column_int64(stmt, 3);
	ret->seen_us = sqlite3_column_int64(stmt, 4);
	if ((rc = control__text(stmt, 0, ret->file, sizeof(ret->file), err)) < 0)
		return rc;
	return control__text(stmt, 2, ret->message, sizeof(ret->message), err);
}

int control_fault_list(struct control *c, struct control_fault **ret, size_t *ret_count, struct err *err)
{
	static const char sql[] =
		"SELECT file, place, message, found, seen FROM verification_faults ORDER BY found, file, place";
	struct control_fault *list = xarray(FAULTS_MAX, sizeof(*list));
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	size_t n = 0;
	int rc = control__prepare(c, sql, &stmt, err);

	while (rc >= 0 && n < FAULTS_MAX && (rc = control__step(c, stmt, "listing faults", err)) > 0)
		rc = read_fault(stmt, &list[n++], err);
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
