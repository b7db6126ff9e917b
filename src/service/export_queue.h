/* The threads that make the files of export jobs, and the folder these are in. Used by export_job.c and service.c. */
#ifndef STELE_SERVICE_EXPORT_QUEUE_H
#define STELE_SERVICE_EXPORT_QUEUE_H

#include "service/export_job.h"

struct export_queue;

/* Makes the folder, removes leftovers, and queues again what was running. `keep_s`: how long files are kept;
 * `bytes_max` of all together. E_IO and so on. */
int export_queue_start(struct service *s, uint32_t keep_s, uint64_t bytes_max, struct export_queue **ret,
		       struct err *err) __attribute__((warn_unused_result));

/* Breaks off what is running, which the next start queues again. Takes NULL, returns NULL. */
struct export_queue *export_queue_stop(struct export_queue *q);

/* A job was added. */
void export_queue_wake(struct export_queue *q);

/* E_QUOTA when there is no room for more files. */
int export_queue_has_room(struct export_queue *q, struct err *err) __attribute__((warn_unused_result));

/* How far a running job is; false: it is not running. */
bool export_queue_progress(struct export_queue *q, const char *id, struct export_view *v);

/* A running job was cancelled: it is broken off soon. */
void export_queue_cancel(struct export_queue *q, const char *id);

/* Removes the file of a job that is gone from control.db. */
void export_queue_remove(struct export_queue *q, const struct control_export_job *j);

/* Where a job's file is. */
char *export_queue_path(struct export_queue *q, const struct control_export_job *j);

#endif
