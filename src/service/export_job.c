/* What clients do with export jobs; export_queue.c makes the files. */
#include "service/export_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "service/act.h"
#include "service/export_box.h"
#include "service/export_priv.h"
#include "service/export_queue.h"
#include "service/read_event_priv.h"
#include "service/service_priv.h"
#include "service/sight.h"

void export_view_release(struct export_view *v)
{
	control_export_job_release(&v->job);
}

/* Progress that is newer than what is stored. */
static void fill_view(struct service *s, struct export_view *v)
{
	v->fraction = v->job.state == EXPORT_DONE || v->job.state == EXPORT_EXPIRED ? 1 : 0;
	if (v->job.state == EXPORT_RUNNING)
		(void)export_queue_progress(s->exports, v->job.id, v);
}

/* ---- asking for one ---- */

static char *copy_text(struct span text)
{
	return xformat("%.*s", (int)text.len, text.len ? (const char *)text.p : "");
}

static void fill_job(const struct principal *who, const struct export_spec *spec, struct control_export_job *j)
{
	uint8_t random[EXPORT_ID_LEN / 2];

	*j = (struct control_export_job){.org = who->org->control.id,
					 .newest_first = spec->newest_first,
					 .from_us = spec->from_us,
					 .to_us = spec->to_us,
					 .ledger_size = (int64_t)spec->size,
					 .query = copy_text(spec->query),
					 .columns = copy_text(spec->columns),
					 .narrow = xstrdup(spec->narrow ? spec->narrow : ""),
					 .error = xstrdup(""),
					 .created_us = spec->created_us};
	rand_bytes(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(j->id + 2 * i, 3, "%02x", random[i]);
	memcpy(j->client_id, who->id, sizeof(j->client_id));
	snprintf(j->format, sizeof(j->format), "%s", export_format_names[spec->format]);
	snprintf(j->ledger, sizeof(j->ledger), "%s", control_ledger_names[spec->ledger]);
}

/* Those that ended without a file make way for the new one. */
static int make_way(struct service *s, int64_t org, struct err *err)
{
	bool dropped = true;
	int64_t count;
	int rc;

	while ((rc = control_export_job_count(s->control, org, &count, err)) == 0 && count >= EXPORT_JOBS_MAX &&
	       dropped)
		rc = control_export_job_drop_oldest(s->control, org, &dropped, err);
	if (rc < 0)
		return rc;
	if (count >= EXPORT_JOBS_MAX)
		return err_set(
			err, E_QUOTA,
			"%u exports wait, run or are kept, which is as many as an org may have; remove some (DELETE "
			"/v1/exports/ID) or wait until they expire",
			EXPORT_JOBS_MAX);
	return 0;
}

struct new_job {
	const struct export_spec *spec;
	const struct control_export_job *job;
};

static int apply_job(struct service *s, const struct principal *who, void *user, struct err *err)
{
	const struct new_job *n = user;
	int rc = make_way(s, n->job->org, err);

	(void)who;
	return rc < 0 ? rc : control_export_job_create(s->control, n->job, err);
}

static void put_job_event(const struct principal *who, const void *user, struct buf *to)
{
	const struct new_job *n = user;

	export__event_begin(to, who, n->spec, n->job->id);
	buf_put_str(to, "}}");
}

static int add_job(struct service *s, const struct principal *who, const struct export_spec *spec,
		   const struct control_export_job *j, struct err *err)
{
	struct new_job n = {spec, j};
	const struct act a = {apply_job, put_job_event, &n};

	return service__act(s, who, &a, err);
}

/* Texts are stored as such, and a NUL is none. */
static int check_text(struct span text, const char *field, struct err *err)
{
	if (text.len == 0 || !memchr(text.p, 0, text.len))
		return 0;
	err_set_field(err, field, strlen(field));
	return err_set(err, E_INVALID, "'%s' of an export job holds no NUL", field);
}

int service_export_create(struct service *s, const struct principal *who, const struct export_params *p,
			  struct export_view *ret, struct err *err)
{
	struct export_view v = {0};
	struct export_spec spec;
	int rc;

	if ((rc = check_text(p->query, "query", err)) < 0)
		return rc;
	if ((rc = check_text(p->columns, "columns", err)) < 0)
		return rc;
	if ((rc = export_resolve(who, p, &spec, err)) < 0)
		return rc;
	if ((rc = export_queue_has_room(s->exports, err)) < 0)
		return rc;
	fill_job(who, &spec, &v.job);
	if ((rc = add_job(s, who, &spec, &v.job, err)) < 0) {
		export_view_release(&v);
		return rc;
	}
	export_queue_wake(s->exports);
	*ret = v;
	return 0;
}

/* ---- looking at them ---- */

static int not_found(struct err *err)
{
	return err_set(err, E_NOT_FOUND, "there is no such export");
}

/* Ids are compared as texts; what cannot be one is not looked for. */
static int find_job(struct service *s, const struct principal *who, struct span id, struct control_export_job *ret,
		    struct err *err)
{
	char text[EXPORT_ID_LEN + 1];
	int rc;

	if (id.len != EXPORT_ID_LEN || memchr(id.p, 0, id.len))
		return not_found(err);
	memcpy(text, id.p, EXPORT_ID_LEN);
	text[EXPORT_ID_LEN] = '\0';
	if ((rc = control_export_job_get(s->control, who->org->control.id, text, ret, err)) < 0)
		return rc;
	if (sight_covers(who, ret->ledger, ret->narrow))
		return 0;
	control_export_job_release(ret);
	return not_found(err);
}

int service_export_get(struct service *s, const struct principal *who, struct span id, struct export_view *ret,
		       struct err *err)
{
	struct export_view v = {0};
	int rc = find_job(s, who, id, &v.job, err);

	if (rc < 0)
		return rc;
	fill_view(s, &v);
	*ret = v;
	return 0;
}

int service_export_list(struct service *s, const struct principal *who, struct export_view **ret, size_t *ret_count,
			struct err *err)
{
	struct control_export_job *jobs = xarray(EXPORT_JOBS_MAX, sizeof(*jobs));
	struct export_view *views;
	size_t stored = 0, seen = 0;
	int rc = control_export_job_list(s->control, who->org->control.id, EXPORT_JOBS_MAX, jobs, &stored, err);

	if (rc < 0)
		goto out;
	views = xarray(stored + 1, sizeof(*views));
	for (size_t i = 0; i < stored; i++) {
		if (!sight_covers(who, jobs[i].ledger, jobs[i].narrow)) {
			control_export_job_release(&jobs[i]);
			continue;
		}
		views[seen].job = jobs[i];
		fill_view(s, &views[seen++]);
	}
	*ret = views;
	*ret_count = seen;
out:
	free(jobs);
	return rc;
}

struct end_of_job {
	struct control_export_job job;
	bool is_cancelled;
};

static int apply_end(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct end_of_job *e = user;
	int rc = control_export_job_cancel(s->control, e->job.org, e->job.id, clock_wall_us(), &e->is_cancelled, err);

	(void)who;
	if (rc < 0 || e->is_cancelled)
		return rc;
	return control_export_job_delete(s->control, e->job.org, e->job.id, err);
}

static void put_end_event(const struct principal *who, const void *user, struct buf *to)
{
	const struct end_of_job *e = user;

	self_event_begin(to, e->is_cancelled ? "export.cancelled" : "export.removed", who);
	buf_printf(to, ",\"entity\":{\"id\":\"%s\",\"type\":\"export\"}}", e->job.id);
}

int service_export_delete(struct service *s, const struct principal *who, struct span id, struct err *err)
{
	struct end_of_job e = {.is_cancelled = false};
	const struct act a = {apply_end, put_end_event, &e};
	int rc = find_job(s, who, id, &e.job, err);

	if (rc < 0)
		return rc;
	rc = service__act(s, who, &a, err);
	if (rc == 0 && e.is_cancelled)
		export_queue_cancel(s->exports, e.job.id);
	else if (rc == 0)
		export_queue_remove(s->exports, &e.job);
	control_export_job_release(&e.job);
	return rc;
}

/* ---- files ---- */

static int check_done(const struct control_export_job *j, struct err *err)
{
	switch (j->state) {
	case EXPORT_DONE:
		return 0;
	case EXPORT_QUEUED:
	case EXPORT_RUNNING:
		return err_set(err, E_UNAVAILABLE, "the export is %s; download it when it is done",
			       control_export_states[j->state]);
	default:
		return err_set(err, E_NOT_FOUND, "the export is %s: there is no file", control_export_states[j->state]);
	}
}

static void fill_file(const struct principal *who, const struct control_export_job *j, struct export_file *f)
{
	struct export_spec spec = {.from_us = j->from_us, .to_us = j->to_us, .created_us = j->created_us};

	for (int i = 0; i < EXPORT_FORMAT_COUNT; i++) {
		if (strcmp(export_format_names[i], j->format) == 0)
			spec.format = (enum export_format)i;
	}
	for (int i = 0; i < LEDGER_NAME_COUNT; i++) {
		if (strcmp(control_ledger_names[i], j->ledger) == 0)
			spec.ledger = (enum control_ledger_name)i;
	}
	f->format = spec.format;
	f->ledger = spec.ledger;
	export_file_name(who->org, &spec, f->name);
	memcpy(f->id, j->id, sizeof(f->id));
	f->size_bytes = (uint64_t)j->bytes;
}

static int read_file(void *user, uint64_t off, size_t len, uint8_t *to, struct err *err)
{
	const struct export_file *f = user;
	ssize_t n = io_read_full(f->io, f->fd, to, len, off);

	if (n < 0)
		return err_errno(err, (int)-n, "reading the file of an export");
	if ((size_t)n < len)
		return err_set(err, E_IO, "the file of an export has %llu bytes less than it had",
			       (unsigned long long)(len - (size_t)n));
	return 0;
}

static struct boxes_source source_of(struct export_file *f)
{
	return (struct boxes_source){read_file, f, EXPORT_BOX_HEADER, f->size_bytes};
}

static int tell_file(struct service *s, const struct principal *who, const struct export_file *f, struct err *err)
{
	const struct read_event e = {"export.downloaded", f->ledger, "export", span_str(f->id)};
	struct buf event = BUF_INIT;
	int rc;

	read_event__begin(&event, who, &e);
	read_event__put_text(&event, "format", span_str(export_format_names[f->format]));
	read_event__put_number(&event, "bytes", f->size_bytes);
	rc = read_event__tell(s, who, &event, err);
	buf_release(&event);
	return rc;
}

static int open_file(struct service *s, const char *path, struct export_file *f, struct err *err)
{
	struct boxes_source source = source_of(f);
	struct io_stat st;
	int rc = s->io->stat(s->io, path, &st);

	if (rc == 0)
		rc = f->fd = s->io->open(s->io, path, O_RDONLY, 0);
	if (rc == -ENOENT)
		return err_set(err, E_NOT_FOUND, "the file of the export is gone");
	if (rc < 0)
		return err_errno(err, -rc, "opening %s", path);
	rc = export_box_open(&source, st.size_bytes, &s->node_key, f->id, &f->boxes, err);
	if (rc < 0)
		export_file_close(f);
	return rc;
}

int service_export_file(struct service *s, const struct principal *who, struct span id, struct export_file *ret,
			struct err *err)
{
	struct control_export_job j;
	struct export_file f = {.io = s->io, .fd = -1};
	char *path = NULL;
	int rc = find_job(s, who, id, &j, err);

	if (rc < 0)
		return rc;
	if ((rc = check_done(&j, err)) < 0)
		goto out;
	path = export_queue_path(s->exports, &j);
	fill_file(who, &j, &f);
	if ((rc = open_file(s, path, &f, err)) < 0)
		goto out;
	if ((rc = tell_file(s, who, &f, err)) < 0)
		export_file_close(&f);
	else
		*ret = f;
out:
	free(path);
	control_export_job_release(&j);
	return rc;
}

int export_file_read(struct export_file *f, uint64_t off, size_t len, struct buf *to, struct err *err)
{
	struct boxes_source source = source_of(f);
	uint8_t *room = buf_room(to, len);
	int rc;

	if (off > f->size_bytes || len > f->size_bytes - off)
		return err_set(err, E_IO, "the file of an export has %llu bytes; %zu are wanted at %llu",
			       (unsigned long long)f->size_bytes, len, (unsigned long long)off);
	if (!room)
		return err_set(err, E_NO_MEMORY, "not enough memory for a piece of an export");
	rc = f->boxes ? boxes_read(f->boxes, &source, off, len, room, err) : read_file(f, off, len, room, err);
	if (rc == 0)
		buf_commit(to, len);
	return rc;
}

void export_file_close(struct export_file *f)
{
	if (f->fd >= 0)
		(void)f->io->close(f->io, f->fd); /* opened for reading */
	f->fd = -1;
	f->boxes = boxes_free(f->boxes);
}
