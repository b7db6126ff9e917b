/* Orgs and their ledgers. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/control_priv.h"

const char *const control_ledger_names[LEDGER_NAME_COUNT] = {"main", "self"};

/* The server's own begin with '_', which nobody else's do: the service sees to that. */
static bool is_org_key(const char *key)
{
	size_t first = key[0] == '_';
	size_t len = first + strspn(key + first, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > first && len <= ORG_KEY_MAX && key[len] == '\0' && key[first] != '-';
}

static int check_org(const struct control_org *org, struct err *err)
{
	if (!is_org_key(org->org_key)) {
		err_set_field(err, "org_key", strlen("org_key"));
		return err_set(err, E_INVALID, "an org key has 1 to %u of a-z, 0-9 and '-' and does not begin with '-'",
			       ORG_KEY_MAX);
	}
	if (org->name[0] != '\0')
		return 0;
	err_set_field(err, "name", strlen("name"));
	return err_set(err, E_INVALID, "an org has a name of 1 to %u bytes", ORG_NAME_MAX);
}

static int insert_org(struct control *c, const struct control_org *org, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	rc = control__prepare(c,
			      "INSERT INTO orgs (id, org_key, name, created, request_rate, event_rate, version)"
			      " VALUES (?, ?, ?, ?, ?, ?, ?)",
			      &stmt, err);
	if (rc < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, org->id);
	sqlite3_bind_text(stmt, 2, org->org_key, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, org->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 4, org->created_us);
	sqlite3_bind_int64(stmt, 5, org->request_rate);
	sqlite3_bind_int64(stmt, 6, org->event_rate);
	sqlite3_bind_int64(stmt, 7, org->version);
	rc = control__step(c, stmt, "adding an org", err);
	if (rc == E_EXISTS) {
		if (err)
			*err = (struct err)ERR_INIT;
		err_set_field(err, "org_key", strlen("org_key"));
		rc = err_set(err, E_EXISTS, "there is an org '%s' already; take another org_key", org->org_key);
	}
	sqlite3_finalize(stmt);
	return rc;
}

static int insert_ledger(struct control *c, uint32_t number, int64_t org, const char *name,
			 const uint8_t wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	static const char sql[] = "INSERT INTO ledgers (number, org, name, wrapped_key) VALUES (?, ?, ?, ?)";
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, number);
	sqlite3_bind_int64(stmt, 2, org);
	sqlite3_bind_text(stmt, 3, name, -1, SQLITE_STATIC);
	control__bind_hex(stmt, 4, wrapped, KEY_WRAPPED_LEN);
	rc = control__step(c, stmt, "adding a ledger", err);
	sqlite3_finalize(stmt);
	return rc;
}

static int create_ledgers(struct control *c, struct control_org *org, control_wrap_fn *wrap, void *user,
			  struct err *err)
{
	uint8_t wrapped[KEY_WRAPPED_LEN];
	int64_t next;
	int rc;

