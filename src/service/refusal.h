/*
 * Refused credentials, as the org whose key was named sees them in its self ledger: `key.refused`, `token.refused`. Who
 * guesses must not be able to fill the disk, so that they are counted, and one event tells of many: one a minute for a
 * client id, an action and an address at the most.
 *
 * Secrets of keys are compared first: who has the right one is never held up by others' wrong ones.
 */
#ifndef STELE_SERVICE_REFUSAL_H
#define STELE_SERVICE_REFUSAL_H

#include "service/guess.h"
#include "service/service.h"

/* A wrong secret was presented. Notes it for the org of the key `client_id`; what names no key is not noted. When it is
 * one too many (guess.h), `err` becomes E_QUOTA; returns its code, E_UNAUTHORIZED otherwise. Never waits for the
 * ledger: events are written within WATCH_INTERVAL_MS by the thread that watches. */
int service_refuse(struct service *s, enum guess_kind kind, struct span client_id, const struct caller *from,
		   struct err *err) __attribute__((warn_unused_result));

#endif
