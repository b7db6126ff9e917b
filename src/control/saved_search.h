/*
 * Saved searches of an org. Every function takes the org and sees only its own. A change may name the version it is
 * based on: then it fails when another one came first.
 */
#ifndef STELE_CONTROL_SAVED_SEARCH_H
#define STELE_CONTROL_SAVED_SEARCH_H

#include "base/span.h"
#include "control/control.h"

#define SAVED_SEARCH_ID_LEN  16 /* hex digits, random */
#define SAVED_SEARCH_ANY     0  /* whatever the version is */
#define SAVED_SEARCH_VERSION 1  /* the first one; each change makes the next */

enum saved_search_text {
#define SAVED_TEXT(name, member, bytes_max) SAVED_##name,
#include "control/saved_search.tbl"
#undef SAVED_TEXT
	SAVED_TEXT_COUNT
};

/* The member's name, and the most bytes it may have. */
const char *saved_search_member(enum saved_search_text t);
size_t saved_search_bytes_max(enum saved_search_text t);

struct saved_search {
	int64_t org;
	char id[SAVED_SEARCH_ID_LEN + 1];
	int64_t version;
	int64_t created_us;
	int64_t updated_us;
	char created_by[CLIENT_ID_MAX + 1];
	struct span text[SAVED_TEXT_COUNT]; /* without NUL; empty: not given */
	char *memory;                       /* where the texts are, when they were read; else NULL */
};

void saved_search_release(struct saved_search *s);

/* Stores it as it is. E_EXISTS (the name is taken), E_TOO_LARGE (SAVED_SEARCHES_MAX). */
int control_saved_search_create(struct control *c, const struct saved_search *s, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND. */
int control_saved_search_get(struct control *c, int64_t org, const char *id, struct saved_search *ret, struct err *err)
	__attribute__((warn_unused_result));

/* All of an org, by name; the caller releases each and frees the array. */
int control_saved_search_list(struct control *c, int64_t org, struct saved_search **ret, size_t *ret_count,
			      struct err *err) __attribute__((warn_unused_result));

/* Replaces the texts of the one with this org and id, sets updated_us and makes the next version. E_NOT_FOUND,
 * E_CHANGED (`version` is another, and not SAVED_SEARCH_ANY), E_EXISTS. */
int control_saved_search_replace(struct control *c, const struct saved_search *s, int64_t version, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND, E_CHANGED. */
int control_saved_search_delete(struct control *c, int64_t org, const char *id, int64_t version, struct err *err)
	__attribute__((warn_unused_result));

#endif
