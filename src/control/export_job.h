/*
 * Export jobs, in control.db: what was asked for, how far it came, and until when its file is kept. A job is seen by
 * its own org alone.
 *
 * queued -> running -> done -> expired; queued and running also -> cancelled, running also -> failed. A running job is
 * queued again when the program starts: nothing of it is left then.
 */
#ifndef STELE_CONTROL_EXPORT_JOB_H
#define STELE_CONTROL_EXPORT_JOB_H

#include "control/control.h"

enum control_export_state {
	EXPORT_QUEUED,
	EXPORT_RUNNING,
	EXPORT_DONE,
	EXPORT_FAILED,
	EXPORT_CANCELLED,
	EXPORT_EXPIRED,
	EXPORT_STATE_COUNT
};
extern const char *const control_export_states[EXPORT_STATE_COUNT]; /* "queued", … */

struct control_export_job {
	char id[EXPORT_ID_LEN + 1]; /* hex digits */
	int64_t org;
	char client_id[CLIENT_ID_MAX + 1]; /* who asked for it */
	char format[EXPORT_WORD_MAX + 1];
	char ledger[LEDGER_NAME_MAX + 1];
	bool newest_first;
	int64_t from_us;
	int64_t to_us;
	int64_t ledger_size;
	char *query; /* owned, as are columns, narrow and error; never NULL once filled */
	char *columns;
	char *narrow; /* what its principal sees; "": all */
	enum control_export_state state;
	char *error; /* FAILED: why; else "" */
	char error_code[EXPORT_WORD_MAX + 1];
	int64_t created_us;
	int64_t started_us; /* 0: not yet, as are the next two */
	int64_t finished_us;
	int64_t expires_us;
	int64_t records; /* written; of a running job those of its last end */
	int64_t bytes;   /* of the file; 0 when there is none */
};

void control_export_job_release(struct control_export_job *j);

/* Adds a queued job. E_EXISTS. */
int control_export_job_create(struct control *c, const struct control_export_job *j, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND also for another org's. */
int control_export_job_get(struct control *c, int64_t org, const char *id, struct control_export_job *ret,
			   struct err *err) __attribute__((warn_unused_result));

/* The org's newest jobs, at most `max`, into ret[max]. */
int control_export_job_list(struct control *c, int64_t org, size_t max, struct control_export_job *ret,
			    size_t *ret_count, struct err *err) __attribute__((warn_unused_result));

int control_export_job_count(struct control *c, int64_t org, int64_t *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Drops the org's oldest job that has ended and has no file; *ret says whether there was one. */
int control_export_job_drop_oldest(struct control *c, int64_t org, bool *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Takes a job that waits and marks it as running: of the org with the fewest that run, and of those of the one whose
 * turn is longest ago, the oldest. 1: taken, 0: none waits. */
int control_export_job_take(struct control *c, int64_t now_us, struct control_export_job *ret, struct err *err)
	__attribute__((warn_unused_result));

/* How a running job ended: state, records, bytes, error, finished and expires of `j` are stored. *ret false: it is not
 * running any more (cancelled), and nothing was stored. */
int control_export_job_end(struct control *c, const struct control_export_job *j, bool *ret, struct err *err)
	__attribute__((warn_unused_result));

/* A queued or running job becomes a cancelled one; *ret false: it was neither. */
int control_export_job_cancel(struct control *c, int64_t org, const char *id, int64_t now_us, bool *ret,
			      struct err *err) __attribute__((warn_unused_result));

int control_export_job_delete(struct control *c, int64_t org, const char *id, struct err *err)
	__attribute__((warn_unused_result));

/* Every running job is queued again. */
int control_export_job_requeue(struct control *c, struct err *err) __attribute__((warn_unused_result));

/* Jobs whose time is over become expired; *ret says how many. */
int control_export_job_expire(struct control *c, int64_t now_us, int64_t *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Bytes of all files; whether the file of a name "<id>.<format>" belongs to a job that is done. */
int control_export_job_bytes(struct control *c, int64_t *ret, struct err *err) __attribute__((warn_unused_result));
int control_export_job_has_file(struct control *c, const char *id, const char *format, bool *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
