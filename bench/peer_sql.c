#include "peer_sql.h"

/* Values are the generator's own: no quote is in any of them. */
static void put_condition(struct buf *to, const struct peer_words *w, const struct question *q)
{
	switch (q->kind) {
	case QUESTION_ACTOR:
	case QUESTION_RARE_ACTOR:
		buf_printf(to, " WHERE %s = '%s'", w->actor_id, q->text);
		break;
	case QUESTION_REQUEST_ID:
		buf_printf(to, " WHERE %s = '%s'", w->request_id, q->text);
		break;
	case QUESTION_PHRASE:
	case QUESTION_PHRASE_NAME:
		buf_put_str(to, " WHERE ");
		w->put_phrase(to, q->text);
		break;
	case QUESTION_THREE_FIELDS:
		buf_printf(to, " WHERE action = '%s' AND %s = '%s' AND %s = 'failure'", event_action(q->action),
			   w->entity_type, event_entity(q->entity), w->outcome_type);
		break;
	case QUESTION_EXPORT:
		buf_printf(to, " WHERE %s = '%s'", w->entity_type, event_entity(q->entity));
		break;
	case QUESTION_REGEX:
		buf_put_str(to, " WHERE ");
		w->put_regex(to, q->text);
		break;
	default:
		break;
	}
}

static void put_order(struct buf *to, const struct question *q)
{
	if (q->kind == QUESTION_BY_ACTION || q->kind == QUESTION_BY_HOUR)
		buf_put_str(to, " GROUP BY 1 ORDER BY 1");
	else if (q->kind == QUESTION_TOP_ACTORS)
		buf_printf(to, " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %u", QUESTION_TOP);
	else if (q->kind == QUESTION_EXPORT)
		buf_put_str(to, " ORDER BY time");
	else if (q->kind == QUESTION_RARE_ACTOR)
		buf_put_str(to, " ORDER BY time DESC");
	else if (question_is_page(q->kind))
		buf_printf(to, " ORDER BY time DESC LIMIT %u", QUESTION_LIMIT);
}

void peer_sql_put(struct buf *to, const struct peer_words *w, const struct question *q)
{
	if (q->kind == QUESTION_BY_ACTION)
		buf_put_str(to, "SELECT action, count(*)");
	else if (q->kind == QUESTION_BY_HOUR)
		buf_printf(to, "SELECT %s, count(*)", w->hour);
	else if (q->kind == QUESTION_TOP_ACTORS)
		buf_printf(to, "SELECT %s, count(*)", w->actor_id);
	else if (q->kind == QUESTION_REGEX)
		buf_put_str(to, "SELECT count(*)");
	else
		buf_printf(to, "SELECT %s", w->record);
	buf_put_str(to, " FROM event");
	put_condition(to, w, q);
	put_order(to, q);
	buf_put_u8(to, 0);
}
