/* Statements: short forms of what every query needs. */
#include <string.h>

#include "control/control_priv.h"

int control__exec(struct control *c, const char *sql, const char *what, struct err *err)
{
	int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : control__fail(c, rc, what, err);
}

int control__prepare(struct control *c, const char *sql, sqlite3_stmt **ret, struct err *err)
{
	int rc = sqlite3_prepare_v2(c->db, sql, -1, ret, NULL);

	return rc == SQLITE_OK ? 0 : control__fail(c, rc, "preparing a statement", err);
}

int control__step(struct control *c, sqlite3_stmt *stmt, const char *what, struct err *err)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : control__fail(c, rc, what, err);
}

int control__number(struct control *c, const char *sql, int64_t *ret, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	if ((rc = control__step(c, stmt, "reading a number", err)) < 0)
		goto out;
	if (rc == 0) {
		rc = err_set(err, E_CORRUPT, "control.db yields no row for: %s", sql);
		goto out;
	}
	*ret = sqlite3_column_int64(stmt, 0);
	rc = 0;
out:
	sqlite3_finalize(stmt);
	return rc;
}

int control__text(sqlite3_stmt *stmt, int column, char *to, size_t to_size, struct err *err)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);
	size_t len = (size_t)sqlite3_column_bytes(stmt, column);

	if (!text || len >= to_size || memchr(text, 0, len))
		return err_set(err, E_CORRUPT, "control.db has a bad text in column %s",
			       sqlite3_column_name(stmt, column));
	memcpy(to, text, len);
	to[len] = '\0';
	return 0;
}

int control__check_room(struct control *c, const char *sql, int64_t org, unsigned max, const char *things,
			struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, sql, &stmt, err);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, org);
	rc = control__step(c, stmt, "counting what an org has", err);
	if (rc > 0 && sqlite3_column_int64(stmt, 0) >= max)
		rc = err_set(err, E_TOO_LARGE, "an org has at most %u %s", max, things);
	sqlite3_finalize(stmt);
	return rc < 0 ? rc : 0;
}

void control__bind_text(sqlite3_stmt *stmt, int parameter, const char *text)
{
	sqlite3_bind_text(stmt, parameter, text, -1, SQLITE_STATIC);
}

void control__bind_hex(sqlite3_stmt *stmt, int parameter, const uint8_t *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * (KEY_WRAPPED_LEN > SHA256_LEN ? KEY_WRAPPED_LEN : SHA256_LEN)];

	must(2 * len <= sizeof(text));
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[p[i] >> 4];
		text[2 * i + 1] = digits[p[i] & 15];
	}
	sqlite3_bind_text(stmt, parameter, text, (int)(2 * len), SQLITE_TRANSIENT);
}

static int digit_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int control__hex(sqlite3_stmt *stmt, int column, uint8_t *to, size_t len, struct err *err)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	if (!text || (size_t)sqlite3_column_bytes(stmt, column) != 2 * len)
		goto bad;
	for (size_t i = 0; i < len; i++) {
		int high = digit_value(text[2 * i]);
		int low = digit_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			goto bad;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
bad:
	return err_set(err, E_CORRUPT, "control.db has no %zu bytes of hex in column %s", len,
		       sqlite3_column_name(stmt, column));
}
