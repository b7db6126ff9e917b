/* What making a key and making an org share. */
#ifndef STELE_SERVICE_API_KEY_PRIV_H
#define STELE_SERVICE_API_KEY_PRIV_H

#include "service/api_key.h"

/* Fills in what is given. Of a role only its form is checked: service_role_give says what it allows. E_INVALID,
 * E_SYNTAX, E_TOO_LARGE; err->field names the member. */
int api_key__apply(struct service *s, const struct key_change *c, struct control_api_key *key, struct err *err)
	__attribute__((warn_unused_result));

/* Writes ,"entity":{…} and the key's text as ,"<member>":{…} into an event. */
void api_key__put_entity(struct buf *to, const struct control_api_key *key);
void api_key__put(struct buf *to, const char *member, const struct control_api_key *key);

/* A new key but for its org and what a client says of it, and its secret, to be wiped. */
void api_key__new(const struct principal *who, struct control_api_key *ret, struct key_secret *ret_secret);

/* Makes a key in an org, which may be another than that of `who`: then both are told. */
int api_key__create(struct service *s, const struct principal *who, struct org *org, const struct key_change *c,
		    struct control_api_key *ret, struct key_secret *ret_secret, struct err *err)
	__attribute__((warn_unused_result));

#endif
