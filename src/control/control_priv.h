/* What the files of control/ share: the database handle and short forms of SQLite's calls. */
#ifndef STELE_CONTROL_CONTROL_PRIV_H
#define STELE_CONTROL_CONTROL_PRIV_H

#include <sqlite3.h>
#include <sys/types.h>

#include "base/thread.h"
#include "control/control.h"

struct control {
	sqlite3 *db;
	struct mutex mu;     /* held through every call, and from begin to commit */
	_Atomic pid_t owner; /* the thread with an open transaction, 0 when there is none */
};

/* Takes the handle unless this thread's transaction has it already; leave undoes what enter did. */
bool control__enter(struct control *c);
void control__leave(struct control *c, bool entered);

/* Turns an SQLite result into an E_* with "<what>: <sqlite's message>". */
int control__fail(struct control *c, int sqlite_rc, const char *what, struct err *err);

/* Runs statements without results. */
int control__exec(struct control *c, const char *sql, const char *what, struct err *err)
	__attribute__((warn_unused_result));

int control__prepare(struct control *c, const char *sql, sqlite3_stmt **ret, struct err *err)
	__attribute__((warn_unused_result));

/* Steps a statement: 1 there is a row, 0 it is done, negative E_*. */
int control__step(struct control *c, sqlite3_stmt *stmt, const char *what, struct err *err)
	__attribute__((warn_unused_result));

/* The one number a statement yields. */
int control__number(struct control *c, const char *sql, int64_t *ret, struct err *err)
	__attribute__((warn_unused_result));

/* E_TOO_LARGE when `sql`, which counts something of the org that is its parameter, yields `max` or more; `things` ends
 * the sentence "an org has at most 7 …", and says what to do. */
int control__check_room(struct control *c, const char *sql, int64_t org, unsigned max, const char *things,
			struct err *err) __attribute__((warn_unused_result));

/* Binds a text that lives until the statement was stepped. */
void control__bind_text(sqlite3_stmt *stmt, int parameter, const char *text);

/* Copies a text column; E_CORRUPT when it does not fit. */
int control__text(sqlite3_stmt *stmt, int column, char *to, size_t to_size, struct err *err)
	__attribute__((warn_unused_result));

/* Bytes as lower-case hex, which is how this schema keeps them (a type every database has). */
void control__bind_hex(sqlite3_stmt *stmt, int parameter, const uint8_t *p, size_t len);
int control__hex(sqlite3_stmt *stmt, int column, uint8_t *to, size_t len, struct err *err)
	__attribute__((warn_unused_result));

/* Brings the schema to the present version. */
int control__migrate(struct control *c, struct err *err) __attribute__((warn_unused_result));
/* The same no further than `target`; tests make files of earlier versions by it. */
int control__migrate_to(struct control *c, int64_t target, struct err *err) __attribute__((warn_unused_result));

#endif
