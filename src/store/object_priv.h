/* What is behind an object: the calls that the folder and the memory each have in their own way. */
#ifndef STELE_STORE_OBJECT_PRIV_H
#define STELE_STORE_OBJECT_PRIV_H

#include "store/object.h"

#define OBJECT_NAME_MAX 200 /* bytes of a name, both parts */

struct object {
	char name[OBJECT_NAME_MAX + 1];
	uint64_t size_bytes;
	uint8_t *memory; /* owned; NULL when the object is a file */
	struct io *io;   /* of a file */
	int fd;
};

/* True when the name is one of the store: see object.h. */
bool object__name_is_valid(const char *name);

#endif
