/*
 * Saved searches of the org of who asks. What is saved can be run: query and range are checked as a search would.
 * Permissions are the caller's to check.
 */
#ifndef STELE_SERVICE_SAVED_SEARCH_H
#define STELE_SERVICE_SAVED_SEARCH_H

#include "control/saved_search.h"
#include "service/service.h"

/* Saves `search`, of which only the texts are given; the rest is filled in. E_INVALID, E_SYNTAX (err->field names the
 * member), E_EXISTS, E_TOO_LARGE. */
int service_saved_search_create(struct service *s, const struct principal *who, struct saved_search *search,
				struct err *err) __attribute__((warn_unused_result));

/* E_NOT_FOUND. */
int service_saved_search_get(struct service *s, const struct principal *who, struct span id, struct saved_search *ret,
			     struct err *err) __attribute__((warn_unused_result));

/* All, by name; the caller releases each and frees the array. */
int service_saved_search_list(struct service *s, const struct principal *who, struct saved_search **ret,
			      size_t *ret_count, struct err *err) __attribute__((warn_unused_result));

/* Replaces all texts; `version` is the one it must have now, or SAVED_SEARCH_ANY. E_NOT_FOUND, E_CHANGED, and as
 * service_saved_search_create. */
int service_saved_search_replace(struct service *s, const struct principal *who, struct span id, int64_t version,
				 const struct saved_search *search, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND, E_CHANGED. */
int service_saved_search_delete(struct service *s, const struct principal *who, struct span id, int64_t version,
				struct err *err) __attribute__((warn_unused_result));

#endif
