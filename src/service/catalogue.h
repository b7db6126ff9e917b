/*
 * The catalogue of an org: the entities and actions it knows. It is served for filters, and when it is strict, events
 * that are not in it are refused.
 *
 * Its JSON: {"strict":BOOL,"entities":[{"key":TEXT,"name":TEXT,"actions":[TEXT,…]},…],"actions":[TEXT,…]}. `key` is
 * what events have as entity.type; the second `actions` are those of events without an entity.type. Texts compare
 * exactly.
 */
#ifndef STELE_SERVICE_CATALOGUE_H
#define STELE_SERVICE_CATALOGUE_H

#include "service/service.h"

#define CATALOGUE_ANY 0 /* whatever the version is */

/* Appends the catalogue's JSON, sorted, with its version and who changed it when. */
int service_catalogue_get(struct service *s, const struct principal *who, struct buf *to, int64_t *ret_version,
			  struct err *err) __attribute__((warn_unused_result));

/* Replaces it; `version` is the one it must have now, or CATALOGUE_ANY. E_SYNTAX, E_INVALID, E_TOO_LARGE, E_CHANGED. */
int service_catalogue_put(struct service *s, const struct principal *who, struct span json, int64_t version,
			  struct err *err) __attribute__((warn_unused_result));

struct catalogue;

/* The org's catalogue if it is strict; NULL: everything is taken. To be released. */
int service_catalogue_strict(struct service *s, const struct org *org, struct catalogue **ret, struct err *err)
	__attribute__((warn_unused_result));
void catalogue_release(struct catalogue *c);

/* A record_require_fn, `user` being a catalogue: E_INVALID when the record is not in it; err->field says what of it. */
int catalogue_check(void *user, struct span record, struct err *err);

#endif
