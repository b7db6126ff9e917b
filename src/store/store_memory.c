/*
 * The room for raw records. An append is let in while less than HEAD_RAW_BYTES_MAX is taken, whatever its own size, so
 * that the largest batch gets in too; one that is not let in waits here, without a number and without a thread, first
 * come first served. Room comes back when a chunk is encoded, or an append fails.
 */
#include "store/store_priv.h"

void memory__init(struct memory *m)
{
	mutex_init(&m->mutex);
}

void memory__release(struct memory *m)
{
	must(!m->first);
	mutex_release(&m->mutex);
}

bool memory__admit(struct store *s, struct ledger_append *a)
{
	struct memory *m = &s->memory;
	bool may_go;

	mutex_lock(&m->mutex);
	may_go = s->config.no_threads || (m->admitted < s->config.head_raw_bytes_max && !m->first);
	if (may_go) {
		m->admitted += a->bytes;
	} else {
		if (m->last)
			m->last->next = a;
		else
			m->first = a;
		m->last = a;
	}
	mutex_unlock(&m->mutex);
	if (!may_go)
		sealer__check(s);
	return may_go;
}

void memory__add(struct store *s, uint64_t bytes)
{
	mutex_lock(&s->memory.mutex);
	s->memory.admitted += bytes;
	mutex_unlock(&s->memory.mutex);
	atomic_fetch_add(&s->memory.head, bytes);
}

static struct ledger_append *take_waiting_locked(struct store *s)
{
	struct memory *m = &s->memory;
	struct ledger_append *a = m->admitted < s->config.head_raw_bytes_max ? m->first : NULL;

	if (a) {
		m->first = a->next;
		if (!m->first)
			m->last = NULL;
		a->next = NULL;
		m->admitted += a->bytes;
	}
	return a;
}

void memory__give(struct store *s, uint64_t bytes)
{
	struct memory *m = &s->memory;
	struct ledger_append *a;

	mutex_lock(&m->mutex);
	must(bytes <= m->admitted);
	m->admitted -= bytes;
	if (!m->is_letting_in) { /* else that thread, or this one further up its stack, sees the room */
		m->is_letting_in = true;
		while ((a = take_waiting_locked(s))) {
			mutex_unlock(&m->mutex);
			ledger__append_admitted(a);
			mutex_lock(&m->mutex);
		}
		m->is_letting_in = false;
	}
	mutex_unlock(&m->mutex);
}

bool memory__is_over(struct store *s)
{
	bool is_over;

	mutex_lock(&s->memory.mutex);
	is_over = s->memory.admitted >= s->config.head_raw_bytes_max;
	mutex_unlock(&s->memory.mutex);
	return is_over;
}
