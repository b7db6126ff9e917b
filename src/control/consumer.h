/*
 * Consumers: named places in a ledger from where somebody reads on. One is its org's, or of an API key alone: then it
 * is found by the key and the name. Every function takes the org and sees only its own.
 */
#ifndef STELE_CONTROL_CONSUMER_H
#define STELE_CONTROL_CONSUMER_H

#include "control/control.h"

struct control_consumer {
	int64_t org;
	char client_id[CLIENT_ID_MAX + 1]; /* "": the org's */
	char name[CONSUMER_NAME_MAX + 1];
	char ledger[LEDGER_NAME_MAX + 1];
	int64_t position; /* of the next record to read */
	char *query;      /* owned, as is narrow; never NULL once filled */
	char *narrow;     /* what its maker was narrowed to, as text; "": nothing */
	int64_t created_us;
	char created_by[CLIENT_ID_MAX + 1];
	int64_t read_us; /* 0: never */
	int64_t version; /* 1, and one more with each change but those of reading */
};

void control_consumer_release(struct control_consumer *x);

/* E_EXISTS; E_TOO_LARGE: the org has CONSUMERS_MAX of its own. */
int control_consumer_create(struct control *c, const struct control_consumer *x, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND. */
int control_consumer_get(struct control *c, int64_t org, const char *client_id, const char *name,
			 struct control_consumer *ret, struct err *err) __attribute__((warn_unused_result));

/* Those that are the org's, by name; the caller releases each and frees the array. */
int control_consumer_list(struct control *c, int64_t org, struct control_consumer **ret, size_t *ret_count,
			  struct err *err) __attribute__((warn_unused_result));

/* Stores position, read_us and version. E_NOT_FOUND. */
int control_consumer_move(struct control *c, const struct control_consumer *x, struct err *err)
	__attribute__((warn_unused_result));

/* E_NOT_FOUND. */
int control_consumer_delete(struct control *c, const struct control_consumer *x, struct err *err)
	__attribute__((warn_unused_result));

#endif
