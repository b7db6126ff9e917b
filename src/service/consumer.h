/*
 * Consumers: reading a ledger on from where one stopped, in order of arrival.
 *
 * A read hands out what matches from the position on. With `is_auto` it then moves the position behind what it has
 * handed out, durably, before anything is answered: at most once, and two reads at once never hand out the same.
 * Without, the position stays until it is acknowledged: at least once. A position is never moved over a record that was
 * not looked at.
 *
 * A consumer is its org's, and seen by those who see as much as who made it; the queue of a dialect is one API key's
 * alone. Permissions are the caller's to check, but for the one to read the self ledger.
 */
#ifndef STELE_SERVICE_CONSUMER_H
#define STELE_SERVICE_CONSUMER_H

#include "control/consumer.h"
#include "service/service.h"

/* A consumer, and how far it is behind. */
struct consumer_view {
	struct control_consumer consumer;
	uint64_t size; /* of the ledger */
	uint64_t lag;  /* records not read yet, whether they match or not */
};

void consumer_view_release(struct consumer_view *v);

/* Where to read on; at most one is given. */
struct consumer_place {
	struct span position; /* a number of records */
	struct span from;     /* a time (time_text.h): the first record that is not older */
	struct span after;    /* an event id: the record behind it */
};

struct consumer_params {
	struct span name; /* [A-Za-z0-9._-], 1 to CONSUMER_NAME_MAX */
	enum control_ledger_name ledger;
	struct span query;
	struct consumer_place place; /* nothing: the first record */
};

/* E_INVALID, E_SYNTAX, E_EXISTS, E_TOO_LARGE; err->field names the parameter. */
int service_consumer_create(struct service *s, const struct principal *who, const struct consumer_params *p,
			    struct consumer_view *ret, struct err *err) __attribute__((warn_unused_result));

/* E_NOT_FOUND. */
int service_consumer_get(struct service *s, const struct principal *who, struct span name, struct consumer_view *ret,
			 struct err *err) __attribute__((warn_unused_result));

/* By name; the caller releases each and frees the array. */
int service_consumer_list(struct service *s, const struct principal *who, struct consumer_view **ret, size_t *ret_count,
			  struct err *err) __attribute__((warn_unused_result));

/* `version`: the one it must have, 0 for any. E_NOT_FOUND, E_CHANGED. */
int service_consumer_delete(struct service *s, const struct principal *who, struct span name, int64_t version,
			    struct err *err) __attribute__((warn_unused_result));

/* Moves on to `position`, which was read up to; one that lies before where it is changes nothing. E_NOT_FOUND,
 * E_INVALID (behind the ledger's end). */
int service_consumer_ack(struct service *s, const struct principal *who, struct span name, uint64_t position,
			 struct consumer_view *ret, struct err *err) __attribute__((warn_unused_result));

/* Moves anywhere, and makes the next version. As service_consumer_delete, E_INVALID. */
int service_consumer_seek(struct service *s, const struct principal *who, struct span name, int64_t version,
			  const struct consumer_place *place, struct consumer_view *ret, struct err *err)
	__attribute__((warn_unused_result));

/* ---- reading ---- */

struct consumer_batch {
	const char *name;
	struct page page;  /* in order of arrival */
	uint64_t position; /* where it began */
	uint64_t next;     /* behind what was looked at: what is to be acknowledged */
	uint64_t lag;      /* records behind that */
};

/* Makes the answer of a batch, before its consumer moves; when it fails, nothing is moved. */
typedef int consumer_make_fn(void *user, const struct consumer_batch *batch, struct err *err);

struct consumer_read {
	uint32_t limit; /* 1 … PAGE_MAX */
	bool is_auto;
	consumer_make_fn *make;
	void *user;
};

/* E_NOT_FOUND, E_FORBIDDEN (`is_auto` for a user), E_IO, … When moving fails, the answer that was made is not to be
 * sent. */
int service_consumer_read(struct service *s, const struct principal *who, struct span name,
			  const struct consumer_read *read, struct err *err) __attribute__((warn_unused_result));

/* Reads the queue `name` of the API key that asks, over the main ledger; made when it is not there, with records of the
 * last `back_us`. E_FORBIDDEN for a user. */
int service_queue_read(struct service *s, const struct principal *who, const char *name, int64_t back_us,
		       const struct consumer_read *read, struct err *err) __attribute__((warn_unused_result));

#endif
