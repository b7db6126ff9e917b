/*
 * What a principal sees: of their org's ledgers main, and self with the permission self:read; and there only what their
 * key is narrowed to. Every function that reads records for a principal asks here, so that there is one place that says
 * what is seen. What is not seen is as if it were not there.
 */
#ifndef STELE_SERVICE_SIGHT_H
#define STELE_SERVICE_SIGHT_H

#include "service/service.h"

/* E_FORBIDDEN. */
int sight_ledger(const struct principal *who, enum control_ledger_name ledger, struct err *err)
	__attribute__((warn_unused_result));

/* E_FORBIDDEN for a narrowed key: for what cannot be narrowed. */
int sight_whole(const struct principal *who, struct err *err) __attribute__((warn_unused_result));

/* The query of a client, as query_parse has it, narrowed to what they see; err->field is "query". E_FORBIDDEN. */
int sight_query(const struct principal *who, enum control_ledger_name ledger, struct span text, int64_t now_us,
		struct query **ret, struct err *err) __attribute__((warn_unused_result));

/* The number of the record with this event id. E_NOT_FOUND, also when they do not see it; E_FORBIDDEN; E_IO, … */
int sight_index(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct span id,
		uint64_t *ret, struct err *err) __attribute__((warn_unused_result));

/* Whether they see what was made for a principal narrowed to `narrow_text`, of a ledger. */
bool sight_covers(const struct principal *who, const char *ledger, const char *narrow_text);

/* For who is given more and more of a ledger: E_UNAUTHORIZED, E_FORBIDDEN when their key, or the session and role of a
 * user, does not allow any more what it did. */
int sight_still(struct service *s, const struct principal *who, enum permission p, enum control_ledger_name ledger,
		struct err *err) __attribute__((warn_unused_result));

#endif
