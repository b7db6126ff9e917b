/*
 * The schema, as the steps that lead to it. A step is never changed once released; a new one is added at the end. Each
 * runs in a transaction together with the number it leaves in schema_version.
 *
 * Types: BIGINT for numbers and times (microseconds since 1970), TEXT for the rest, bytes as hex. Numbers that SQLite
 * or PostgreSQL would hand out in their own ways are handed out by the program.
 */
#include <stdio.h>

#include "control/control_priv.h"

static const char *const steps[] = {
	/* 1 */
	"CREATE TABLE orgs ("
	"  id BIGINT NOT NULL PRIMARY KEY,"
	"  org_key TEXT NOT NULL UNIQUE,"
	"  name TEXT NOT NULL,"
	"  created BIGINT NOT NULL);"
	"CREATE TABLE ledgers ("
	"  number BIGINT NOT NULL PRIMARY KEY,"
	"  org BIGINT NOT NULL REFERENCES orgs (id),"
	"  name TEXT NOT NULL,"
	"  wrapped_key TEXT NOT NULL,"
	"  UNIQUE (org, name));"
	"CREATE TABLE api_keys ("
	"  client_id TEXT NOT NULL PRIMARY KEY,"
	"  secret_hash TEXT NOT NULL,"
	"  org BIGINT NOT NULL REFERENCES orgs (id),"
	"  role TEXT NOT NULL,"
	"  created BIGINT NOT NULL);"
	"CREATE INDEX api_keys_by_org ON api_keys (org);",
	/* 2: saved searches */
	"CREATE TABLE saved_searches ("
	"  id TEXT NOT NULL PRIMARY KEY,"
	"  org BIGINT NOT NULL REFERENCES orgs (id),"
	"  name TEXT NOT NULL,"
	"  query TEXT NOT NULL,"
	"  range_from TEXT NOT NULL,"
	"  range_to TEXT NOT NULL,"
	"  sort TEXT NOT NULL,"
	"  direction TEXT NOT NULL,"
	"  ledger TEXT NOT NULL,"
	"  fields TEXT NOT NULL,"
	"  description TEXT NOT NULL,"
	"  created BIGINT NOT NULL,"
	"  updated BIGINT NOT NULL,"
	"  created_by TEXT NOT NULL,"
	"  version BIGINT NOT NULL,"
	"  UNIQUE (org, name));",
	/* 3: export jobs */
	"CREATE TABLE export_jobs ("
	"  id TEXT NOT NULL PRIMARY KEY,"
	"  org BIGINT NOT NULL REFERENCES orgs (id),"
	"  client_id TEXT NOT NULL,"
	"  format TEXT NOT NULL,"
	"  ledger TEXT NOT NULL,"
	"  newest_first BIGINT NOT NULL,"
	"  from_time BIGINT NOT NULL,"
	"  to_time BIGINT NOT NULL,"
	"  ledger_size BIGINT NOT NULL,"
	"  query TEXT NOT NULL,"
	"  columns TEXT NOT NULL,"
	"  state TEXT NOT NULL,"
	"  error TEXT NOT NULL,"
	"  error_code TEXT NOT NULL,"
	"  created BIGINT NOT NULL,"
	"  started BIGINT NOT NULL,"
	"  finished BIGINT NOT NULL,"
	"  expires BIGINT NOT NULL,"
	"  records BIGINT NOT NULL,"
	"  bytes BIGINT NOT NULL);"
	"CREATE INDEX export_jobs_by_org ON export_jobs (org, created);"
	"CREATE INDEX export_jobs_by_state ON export_jobs (state, created);",
	/* 4: retention */
	"CREATE TABLE retention_plans ("
	"  account_type TEXT NOT NULL PRIMARY KEY,"
	"  days BIGINT NOT NULL);"
	"CREATE TABLE retention_policies ("
	"  org BIGINT NOT NULL PRIMARY KEY REFERENCES orgs (id),"
	"  account_type TEXT NOT NULL,"
	"  days BIGINT NOT NULL,"
	"  updated BIGINT NOT NULL,"
	"  updated_by TEXT NOT NULL);"
	"CREATE TABLE legal_holds ("
	"  id TEXT NOT NULL PRIMARY KEY,"
	"  org BIGINT NOT NULL REFERENCES orgs (id),"
	"  reason TEXT NOT NULL,"
	"  created BIGINT NOT NULL,"
	"  created_by TEXT NOT NULL,"
	"  released BIGINT NOT NULL,"
	"  released_by TEXT NOT NULL);"
	"CREATE INDEX legal_holds_by_org ON legal_holds (org, released);"
	"CREATE TABLE expiries ("
	"  ledger BIGINT NOT NULL PRIMARY KEY,"
	"  org BIGINT NOT NULL REFERENCES orgs (id),"
	"  next BIGINT NOT NULL,"
	"  event_key TEXT NOT NULL,"
	"  event TEXT NOT NULL,"
	"  is_certified BIGINT NOT NULL);"
	"CREATE TABLE verification ("
	"  id BIGINT NOT NULL PRIMARY KEY,"
	"  begun BIGINT NOT NULL,"
	"  ledger BIGINT NOT NULL,"
	"  position BIGINT NOT NULL,"
	"  records BIGINT NOT NULL,"
	"  bytes BIGINT NOT NULL,"
	"  finished BIGINT NOT NULL,"
	"  finished_began BIGINT NOT NULL,"
	"  finished_records BIGINT NOT NULL,"
	"  finished_bytes BIGINT NOT NULL,"
	"  passes BIGINT NOT NULL);"
	"CREATE TABLE verification_faults ("
	"  file TEXT NOT NULL,"
	"  place BIGINT NOT NULL,"
	"  message TEXT NOT NULL,"
	"  found BIGINT NOT NULL,"
	"  seen BIGINT NOT NULL,"
	"  PRIMARY KEY (file, place));",
	/* 5: keys that sign checkpoints; a ledger's are numbered from 1 */
	"CREATE TABLE log_keys ("
	"  ledger BIGINT NOT NULL REFERENCES ledgers (number),"
	"  number BIGINT NOT NULL,"
	"  origin TEXT NOT NULL,"
	"  public_key TEXT NOT NULL,"
	"  wrapped_seed TEXT NOT NULL,"
	"  created BIGINT NOT NULL,"
	"  retired BIGINT NOT NULL,"
	"  handover TEXT NOT NULL,"
	"  PRIMARY KEY (ledger, number),"
	"  UNIQUE (ledger, origin, public_key));",
	/* 6: keys of epochs, and other secrets; 0 seconds: as usual */
	"ALTER TABLE ledgers ADD COLUMN epoch_seconds BIGINT NOT NULL DEFAULT 0;"
	"CREATE TABLE ledger_epochs ("
	"  ledger BIGINT NOT NULL REFERENCES ledgers (number),"
	"  epoch BIGINT NOT NULL,"
	"  first BIGINT NOT NULL,"
	"  created BIGINT NOT NULL,"
	"  wrapped_key TEXT NOT NULL,"
	"  PRIMARY KEY (ledger, epoch));"
	"CREATE INDEX ledger_epochs_by_first ON ledger_epochs (ledger, first);"
	"CREATE TABLE secrets ("
	"  name TEXT NOT NULL PRIMARY KEY,"
	"  sealed TEXT NOT NULL);",
	/* 7: people, roles of an org's own making, and what a key may be narrowed to. A rate of 0: no limit; a time of
	 * 0: never. The keys of before were made by the first start: they operate the node. */
	"ALTER TABLE orgs ADD COLUMN disabled BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE orgs ADD COLUMN request_rate BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE orgs ADD COLUMN event_rate BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE api_keys ADD COLUMN name TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE api_keys ADD COLUMN narrow TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE api_keys ADD COLUMN networks TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE api_keys ADD COLUMN request_rate BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE api_keys ADD COLUMN event_rate BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE api_keys ADD COLUMN expires BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE api_keys ADD COLUMN revoked BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE api_keys ADD COLUMN last_used BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE api_keys ADD COLUMN rotated BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE api_keys ADD COLUMN previous_hash TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE api_keys ADD COLUMN previous_until BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE api_keys ADD COLUMN updated BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE api_keys ADD COLUMN created_by TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE api_keys ADD COLUMN version BIGINT NOT NULL DEFAULT 1;"
	"UPDATE api_keys SET role = 'operator' WHERE role = 'owner';"
	"CREATE TABLE roles ("
	"  org BIGINT NOT NULL REFERENCES orgs (id),"
	"  name TEXT NOT NULL,"
	"  permissions TEXT NOT NULL,"
	"  description TEXT NOT NULL,"
	"  created BIGINT NOT NULL,"
	"  updated BIGINT NOT NULL,"
	"  created_by TEXT NOT NULL,"
	"  version BIGINT NOT NULL,"
	"  PRIMARY KEY (org, name));"
	"CREATE TABLE users ("
	"  id TEXT NOT NULL PRIMARY KEY,"
	"  org BIGINT NOT NULL REFERENCES orgs (id),"
	"  email TEXT NOT NULL,"
	"  name TEXT NOT NULL,"
	"  role TEXT NOT NULL,"
	"  password TEXT NOT NULL,"
	"  totp TEXT NOT NULL,"
	"  totp_step BIGINT NOT NULL,"
	"  reset_hash TEXT NOT NULL,"
	"  reset_until BIGINT NOT NULL,"
	"  disabled BIGINT NOT NULL,"
	"  last_login BIGINT NOT NULL,"
	"  created BIGINT NOT NULL,"
	"  updated BIGINT NOT NULL,"
	"  created_by TEXT NOT NULL,"
	"  version BIGINT NOT NULL,"
	"  UNIQUE (org, email));"
	"CREATE TABLE sessions ("
	"  id TEXT NOT NULL PRIMARY KEY,"
	"  secret_hash TEXT NOT NULL UNIQUE,"
	"  user_id TEXT NOT NULL REFERENCES users (id),"
	"  created BIGINT NOT NULL,"
	"  seen BIGINT NOT NULL,"
	"  expires BIGINT NOT NULL,"
	"  ended BIGINT NOT NULL,"
	"  ip TEXT NOT NULL,"
	"  user_agent TEXT NOT NULL);"
	"CREATE INDEX sessions_by_user ON sessions (user_id, ended, expires);",
	/* 8: catalogues */
	"CREATE TABLE catalogues ("
	"  org BIGINT NOT NULL PRIMARY KEY REFERENCES orgs (id),"
	"  content TEXT NOT NULL,"
	"  version BIGINT NOT NULL,"
	"  updated BIGINT NOT NULL,"
	"  updated_by TEXT NOT NULL);",
	/* 9: changes of orgs, and what the key may see that asked for an export */
	"ALTER TABLE orgs ADD COLUMN updated BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE orgs ADD COLUMN version BIGINT NOT NULL DEFAULT 1;"
	"ALTER TABLE export_jobs ADD COLUMN narrow TEXT NOT NULL DEFAULT '';",
	/* 10: consumers; without a client id one is its org's */
	"CREATE TABLE consumers ("
	"  org BIGINT NOT NULL REFERENCES orgs (id),"
	"  client_id TEXT NOT NULL,"
	"  name TEXT NOT NULL,"
	"  ledger TEXT NOT NULL,"
	"  next_index BIGINT NOT NULL,"
	"  query TEXT NOT NULL,"
	"  narrow TEXT NOT NULL,"
	"  created BIGINT NOT NULL,"
	"  created_by TEXT NOT NULL,"
	"  last_read BIGINT NOT NULL,"
	"  version BIGINT NOT NULL,"
	"  PRIMARY KEY (org, client_id, name));",
};

