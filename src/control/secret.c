/* Secrets by name, and sealing everything again. */
#include "control/secret.h"

#include <string.h>

#include "base/mem.h"
#include "base/reader.h"
#include "control/control_priv.h"

#define CONTEXT_MAX 64

/* A column of sealed secrets: `key` are the columns that name a row, and make the context in the order they stand in.
 */
struct sealed_column {
	const char *label;
	const char *select; /* the sealed hex first, then the key */
	const char *update; /* the sealed hex, then the key */
};

static const struct sealed_column columns[] = {
	{KEY_LABEL_LEDGER, "SELECT wrapped_key, number FROM ledgers",
	 "UPDATE ledgers SET wrapped_key = ? WHERE number = ?"},
	{KEY_LABEL_EPOCH, "SELECT wrapped_key, ledger, epoch FROM ledger_epochs",
	 "UPDATE ledger_epochs SET wrapped_key = ? WHERE ledger = ? AND epoch = ?"},
	{KEY_LABEL_TOTP, "SELECT totp, id FROM users WHERE totp <> ''", "UPDATE users SET totp = ? WHERE id = ?"},
	{KEY_LABEL_SECRET, "SELECT sealed, name FROM secrets", "UPDATE secrets SET sealed = ? WHERE name = ?"},
};

/* ---- by name ---- */

/* Hex of any length. */
static int get_hex(sqlite3_stmt *stmt, int column, struct buf *to, struct err *err)
{
	size_t len = (size_t)sqlite3_column_bytes(stmt, column) / 2;
	uint8_t *room = buf_room(to, len);
	int rc =
		room ? control__hex(stmt, column, room, len, err) : err_set(err, E_NO_MEMORY, "no memory for a secret");

	if (rc == 0)
		buf_commit(to, len);
	return rc;
}

int control_secret_get(struct control *c, const char *name, struct buf *ret_sealed, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, "SELECT sealed FROM secrets WHERE name = ?", &stmt, err);

	if (rc < 0)
		goto out;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	rc = control__step(c, stmt, "reading a secret", err);
	if (rc == 1)
		rc = get_hex(stmt, 0, ret_sealed, err);
	else if (rc == 0)
		rc = err_set(err, E_NOT_FOUND, "control.db has no secret '%s'", name);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

int control_secret_create(struct control *c, const char *name, struct span sealed, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, "INSERT INTO secrets (name, sealed) VALUES (?, ?)", &stmt, err);

	if (rc < 0)
		goto out;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	control__bind_hex(stmt, 2, sealed.p, sealed.len);
	rc = control__step(c, stmt, "adding a secret", err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

/* ---- everything ---- */

/* What a row's key makes as a context: numbers as u32, texts as they are. */
static int make_context(sqlite3_stmt *row, uint8_t to[CONTEXT_MAX], struct span *ret, struct err *err)
{
	size_t len = 0;

	for (int i = 1; i < sqlite3_column_count(row); i++) {
		bool is_text = sqlite3_column_type(row, i) == SQLITE_TEXT;
		const unsigned char *text = is_text ? sqlite3_column_text(row, i) : NULL;
		size_t n = is_text ? (size_t)sqlite3_column_bytes(row, i) : 4;

		if (n > CONTEXT_MAX - len)
			return err_set(err, E_CORRUPT, "control.db has a secret with a name of %zu bytes", n);
		if (text)
			memcpy(to + len, text, n);
		else
			put_u32le(to + len, (uint32_t)sqlite3_column_int64(row, i));
		len += n;
	}
	*ret = span_of(to, len);
	return 0;
}

static int store_row(struct control *c, sqlite3_stmt *update, sqlite3_stmt *row, struct span sealed, struct err *err)
{
	sqlite3_reset(update);
	control__bind_hex(update, 1, sealed.p, sealed.len);
	for (int i = 1; i < sqlite3_column_count(row); i++)
		sqlite3_bind_value(update, i + 1, sqlite3_column_value(row, i));
	return control__step(c, update, "storing a secret", err);
}

static int reseal_row(struct control *c, const struct sealed_column *column, sqlite3_stmt *row, sqlite3_stmt *update,
		      control_reseal_fn *reseal, void *user, struct err *err)
{
	uint8_t context[CONTEXT_MAX];
	struct buf old = BUF_INIT;
	struct span bound;
	uint8_t *sealed = NULL;
	int rc = get_hex(row, 0, &old, err);

	if (rc == 0)
		rc = make_context(row, context, &bound, err);
	if (rc == 0) {
		sealed = xalloc(old.len + 1);
		rc = reseal(user, column->label, bound, buf_span(&old), sealed, err);
	}
	if (rc == 0)
		rc = store_row(c, update, row, span_of(sealed, old.len), err);
	free(sealed);
	buf_release(&old);
	return rc;
}

static int reseal_column(struct control *c, const struct sealed_column *column, control_reseal_fn *reseal, void *user,
			 uint64_t *count, struct err *err)
{
	sqlite3_stmt *row = NULL, *update = NULL;
	int rc = control__prepare(c, column->select, &row, err);

	if (rc == 0)
		rc = control__prepare(c, column->update, &update, err);
	while (rc == 0 && (rc = control__step(c, row, "reading secrets", err)) == 1) {
		rc = reseal_row(c, column, row, update, reseal, user, err);
		++*count;
	}
	sqlite3_finalize(update);
	sqlite3_finalize(row);
	return rc;
}

int control_reseal(struct control *c, control_reseal_fn *reseal, void *user, uint64_t *ret_count, struct err *err)
{
	uint64_t count = 0;
	int rc = control_begin(c, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]) && rc == 0; i++)
		rc = reseal_column(c, &columns[i], reseal, user, &count, err);
	if (rc < 0) {
		control_rollback(c);
		return rc;
	}
	*ret_count = count;
	return control_commit(c, err);
}
