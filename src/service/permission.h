/* What a principal may do. Roles are named sets of permissions (role.tbl). */
#ifndef STELE_SERVICE_PERMISSION_H
#define STELE_SERVICE_PERMISSION_H

#include <stdbool.h>
#include <stdint.h>

enum permission {
	PERMISSION_NONE = 0,    /* anybody may: liveness, figures */
	PERMISSION_APPEND = 1,  /* add events */
	PERMISSION_READ = 2,    /* search and read events */
	PERMISSION_OPERATE = 4, /* act on the node: seal */
	PERMISSION_SAVE = 8,    /* change the saved searches of the org */
	PERMISSION_EXPORT = 16, /* take out as many events as there are */
	PERMISSION_RETAIN = 32, /* say how long events are kept, and what holds them */
	PERMISSION_PROVE = 64,  /* see checkpoints, hashes and keys of the org's logs */
};

/* The permissions of a role; false when there is no such role. */
bool role_permissions(const char *role, uint32_t *ret_permissions);

/* "events:append" and so on: one permission's name in messages. */
const char *permission_name(enum permission p);

#endif