#define STEP_COUNT ((int64_t)(sizeof(steps) / sizeof(steps[0])))

static int read_version(struct control *c, int64_t *ret, struct err *err)
{
	static const char make[] = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL);";
	int64_t rows;
	int rc;

	if ((rc = control__exec(c, make, "making schema_version", err)) < 0)
		return rc;
	if ((rc = control__number(c, "SELECT COUNT(*) FROM schema_version", &rows, err)) < 0)
		return rc;
	if (rows == 0)
		rc = control__exec(c, "INSERT INTO schema_version (version) VALUES (0)", "filling schema_version", err);
	return rc < 0 ? rc : control__number(c, "SELECT MAX(version) FROM schema_version", ret, err);
}

static int apply_step(struct control *c, int64_t number, struct err *err)
{
	char set_version[80];
	int rc;

	snprintf(set_version, sizeof(set_version), "UPDATE schema_version SET version = %lld", (long long)number);
	if ((rc = control__exec(c, steps[number - 1], "migrating control.db", err)) < 0)
		return rc;
	return control__exec(c, set_version, "numbering a migration", err);
}

static int apply_steps(struct control *c, int64_t target, struct err *err)
{
	int64_t version;
	int rc;

	if ((rc = read_version(c, &version, err)) < 0)
		return rc;
	if (version > STEP_COUNT || version < 0)
		return err_set(err, E_UNSUPPORTED,
			       "control.db has schema %lld, made by a newer version; this one knows up to %lld",
			       (long long)version, (long long)STEP_COUNT);
	while (version < target) {
		if ((rc = apply_step(c, ++version, err)) < 0)
			return rc;
	}
	return 0;
}

int control__migrate(struct control *c, struct err *err)
{
	return control__migrate_to(c, STEP_COUNT, err);
}

int control__migrate_to(struct control *c, int64_t target, struct err *err)
{
	int rc;

	must(target >= 0 && target <= STEP_COUNT);

	if ((rc = control_begin(c, err)) < 0)
		return rc;
	if ((rc = apply_steps(c, target, err)) < 0) {
		control_rollback(c);
		return rc;
	}
	return control_commit(c, err);
}
