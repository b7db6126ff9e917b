/*
 * Exports as jobs: made in the background into a file of <data>/exports/, which can be downloaded any number of times
 * until it expires. A job belongs to the org of the key that asked for it; a narrowed key sees those of keys narrowed
 * alike, and who may not read self those of main. Jobs are kept in control.db and go on after
 * a restart, from the beginning and over the same records.
 */
#ifndef STELE_SERVICE_EXPORT_JOB_H
#define STELE_SERVICE_EXPORT_JOB_H

#include "control/export_job.h"
#include "service/export.h"

/* A job as it is now. */
struct export_view {
	struct control_export_job job;
	double fraction; /* of the ledger that was gone over: 0 while queued, 1 when done */
};

void export_view_release(struct export_view *v);

/* Queues a job. What export_resolve refuses; E_QUOTA: the org has EXPORT_JOBS_MAX that wait, run or have a file, or all
 * files together have EXPORT_FILES_BYTES_MAX. */
int service_export_create(struct service *s, const struct principal *who, const struct export_params *p,
			  struct export_view *ret, struct err *err) __attribute__((warn_unused_result));

/* E_NOT_FOUND. */
int service_export_get(struct service *s, const struct principal *who, struct span id, struct export_view *ret,
		       struct err *err) __attribute__((warn_unused_result));

/* The org's jobs, newest first: at most EXPORT_JOBS_MAX. The caller releases each and frees the array. */
int service_export_list(struct service *s, const struct principal *who, struct export_view **ret, size_t *ret_count,
			struct err *err) __attribute__((warn_unused_result));

/* Cancels a job that waits or runs, which stays listed; of another one removes the file and the job. E_NOT_FOUND. */
int service_export_delete(struct service *s, const struct principal *who, struct span id, struct err *err)
	__attribute__((warn_unused_result));

/* The file of a job that is done. */
struct export_file {
	struct io *io;
	int fd;
	uint64_t size_bytes; /* of what was exported */
	struct boxes *boxes; /* NULL: the file is plain */
	enum export_format format;
	enum control_ledger_name ledger;
	char name[EXPORT_NAME_MAX]; /* for the client */
	char id[EXPORT_ID_LEN + 1]; /* a file never changes, so this names its content too */
};

/* Stays readable until it is closed, whatever becomes of the job. E_NOT_FOUND: no such job, or its file is gone, which
 * the message says; E_UNAVAILABLE: it is not made yet. */
int service_export_file(struct service *s, const struct principal *who, struct span id, struct export_file *ret,
			struct err *err) __attribute__((warn_unused_result));

/* Appends `len` bytes from `off`. E_CORRUPT; E_IO, also when the file is shorter; E_NO_MEMORY. */
int export_file_read(struct export_file *f, uint64_t off, size_t len, struct buf *to, struct err *err)
	__attribute__((warn_unused_result));
void export_file_close(struct export_file *f);

#endif
