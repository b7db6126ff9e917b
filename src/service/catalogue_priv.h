/* Catalogues in memory. */
#ifndef STELE_SERVICE_CATALOGUE_PRIV_H
#define STELE_SERVICE_CATALOGUE_PRIV_H

#include <stdatomic.h>

#include "service/catalogue.h"

/* Texts as they stand in records: canonical JSON strings with their quotes; sorted by their bytes. */
struct catalogue_texts {
	struct span *text;
	size_t count;
};

struct catalogue_entity {
	struct span key;  /* as in catalogue_texts */
	struct span name; /* as JSON */
	struct catalogue_texts actions;
};

struct catalogue {
	_Atomic unsigned refs;
	struct catalogue *next; /* in the service's table */
	int64_t org;
	int64_t version;
	bool is_strict;
	struct catalogue_entity *entities; /* sorted by key */
	size_t entity_count;
	struct catalogue_texts actions; /* without an entity */
	struct buf memory;              /* what the texts point into */
};

/* From its JSON. E_SYNTAX, E_INVALID, E_TOO_LARGE; err->field says where. */
int catalogue__parse(struct span json, struct catalogue **ret, struct err *err) __attribute__((warn_unused_result));

/* Appends the members, from '{' on but without the last '}'. */
void catalogue__print(const struct catalogue *c, struct buf *to);

#endif
