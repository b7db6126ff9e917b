/* Objects, whatever is behind them: reading, and what a name may look like. */
#include "store/object_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* A part that starts with a dot could leave the folder or hide in it. */
bool object__name_is_valid(const char *name)
{
	size_t len = strlen(name);
	unsigned slashes = 0;

	if (len == 0 || len > OBJECT_NAME_MAX || name[0] == '.' || name[0] == '/' || name[len - 1] == '/')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '/')
			slashes++;
		else if (!is_name_byte(name[i]))
			return false;
		if (name[i] == '/' && name[i + 1] == '.')
			return false;
	}
	return slashes <= 1;
}

struct object *object_of_memory(uint8_t *bytes, size_t len)
{
	struct object *o = xalloc(sizeof(*o));

	must(bytes || len == 0);
	memcpy(o->name, "memory", sizeof("memory"));
	o->memory = bytes ? bytes : xalloc(1);
	o->size_bytes = len;
	o->fd = -1;
	return o;
}

struct object *object_close(struct object *o)
{
	if (o) {
		if (o->fd >= 0)
			(void)o->io->close(o->io, o->fd); /* opened for reading */
		free(o->memory);
		free(o);
	}
	return NULL;
}

uint64_t object_size(const struct object *o)
{
	return o->size_bytes;
}

const char *object_name(const struct object *o)
{
	return o->name;
}

const uint8_t *object_memory(const struct object *o)
{
	return o->memory;
}

static int fail_short(const struct object *o, uint64_t off, size_t len, struct err *err)
{
	err_set_field(err, o->name, strlen(o->name));
	return err_corrupt(err, (int64_t)off, "%s has %llu bytes; %zu are wanted at %llu", o->name,
			   (unsigned long long)o->size_bytes, len, (unsigned long long)off);
}

int object_read(struct object *o, uint64_t off, size_t len, uint8_t *to, struct err *err)
{
	ssize_t n;

	if (off > o->size_bytes || len > o->size_bytes - off)
		return fail_short(o, off, len, err);
	if (o->memory) {
		if (len)
			memcpy(to, o->memory + off, len);
		return 0;
	}
	n = io_read_full(o->io, o->fd, to, len, off);
	if (n < 0) {
		err_set_field(err, o->name, strlen(o->name));
		return err_errno(err, (int)-n, "reading %s", o->name);
	}
	return (size_t)n < len ? fail_short(o, off, len, err) : 0;
}