	if ((rc = control__number(c, "SELECT COALESCE(MAX(number), 0) + 1 FROM ledgers", &next, err)) < 0)
		return rc;
	for (int i = 0; i < LEDGER_NAME_COUNT; i++) {
		org->ledger[i] = (uint32_t)(next + i);
		if ((rc = wrap(user, org->ledger[i], wrapped, err)) < 0)
			return rc;
		rc = insert_ledger(c, org->ledger[i], org->id, control_ledger_names[i], wrapped, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_room(struct control *c, struct err *err)
{
	int64_t count;
	int rc = control__number(c, "SELECT COUNT(*) FROM orgs", &count, err);

	if (rc == 0 && count >= ORGS_MAX)
		rc = err_set(err, E_TOO_LARGE, "a server has at most %u orgs", ORGS_MAX);
	return rc;
}

static int create_org(struct control *c, struct control_org *org, control_wrap_fn *wrap, void *user, struct err *err)
{
	int rc;

	if ((rc = check_room(c, err)) < 0)
		return rc;
	if ((rc = control__number(c, "SELECT COALESCE(MAX(id), 0) + 1 FROM orgs", &org->id, err)) < 0)
		return rc;
	if ((rc = insert_org(c, org, err)) < 0)
		return rc;
	return create_ledgers(c, org, wrap, user, err);
}

int control_org_create(struct control *c, struct control_org *org, control_wrap_fn *wrap, void *user, struct err *err)
{
	struct control_org made = *org;
	bool entered;
	int rc;

	if ((rc = check_org(org, err)) < 0)
		return rc;
	made.version = ORG_VERSION;
	entered = control__enter(c);
	if ((rc = control__exec(c, "SAVEPOINT org", "adding an org", err)) < 0)
		goto out;
	rc = create_org(c, &made, wrap, user, err);
	if (rc < 0)
		(void)sqlite3_exec(c->db, "ROLLBACK TO org; RELEASE org", NULL, NULL, NULL);
	else
		rc = control__exec(c, "RELEASE org", "adding an org", err);
	if (rc == 0)
		*org = made;
out:
	control__leave(c, entered);
	return rc;
}

static int read_ledgers(struct control *c, struct control_org *org, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	rc = control__prepare(c, "SELECT number FROM ledgers WHERE org = ? AND name = ?", &stmt, err);
	for (int i = 0; rc >= 0 && i < LEDGER_NAME_COUNT; i++) {
		sqlite3_reset(stmt);
		sqlite3_bind_int64(stmt, 1, org->id);
		sqlite3_bind_text(stmt, 2, control_ledger_names[i], -1, SQLITE_STATIC);
		rc = control__step(c, stmt, "reading a ledger", err);
		if (rc == 0)
			rc = err_set(err, E_CORRUPT, "control.db: org %lld has no ledger %s", (long long)org->id,
				     control_ledger_names[i]);
		else if (rc > 0)
			org->ledger[i] = (uint32_t)sqlite3_column_int64(stmt, 0);
	}
	sqlite3_finalize(stmt);
	return rc < 0 ? rc : 0;
}

#define ROW_COLUMNS "id, org_key, name, created, updated, disabled, request_rate, event_rate, version"

static int read_row(sqlite3_stmt *stmt, struct control_org *org, struct err *err)
{
	int rc;

	org->id = sqlite3_column_int64(stmt, 0);
	org->created_us = sqlite3_column_int64(stmt, 3);
	org->updated_us = sqlite3_column_int64(stmt, 4);
	org->disabled_us = sqlite3_column_int64(stmt, 5);
	org->request_rate = (uint32_t)sqlite3_column_int64(stmt, 6);
	org->event_rate = (uint32_t)sqlite3_column_int64(stmt, 7);
	org->version = sqlite3_column_int64(stmt, 8);
	if ((rc = control__text(stmt, 1, org->org_key, sizeof(org->org_key), err)) < 0)
		return rc;
	return control__text(stmt, 2, org->name, sizeof(org->name), err);
}

static int read_org(struct control *c, int64_t id, struct control_org *org, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, "SELECT " ROW_COLUMNS " FROM orgs WHERE id = ?", &stmt, err)) < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, id);
	if ((rc = control__step(c, stmt, "reading an org", err)) == 0)
		rc = err_set(err, E_NOT_FOUND, "there is no org %lld", (long long)id);
	else if (rc > 0)
		rc = read_row(stmt, org, err);
	sqlite3_finalize(stmt);
	return rc < 0 ? rc : read_ledgers(c, org, err);
}

int control_org_get(struct control *c, int64_t id, struct control_org *ret, struct err *err)
{
	bool entered = control__enter(c);
	struct control_org org = {0};
	int rc = read_org(c, id, &org, err);

	if (rc == 0)
		*ret = org;
	control__leave(c, entered);
	return rc;
}

/* The number of the org with this key. */
static int find_id(struct control *c, const char *org_key, int64_t *ret, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, "SELECT id FROM orgs WHERE org_key = ?", &stmt, err)) < 0)
		return rc;
	sqlite3_bind_text(stmt, 1, org_key, -1, SQLITE_STATIC);
	rc = control__step(c, stmt, "looking for an org", err);
	if (rc == 0)
		rc = err_set(err, E_NOT_FOUND, "there is no org '%s'", org_key);
	else if (rc > 0)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc < 0 ? rc : 0;
}

int control_org_find(struct control *c, const char *org_key, struct control_org *ret, struct err *err)
{
	bool entered = control__enter(c);
	struct control_org org = {0};
	int64_t id = 0;
	int rc = find_id(c, org_key, &id, err);

	if (rc == 0)
		rc = read_org(c, id, &org, err);
	if (rc == 0)
		*ret = org;
	control__leave(c, entered);
	return rc;
}

static int read_rows(struct control *c, sqlite3_stmt *stmt, struct control_org **rows, size_t *count, struct err *err)
{
	int rc;

	while ((rc = control__step(c, stmt, "listing the orgs", err)) > 0) {
		if ((*count & (*count - 1)) == 0)
			*rows = xrealloc(*rows, (*count ? 2 * *count : 1) * sizeof(**rows));
		(*rows)[*count] = (struct control_org){.id = 0};
		if ((rc = read_row(stmt, &(*rows)[*count], err)) < 0)
			return rc;
		++*count;
	}
	return rc;
}

int control_org_list(struct control *c, struct control_org **ret, size_t *ret_count, struct err *err)
{
	bool entered = control__enter(c);
	struct control_org *rows = NULL;
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	int rc = control__prepare(c, "SELECT " ROW_COLUMNS " FROM orgs ORDER BY org_key", &stmt, err);

	if (rc == 0)
		rc = read_rows(c, stmt, &rows, &count, err);
	sqlite3_finalize(stmt);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = read_ledgers(c, &rows[i], err);
	control__leave(c, entered);
	if (rc < 0) {
		free(rows);
		return rc;
	}
	*ret = rows;
	*ret_count = count;
	return 0;
}

