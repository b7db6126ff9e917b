/*
 * What a request for a token says (RFC 6749 section 4.4.2): its body is a form, or a JSON object where a dialect takes
 * one, and client id and secret stand in it or in basic authentication, not in both.
 */
#ifndef STELE_API_TOKEN_REQUEST_H
#define STELE_API_TOKEN_REQUEST_H

#include <yyjson.h>

#include "api/form.h"

struct request;

struct token_request {
	struct span grant_type, client_id, client_secret, scope, username, password; /* empty: not given */
	struct form form;                                                            /* where they point to */
	yyjson_doc *json;                                                            /* or here */
};

/* Zeroed before. What it does not know is passed over; what is given twice is not. E_INVALID, E_SYNTAX, E_TOO_LARGE,
 * E_MEDIA_TYPE. */
int token_request_read(struct request *r, bool may_be_json, struct token_request *ret, struct err *err)
	__attribute__((warn_unused_result));
void token_request_release(struct token_request *t);

/* Fills r->who from client id and secret. What is refused is noted, and guessing is throttled. E_UNAUTHORIZED, E_QUOTA;
 * E_INVALID when both ways were used. */
int token_request_principal(struct request *r, const struct token_request *t, struct err *err)
	__attribute__((warn_unused_result));

#endif
