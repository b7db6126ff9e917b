/*
 * Watching whether writes are possible. A full disk or a failed sync ends the journal's writer; asking the store once a
 * second lets it start a new one as soon as there is room, without waiting for a client to try. Changes are logged
 * once. The same thread writes down when keys were used last, and tells of refused ones and of what was read of logs,
 * so that no request waits for it.
 */
#include "base/diag.h"
#include "service/key_cache.h"
#include "service/log_reading_priv.h"
#include "service/refusal_priv.h"
#include "service/service_priv.h"

static void look(struct service *s, int *last)
{
	struct err err = ERR_INIT;
	int rc = store_writable(s->store, &err);

	if (rc < 0 && rc != *last)
		diag(DIAG_ERROR, "store", "writes are refused: %s code=%s", err.message, err_wire(rc));
	if (rc == 0 && *last < 0)
		diag(DIAG_INFO, "store", "writes are accepted again");
	*last = rc;
}

static void *watch(void *arg)
{
	struct service *s = arg;
	int last = 0;

	mutex_lock(&s->watch_mu);
	while (!s->is_closing) {
		mutex_unlock(&s->watch_mu);
		look(s, &last);
		service__keys_note_use(s, false);
		refusals__tell(s, false);
		log_readings_tell_due(s);
		mutex_lock(&s->watch_mu);
		if (!s->is_closing)
			(void)cond_wait_for(&s->watch_cond, &s->watch_mu, WATCH_INTERVAL_MS);
	}
	mutex_unlock(&s->watch_mu);
	return NULL;
}

void service__watch_start(struct service *s)
{
	thread_start(&s->watcher, "watch", watch, s);
	s->has_watcher = true;
}

void service__watch_stop(struct service *s)
{
	if (!s->has_watcher)
		return;
	mutex_lock(&s->watch_mu);
	s->is_closing = true;
	cond_broadcast(&s->watch_cond);
	mutex_unlock(&s->watch_mu);
	thread_join(&s->watcher);
	s->has_watcher = false;
}
