/* Changes that are told of before they are made. */
#include "service/act.h"

#include "base/diag.h"
#include "service/service_priv.h"

static int apply(struct service *s, const struct principal *who, const struct act *a, bool commits, struct err *err)
{
	int rc = control_begin(s->control, err);

	if (rc < 0)
		return rc;
	rc = a->apply(s, who, a->user, err);
	if (rc == 0 && commits)
		return control_commit(s->control, err);
	control_rollback(s->control);
	return rc;
}

static int tell(struct service *s, const struct principal *who, const struct act *a, struct err *err)
{
	struct buf event = BUF_INIT;
	int rc;

	a->put_event(who, a->user, &event);
	rc = buf_ok(&event) ? service_self_append(s, who->org, buf_span(&event), err)
			    : err_set(err, E_NO_MEMORY, "not enough memory for an event");
	if (rc == 0 && a->also)
		rc = service_self_append(s, a->also, buf_span(&event), err);
	buf_release(&event);
	return rc;
}

/* The event told of a change that then failed, or was not told of everywhere. */
static void take_back(struct service *s, const struct principal *who, const struct act *a, const struct err *why)
{
	struct buf event = BUF_INIT;
	struct err err = ERR_INIT;

	self_event_begin(&event, "change.failed", who);
	buf_put_str(&event, ",\"description\":\"the change told of before this was not made\"}");
	if (!buf_ok(&event) || service_self_append(s, who->org, buf_span(&event), &err) < 0 ||
	    (a->also && service_self_append(s, a->also, buf_span(&event), &err) < 0))
		diag(DIAG_ERROR, "service", "a change was told of and not made: %s", why->message);
	buf_release(&event);
}

int service__act(struct service *s, const struct principal *who, const struct act *a, struct err *err)
{
	struct err why = ERR_INIT;
	int rc;

	mutex_lock(&s->act_mu);
	if ((rc = apply(s, who, a, false, &why)) < 0)
		goto out;
	if ((rc = tell(s, who, a, &why)) < 0) {
		if (a->also)
			take_back(s, who, a, &why);
		goto out;
	}
	rc = apply(s, who, a, true, &why);
	if (rc < 0)
		take_back(s, who, a, &why);
out:
	mutex_unlock(&s->act_mu);
	if (rc < 0 && err)
		*err = why;
	return rc;
}
