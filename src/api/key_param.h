/* API keys in requests and answers; what making a key of one's own org and of another share. */
#ifndef STELE_API_KEY_PARAM_H
#define STELE_API_KEY_PARAM_H

#include "api/request.h"
#include "base/buf.h"
#include "service/api_key.h"

#define PARAMS_KEY                                                                                                     \
	(PARAM_BIT(NAME) | PARAM_BIT(ROLE) | PARAM_BIT(QUERY) | PARAM_BIT(NETWORKS) | PARAM_BIT(EXPIRES) |             \
	 PARAM_BIT(REQUEST_RATE) | PARAM_BIT(EVENT_RATE))

/* What a client says of a key, with the numbers it points to. */
struct key_param {
	struct key_change change; /* borrows from the parameters */
	uint32_t request_rate;
	uint32_t event_rate;
};

/* E_INVALID. */
int key_param_take(const struct params *given, struct key_param *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The members of a key: {"client_id":…, but not the '}'. */
void key_put_json(struct buf *to, const struct control_api_key *key);

/* Its secret, as members; for the one answer that has it. */
void key_put_secret_json(struct service *s, const struct control_api_key *key, const struct key_secret *secret,
			 struct buf *to);

/* Answers with a key; `secret` NULL: it stays one, else it is wiped. */
enum handled key_answer(struct request *r, int status, const struct control_api_key *key, struct key_secret *secret);

/* Writes ,"name":["a","b"] of a text with commas between. */
void list_put_json(struct buf *to, const char *name, const char *text);

#endif
