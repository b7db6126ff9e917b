/* The catalogue of an org: the entities and actions it knows, as one JSON text that the service makes and reads. */
#ifndef STELE_CONTROL_CATALOGUE_H
#define STELE_CONTROL_CATALOGUE_H

#include "base/buf.h"
#include "control/control.h"

struct control_catalogue {
	int64_t org;
	int64_t version; /* of an org without one: 0 */
	int64_t updated_us;
	char updated_by[CLIENT_ID_MAX + 1];
};

/* Appends the text to `text`; an org without a catalogue has version 0 and an empty one. */
int control_catalogue_get(struct control *c, int64_t org, struct control_catalogue *ret, struct buf *text,
			  struct err *err) __attribute__((warn_unused_result));
/* Replaces it. E_CHANGED unless what is there has the version before. */
int control_catalogue_set(struct control *c, const struct control_catalogue *catalogue, struct span text,
			  struct err *err) __attribute__((warn_unused_result));

#endif
