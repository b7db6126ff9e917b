/* The names of the simulated disk: one table of full paths, and the changes of it that are not synced. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "simdisk_priv.h"

char *names__normal(const char *path)
{
	char *normal = xalloc(strlen(path) + 2);
	size_t len = 0;

	while (*path) {
		size_t part = strcspn(path, "/");

		must(!(part == 2 && memcmp(path, "..", 2) == 0));
		if (part > 0 && !(part == 1 && path[0] == '.')) {
			normal[len++] = '/';
			memcpy(normal + len, path, part);
			len += part;
		}
		path += part;
		path += *path == '/';
	}
	if (len == 0)
		normal[0] = '/';
	return normal;
}

char *names__parent(const char *normal_path)
{
	size_t len = (size_t)(strrchr(normal_path, '/') - normal_path);
	char *parent = xstrdup(normal_path);

	parent[len ? len : 1] = '\0';
	return parent;
}

static size_t index_of(const struct names *names, const char *path)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->v[i].path, path) == 0)
			return i;
	}
	return names->count;
}

size_t names__find(const struct names *names, const char *path)
{
	size_t i = index_of(names, path);

	return i < names->count ? names->v[i].file : NO_FILE;
}

void names__set(struct names *names, const char *path, size_t file)
{
	size_t i = index_of(names, path);

	if (i == names->count) {
		if (names->count == names->cap) {
			names->cap = names->cap ? names->cap * 2 : 16;
			names->v = xrealloc(names->v, names->cap * sizeof(names->v[0]));
		}
		names->v[names->count++].path = xstrdup(path);
	}
	names->v[i].file = file;
}

static void remove_at(struct names *names, size_t i)
{
	free(names->v[i].path);
	names->v[i] = names->v[--names->count];
}

void names__remove(struct names *names, const char *path)
{
	size_t i = index_of(names, path);

	if (i < names->count)
		remove_at(names, i);
}

void names__copy(struct names *to, const struct names *from)
{
	*to = (struct names){NULL, 0, 0};
	for (size_t i = 0; i < from->count; i++)
		names__set(to, from->v[i].path, from->v[i].file);
}

void names__release(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->v[i].path);
	free(names->v);
	*names = (struct names){NULL, 0, 0};
}

static bool has_folder(const struct names *names, const char *path)
{
	char *parent = names__parent(path);
	bool found = names__find(names, parent) != NO_FILE;

	free(parent);
	return found;
}

void names__drop_orphans(struct names *names)
{
	size_t before;

	/* Dropping a folder may orphan what is in it, so again until nothing changes. */
	do {
		before = names->count;
		for (size_t i = names->count; i-- > 0;) {
			if (!has_folder(names, names->v[i].path))
				remove_at(names, i);
		}
	} while (names->count != before);
}

static char *copy_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

void name_log__add(struct name_log *log, const char *from, const char *to, size_t file)
{
	if (log->count == log->cap) {
		log->cap = log->cap ? log->cap * 2 : 16;
		log->v = xrealloc(log->v, log->cap * sizeof(log->v[0]));
	}
	log->v[log->count++] = (struct name_change){copy_or_null(from), copy_or_null(to), file, false};
}

void name_log__copy(struct name_log *to, const struct name_log *from)
{
	*to = (struct name_log){NULL, 0, 0};
	for (size_t i = 0; i < from->count; i++)
		name_log__add(to, from->v[i].from, from->v[i].to, from->v[i].file);
}

void name_log__release(struct name_log *log)
{
	for (size_t i = 0; i < log->count; i++) {
		free(log->v[i].from);
		free(log->v[i].to);
	}
	free(log->v);
	*log = (struct name_log){NULL, 0, 0};
}

static bool is_in(const char *path, const char *folder)
{
	char *parent = path ? names__parent(path) : NULL;
	bool result = parent && strcmp(parent, folder) == 0;

	free(parent);
	return result;
}

void name_log__keep_folder(struct name_log *log, const char *folder)
{
	for (size_t i = 0; i < log->count; i++)
		log->v[i].keep = is_in(log->v[i].from, folder) || is_in(log->v[i].to, folder);
}

void name_log__keep_some(struct name_log *log, struct rng *rng)
{
	uint64_t mode = rng_below(rng, 4); /* 0: none, 1: all, else each for itself */

	for (size_t i = 0; i < log->count; i++)
		log->v[i].keep = mode == 1 || (mode > 1 && rng_below(rng, 2));
}

/* A kept rename without the changes before it would leave the file under two names. */
static void keep_what_came_before(struct name_log *log)
{
	for (size_t i = log->count; i-- > 0;) {
		if (!log->v[i].keep || !log->v[i].from || !log->v[i].to)
			continue;
		for (size_t j = 0; j < i; j++)
			log->v[j].keep |= log->v[j].file == log->v[i].file;
	}
}

void name_log__apply(struct name_log *log, struct names *names)
{
	size_t left = 0;

	keep_what_came_before(log);
	for (size_t i = 0; i < log->count; i++) {
		struct name_change *change = &log->v[i];

		if (!change->keep) {
			log->v[left++] = *change;
			continue;
		}
		if (change->from)
			names__remove(names, change->from);
		if (change->to)
			names__set(names, change->to, change->file);
		free(change->from);
		free(change->to);
	}
	log->count = left;
}