int control_org_update(struct control *c, const struct control_org *org, struct err *err)
{
	static const char sql[] = "UPDATE orgs SET name = ?, updated = ?, disabled = ?, request_rate = ?,"
				  " event_rate = ?, version = ? WHERE id = ?";
	sqlite3_stmt *stmt = NULL;
	bool entered;
	int rc;

	if ((rc = check_org(org, err)) < 0)
		return rc;
	entered = control__enter(c);
	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	sqlite3_bind_text(stmt, 1, org->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, org->updated_us);
	sqlite3_bind_int64(stmt, 3, org->disabled_us);
	sqlite3_bind_int64(stmt, 4, org->request_rate);
	sqlite3_bind_int64(stmt, 5, org->event_rate);
	sqlite3_bind_int64(stmt, 6, org->version);
	sqlite3_bind_int64(stmt, 7, org->id);
	rc = control__step(c, stmt, "changing an org", err);
	if (rc == 0 && sqlite3_changes(c->db) == 0)
		rc = err_set(err, E_NOT_FOUND, "there is no org %lld", (long long)org->id);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

int control_org_count(struct control *c, int64_t *ret, struct err *err)
{
	bool entered = control__enter(c);
	int rc = control__number(c, "SELECT COUNT(*) FROM orgs", ret, err);

	control__leave(c, entered);
	return rc;
}

int control_org_ids(struct control *c, int64_t **ret, size_t *ret_count, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int64_t *ids = NULL;
	size_t n = 0;
	int rc = control__prepare(c, "SELECT id FROM orgs ORDER BY id", &stmt, err);

	while (rc >= 0 && (rc = control__step(c, stmt, "listing the orgs", err)) > 0) {
		if ((n & (n - 1)) == 0)
			ids = xrealloc(ids, (n ? 2 * n : 1) * sizeof(*ids));
		ids[n++] = sqlite3_column_int64(stmt, 0);
	}
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	if (rc < 0) {
		free(ids);
		return rc;
	}
	*ret = ids;
	*ret_count = n;
	return 0;
}

int control_ledger_org(struct control *c, uint32_t ledger, int64_t *ret_org, struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc = control__prepare(c, "SELECT org FROM ledgers WHERE number = ?", &stmt, err);

	if (rc == 0) {
		sqlite3_bind_int64(stmt, 1, ledger);
		rc = control__step(c, stmt, "reading the org of a ledger", err);
		if (rc > 0)
			*ret_org = sqlite3_column_int64(stmt, 0);
		else if (rc == 0)
			rc = err_set(err, E_NOT_FOUND, "control.db has no ledger %u", ledger);
	}
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc < 0 ? rc : 0;
}

static int read_ledger(sqlite3_stmt *stmt, struct control_ledger *ret, struct err *err)
{
	int rc = control__text(stmt, 0, ret->org_key, sizeof(ret->org_key), err);

	return rc < 0 ? rc : control__text(stmt, 1, ret->name, sizeof(ret->name), err);
}

int control_ledger_get(struct control *c, uint32_t ledger, struct control_ledger *ret, struct err *err)
{
	static const char sql[] =
		"SELECT orgs.org_key, ledgers.name FROM ledgers JOIN orgs ON orgs.id = ledgers.org WHERE number = ?";
	bool entered = control__enter(c);
	struct control_ledger found = {0};
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, sql, &stmt, err)) < 0)
		goto out;
	sqlite3_bind_int64(stmt, 1, ledger);
	if ((rc = control__step(c, stmt, "reading a ledger", err)) < 0)
		goto out;
	if (rc == 0)
		rc = err_set(err, E_NOT_FOUND, "control.db has no ledger %u", ledger);
	else
		rc = read_ledger(stmt, &found, err);
	if (rc == 0)
		*ret = found;
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}

int control_ledger_key(struct control *c, uint32_t ledger, uint8_t ret_wrapped[KEY_WRAPPED_LEN], struct err *err)
{
	bool entered = control__enter(c);
	sqlite3_stmt *stmt = NULL;
	int rc;

	if ((rc = control__prepare(c, "SELECT wrapped_key FROM ledgers WHERE number = ?", &stmt, err)) < 0)
		goto out;
	sqlite3_bind_int64(stmt, 1, ledger);
	if ((rc = control__step(c, stmt, "reading a ledger's key", err)) < 0)
		goto out;
	if (rc == 0)
		rc = err_set(err, E_NOT_FOUND, "control.db has no ledger %u", ledger);
	else
		rc = control__hex(stmt, 0, ret_wrapped, KEY_WRAPPED_LEN, err);
out:
	sqlite3_finalize(stmt);
	control__leave(c, entered);
	return rc;
}
