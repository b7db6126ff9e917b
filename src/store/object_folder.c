/*
 * Objects in a folder: <folder>/<name>, a group being a folder in it. A put is durable_write, so an object is whole or
 * not there, and a crash leaves at most a name ending in DURABLE_SUFFIX. Such a name is removed when its group is
 * listed and no put is going on in this store: one that starts later makes its file anew.
 */
#include "store/object_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/durable.h"
#include "base/mem.h"
#include "base/thread.h"

#define FILE_MODE 0600 /* an audit log is nobody else's to read */

struct object_store {
	struct io *io;
	char *folder;
	struct mutex mutex; /* guards puts */
	unsigned puts;      /* going on */
};

int object_store_open_folder(struct io *io, const char *folder, struct object_store **ret, struct err *err)
{
	struct object_store *s;
	int rc = durable_mkdir(io, folder, err);

	if (rc < 0)
		return rc;
	s = xalloc(sizeof(*s));
	s->io = io;
	s->folder = xstrdup(folder);
	mutex_init(&s->mutex);
	*ret = s;
	return 0;
}

struct object_store *object_store_close(struct object_store *s)
{
	if (s) {
		mutex_release(&s->mutex);
		free(s->folder);
		free(s);
	}
	return NULL;
}

/* The path of a name; freed by the caller. NULL and an error when it is none. */
static char *path_of(const struct object_store *s, const char *name, struct err *err)
{
	if (!object__name_is_valid(name)) {
		err_set(err, E_INVALID, "\"%s\" is no object name", name);
		return NULL;
	}
	return xformat("%s/%s", s->folder, name);
}

static int make_group(struct object_store *s, const char *name, struct err *err)
{
	const char *slash = strchr(name, '/');
	char *path;
	int rc;

	if (!slash)
		return 0;
	path = xformat("%s/%.*s", s->folder, (int)(slash - name), name);
	rc = durable_mkdir(s->io, path, err);
	free(path);
	return rc;
}

static int put_absent(struct object_store *s, const char *name, const char *path, const struct span *parts,
		      size_t part_count, struct err *err)
{
	struct io_stat st;
	int rc = s->io->stat(s->io, path, &st);

	if (rc == 0) {
		err_set_field(err, path, strlen(path));
		return err_set(err, E_EXISTS, "%s is there already", path);
	}
	if (rc != -ENOENT)
		return err_errno(err, -rc, "looking for %s", path);
	rc = make_group(s, name, err);
	return rc < 0 ? rc : durable_write(s->io, path, parts, part_count, FILE_MODE, err);
}

static void count_put(struct object_store *s, int change)
{
	mutex_lock(&s->mutex);
	s->puts += (unsigned)change;
	mutex_unlock(&s->mutex);
}

int object_put(struct object_store *s, const char *name, const struct span *parts, size_t part_count, struct err *err)
{
	char *path = path_of(s, name, err);
	int rc;

	if (!path)
		return E_INVALID;
	count_put(s, 1);
	rc = put_absent(s, name, path, parts, part_count, err);
	count_put(s, -1);
	free(path);
	return rc;
}

int object_delete(struct object_store *s, const char *name, struct err *err)
{
	char *path = path_of(s, name, err);
	int rc;

	if (!path)
		return E_INVALID;
	rc = s->io->unlink(s->io, path);
	if (rc < 0)
		rc = err_errno(err, -rc, "deleting %s", path);
	free(path);
	return rc;
}

struct listing {
	struct object_store *store;
	const char *group;
	object_name_fn *fn;
	void *user;
	int fn_rc; /* what fn ended the listing with */
	char **leftovers;
	size_t leftover_count;
};

static bool is_leftover(const char *name)
{
	size_t len = strlen(name);
	size_t suffix = sizeof(DURABLE_SUFFIX) - 1;

	return len >= suffix && strcmp(name + len - suffix, DURABLE_SUFFIX) == 0;
}

static int take_name(void *user, const char *name)
{
	struct listing *l = user;

	if (is_leftover(name)) {
		l->leftovers = xrealloc(l->leftovers, (l->leftover_count + 1) * sizeof(*l->leftovers));
		l->leftovers[l->leftover_count++] = xstrdup(name);
		return 0;
	}
	l->fn_rc = l->fn(l->user, name);
	return l->fn_rc;
}

static void remove_leftovers(struct listing *l)
{
	struct object_store *s = l->store;

	mutex_lock(&s->mutex);
	for (size_t i = 0; i < l->leftover_count; i++) {
		char *path = xformat("%s/%s/%s", s->folder, l->group, l->leftovers[i]);

		if (s->puts == 0)
			(void)s->io->unlink(s->io, path); /* the next listing tries again */
		free(path);
		free(l->leftovers[i]);
	}
	mutex_unlock(&s->mutex);
	free(l->leftovers);
}

int object_list(struct object_store *s, const char *group, object_name_fn *fn, void *user, struct err *err)
{
	struct listing l = {.store = s, .group = group ? group : ".", .fn = fn, .user = user};
	char *path = group ? path_of(s, group, err) : xstrdup(s->folder);
	int rc;

	if (!path)
		return E_INVALID;
	/* A put may have failed, or its process died, in its very last step. Nobody may build on a name that a power
	 * loss takes away again. */
	rc = s->io->sync_folder(s->io, path);
	if (rc == 0)
		rc = s->io->list(s->io, path, take_name, &l);
	if (l.fn_rc != 0)
		rc = l.fn_rc;
	else if (rc == -ENOENT)
		rc = 0; /* a group nobody has put anything in */
	else if (rc < 0)
		rc = err_errno(err, -rc, "listing %s", path);
	remove_leftovers(&l);
	free(path);
	return rc;
}

int object_stat(struct object_store *s, const char *name, uint64_t *ret_bytes, struct err *err)
{
	char *path = path_of(s, name, err);
	struct io_stat st;
	int rc;

	if (!path)
		return E_INVALID;
	rc = s->io->stat(s->io, path, &st);
	if (rc < 0) {
		err_set_field(err, name, strlen(name));
		rc = err_errno(err, -rc, "looking for %s", path);
	} else {
		*ret_bytes = st.size_bytes;
	}
	free(path);
	return rc;
}

int object_open(struct object_store *s, const char *name, struct object **ret, struct err *err)
{
	char *path = path_of(s, name, err);
	struct io_stat st;
	struct object *o;
	int fd = -1;
	int rc;

	if (!path)
		return E_INVALID;
	rc = s->io->stat(s->io, path, &st);
	if (rc == 0)
		rc = fd = s->io->open(s->io, path, O_RDONLY, 0);
	if (rc < 0) {
		err_set_field(err, name, strlen(name));
		rc = err_errno(err, -rc, "opening %s", path);
		goto out;
	}
	o = xalloc(sizeof(*o));
	memcpy(o->name, name, strlen(name) + 1);
	o->size_bytes = st.size_bytes;
	o->io = s->io;
	o->fd = fd;
	*ret = o;
	rc = 0;
out:
	free(path);
	return rc;
}
