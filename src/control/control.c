/*
 * The database handle: opening, transactions and error texts. A transaction holds the mutex from begin to commit, so
 * that calls of the same thread in between must not take it again: control__enter sees to that.
 */
#include "control/control.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/durable.h"
#include "base/io.h"
#include "base/mem.h"
#include "control/control_priv.h"

#define BUSY_TIMEOUT_MS 5000 /* another process (a backup) may hold the file for a moment */

bool control__enter(struct control *c)
{
	if (c->owner == gettid())
		return false;
	mutex_lock(&c->mu);
	return true;
}

void control__leave(struct control *c, bool entered)
{
	if (entered)
		mutex_unlock(&c->mu);
}

static int code_of(int sqlite_rc)
{
	switch (sqlite_rc & 0xff) {
	case SQLITE_CONSTRAINT:
		return E_EXISTS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return E_LOCKED;
	case SQLITE_FULL:
		return E_NO_SPACE;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return E_CORRUPT;
	case SQLITE_NOMEM:
		return E_NO_MEMORY;
	default:
		return E_IO;
	}
}

int control__fail(struct control *c, int sqlite_rc, const char *what, struct err *err)
{
	err_set_field(err, "control.db", strlen("control.db"));
	return err_set(err, code_of(sqlite_rc), "%s: %s", what,
		       c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(sqlite_rc));
}

/* SQLite would make the file readable by all that the umask lets in; its -wal and -shm take the mode of this one. */
static int make_file(const char *path, struct err *err)
{
	int fd = io_posix.open(&io_posix, path, O_RDWR | O_CREAT, 0600);

	if (fd < 0)
		return err_errno(err, -fd, "opening %s", path);
	io_posix.close(&io_posix, fd);
	return 0;
}

static int set_up(struct control *c, struct err *err)
{
	/* Writes are rare, so each is moved into the file at once: a plain copy of control.db is then a backup. */
	static const char pragmas[] =
		"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
		"PRAGMA wal_autocheckpoint=1; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
		"PRAGMA secure_delete=ON;"; /* a key that is destroyed must not stay in a free page */
	int rc;

	sqlite3_busy_timeout(c->db, BUSY_TIMEOUT_MS);
	if ((rc = control__exec(c, pragmas, "setting up control.db", err)) < 0)
		return rc;
	return control__migrate(c, err);
}

int control_open(const char *folder, struct control **ret, struct err *err)
{
	struct control *c = xalloc(sizeof(*c));
	char path[DURABLE_PATH_MAX];
	int rc;

	mutex_init(&c->mu);
	if (snprintf(path, sizeof(path), "%s/control.db", folder) >= (int)sizeof(path)) {
		rc = err_set(err, E_INVALID, "the path of the data folder is too long");
		goto out;
	}
	if ((rc = make_file(path, err)) < 0)
		goto out;
	rc = sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
	if (rc != SQLITE_OK) {
		rc = control__fail(c, rc, "opening control.db", err);
		goto out;
	}
	rc = set_up(c, err);
out:
	if (rc < 0)
		control_close(c);
	else
		*ret = c;
	return rc;
}

struct control *control_close(struct control *c)
{
	if (!c)
		return NULL;
	sqlite3_close(c->db);
	mutex_release(&c->mu);
	free(c);
	return NULL;
}

int control_begin(struct control *c, struct err *err)
{
	int rc;

	mutex_lock(&c->mu);
	rc = control__exec(c, "BEGIN IMMEDIATE", "beginning a transaction", err);
	if (rc < 0) {
		mutex_unlock(&c->mu);
		return rc;
	}
	c->owner = gettid();
	return 0;
}

int control_commit(struct control *c, struct err *err)
{
	int rc = control__exec(c, "COMMIT", "committing", err);

	if (rc < 0) {
		control_rollback(c);
		return rc;
	}
	c->owner = 0;
	mutex_unlock(&c->mu);
	return 0;
}

void control_rollback(struct control *c)
{
	(void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL); /* fails only when it has rolled back by itself */
	c->owner = 0;
	mutex_unlock(&c->mu);
}
