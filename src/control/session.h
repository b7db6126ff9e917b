/*
 * Sessions of users who signed in. A session is found by the SHA-256 of its secret, which has 256 random bits and is
 * nowhere stored; its id names it to people. An ended one is never taken again.
 */
#ifndef STELE_CONTROL_SESSION_H
#define STELE_CONTROL_SESSION_H

#include "control/user.h"

struct control_session {
	char id[SESSION_ID_LEN + 1];
	struct sha256 secret_hash;
	char user[USER_ID_LEN + 1];
	char email[USER_EMAIL_MAX + 1]; /* the user's; only read */
	int64_t created_us;
	int64_t seen_us;    /* the last request, within what notes of it are apart */
	int64_t expires_us; /* whatever happens */
	int64_t ended_us;   /* 0: not */
	char ip[SESSION_IP_MAX + 1];
	char user_agent[SESSION_AGENT_MAX + 1];
};

/* Which sessions are alive: not ended, neither expired nor seen last before `idle_since_us`. */
struct session_time {
	int64_t now_us;
	int64_t idle_since_us;
};

/* Stores it as it is; of the user's dead ones drops those that are older than SESSION_KEEP_S or more than
 * SESSIONS_KEPT_MAX, and ends the oldest when more than SESSIONS_USER_MAX live. */
int control_session_create(struct control *c, const struct control_session *x, const struct session_time *t,
			   struct err *err) __attribute__((warn_unused_result));

/* The living one with this secret. E_NOT_FOUND. */
int control_session_find(struct control *c, const struct sha256 *secret_hash, const struct session_time *t,
			 struct control_session *ret, struct err *err) __attribute__((warn_unused_result));

/* A living one of an org by its id. E_NOT_FOUND. */
int control_session_get(struct control *c, int64_t org, const char *id, const struct session_time *t,
			struct control_session *ret, struct err *err) __attribute__((warn_unused_result));

/* The living ones of a user, or of all users of the org when `user` is "", the newest first and at most
 * SESSIONS_LIST_MAX; the caller frees the array. */
int control_session_list(struct control *c, int64_t org, const char *user, const struct session_time *t,
			 struct control_session **ret, size_t *ret_count, struct err *err)
	__attribute__((warn_unused_result));

/* Notes when it was used last. */
int control_session_seen(struct control *c, const char *id, int64_t now_us, struct err *err)
	__attribute__((warn_unused_result));

/* Ends one. E_NOT_FOUND when it has ended already. */
int control_session_end(struct control *c, const char *id, int64_t now_us, struct err *err)
	__attribute__((warn_unused_result));

/* Ends all of a user but the one with the id `but` ("": none). */
int control_session_end_all(struct control *c, const char *user, const char *but, int64_t now_us, struct err *err)
	__attribute__((warn_unused_result));

#endif
