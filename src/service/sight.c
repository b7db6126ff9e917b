/* What a principal sees. */
#include "service/sight.h"

#include <string.h>

#include "service/service_priv.h"
#include "service/session.h"

int sight_ledger(const struct principal *who, enum control_ledger_name ledger, struct err *err)
{
	return ledger == LEDGER_SELF ? principal_require(who, PERMISSION_AUDIT, err) : 0;
}

int sight_whole(const struct principal *who, struct err *err)
{
	if (!who->narrow)
		return 0;
	return err_set(err, E_FORBIDDEN, "this API key sees some events only, and this would tell of all");
}

int sight_query(const struct principal *who, enum control_ledger_name ledger, struct span text, int64_t now_us,
		struct query **ret, struct err *err)
{
	int rc;

	if ((rc = sight_ledger(who, ledger, err)) < 0)
		return rc;
	if ((rc = query_parse(text, now_us, ret, err)) < 0) {
		err_set_field(err, "query", strlen("query"));
		return rc;
	}
	query_narrow(*ret, who->narrow);
	return 0;
}

/* Asks as any search does: so an event is seen by itself exactly when it is found. 1: it is seen. */
static int is_seen(struct service *s, const struct principal *who, enum control_ledger_name ledger, uint64_t index,
		   struct err *err)
{
	struct search_request r = {.query = who->narrow,
				   .from_us = INT64_MIN,
				   .to_us = INT64_MAX,
				   .oldest_first = true,
				   .limit = 1,
				   .size = index + 1,
				   .after = index > 0 ? index - 1 : UINT64_MAX,
				   .total = SEARCH_TOTAL_NONE,
				   .team = s->team};
	struct search_answer answer = SEARCH_ANSWER_INIT;
	struct snapshot *snapshot = NULL;
	int rc;

	if (index >= ledger_size(who->org->ledger[ledger]))
		return 0;
	if ((rc = ledger_snapshot(who->org->ledger[ledger], &snapshot, err)) < 0)
		return rc;
	if ((rc = search_run(snapshot, &r, &answer, err)) == 0)
		rc = answer.count > 0;
	search_answer_release(&answer);
	snapshot_free(snapshot);
	return rc;
}

static int not_found(struct err *err)
{
	return err_set(err, E_NOT_FOUND, "no event of this ledger has this id");
}

int sight_index(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct span id,
		uint64_t *ret, struct err *err)
{
	uint64_t index;
	int rc;

	if ((rc = sight_ledger(who, ledger, err)) < 0)
		return rc;
	if (!ledger_index_of_id(who->org->ledger[ledger], id, &index))
		return not_found(err);
	if (who->narrow && (rc = is_seen(s, who, ledger, index, err)) <= 0)
		return rc == 0 ? not_found(err) : rc;
	*ret = index;
	return 0;
}

bool sight_covers(const struct principal *who, const char *ledger, const char *narrow_text)
{
	if (strcmp(ledger, control_ledger_names[LEDGER_SELF]) == 0 && sight_ledger(who, LEDGER_SELF, NULL) < 0)
		return false;
	return !who->narrow || strcmp(who->narrow_text, narrow_text) == 0;
}

int sight_still(struct service *s, const struct principal *who, enum permission p, enum control_ledger_name ledger,
		struct err *err)
{
	struct principal now = {.caller = who->caller};
	int rc;

	if (who->kind == PRINCIPAL_USER)
		rc = service_session_now(s, who, &now, err);
	else
		rc = service_key_again(s, who, &now, err);
	if (rc < 0)
		return rc;
	if ((rc = principal_require(&now, p, err)) < 0)
		return rc;
	if ((rc = sight_ledger(&now, ledger, err)) < 0)
		return rc;
	if (now.narrow == who->narrow)
		return 0;
	return err_set(err, E_FORBIDDEN, "what this API key may see was changed; ask anew");
}
