/* Verification in the background: its life, and what is told of it. */
#include "service/verification.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "service/service_priv.h"
#include "service/verification_priv.h"

/* ---- what is told ---- */

void service_verification_figures(struct service *s, struct verification_figures *ret)
{
	struct verification *v = s->verification;

	mutex_lock(&v->mutex);
	*ret = (struct verification_figures){.state = v->state,
					     .faults = v->faults,
					     .bytes_total = v->bytes_total,
					     .rate_mib = (uint32_t)(v->rate_bytes >> 20)};
	mutex_unlock(&v->mutex);
}

static bool is_of_org(const struct org *org, const char *file)
{
	char prefix[16];

	for (int i = 0; i < LEDGER_NAME_COUNT; i++) {
		snprintf(prefix, sizeof(prefix), "%u/", org->control.ledger[i]);
		if (strncmp(file, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}

int service_verification_faults(struct service *s, const struct principal *who, struct control_fault **ret,
				size_t *ret_count, struct err *err)
{
	bool sees_all = principal_require(who, PERMISSION_OPERATE, NULL) == 0;
	struct control_fault *list;
	size_t count;
	size_t kept = 0;
	int rc = control_fault_list(s->control, &list, &count, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		if (sees_all || is_of_org(who->org, list[i].file))
			list[kept++] = list[i];
	}
	*ret = list;
	*ret_count = kept;
	return 0;
}

int service_sound(struct service *s, struct err *err)
{
	struct verification_figures f;

	service_verification_figures(s, &f);
	if (f.faults == 0)
		return 0;
	return err_set(err, E_CORRUPT, "verification has found %llu faults; GET /v1/verification names them",
		       (unsigned long long)f.faults);
}

int verification__count(struct service *s, struct err *err)
{
	struct control_fault *list;
	size_t count;
	int rc = control_fault_list(s->control, &list, &count, err);

	if (rc < 0)
		return rc;
	free(list);
	mutex_lock(&s->verification->mutex);
	s->verification->faults = count;
	mutex_unlock(&s->verification->mutex);
	return 0;
}

/* ---- the thread ---- */

bool verification__sleep(struct verification *v, int64_t us)
{
	int64_t until_ns = clock_mono_ns() + us * 1000;
	bool is_closing;
	int64_t left_ns;

	mutex_lock(&v->mutex);
	while (!v->is_closing && (left_ns = until_ns - clock_mono_ns()) > 0)
		(void)cond_wait_for(&v->changed, &v->mutex, left_ns / 1000000 + 1);
	is_closing = v->is_closing;
	mutex_unlock(&v->mutex);
	return !is_closing;
}

/* Until the next pass may begin; nothing when one was broken off. A clock that was set back keeps nobody waiting
 * longer than it should. */
static int64_t next_pass_us(struct verification *v)
{
	int64_t wait_us = v->state.finished_began_us + v->every_us - clock_wall_us();

	if (v->state.begun_us != 0 || wait_us < 0)
		return 0;
	return wait_us > v->every_us ? v->every_us : wait_us;
}

static void *run(void *arg)
{
	struct service *s = arg;
	struct verification *v = s->verification;
	int64_t first_us = VERIFY_FIRST_S * INT64_C(1000000);
	int64_t wait_us = first_us < v->every_us ? first_us : v->every_us;

	thread_be_last();
	while (verification__sleep(v, wait_us)) {
		struct err err = ERR_INIT;
		int rc;

		if (next_pass_us(v) > 0) {
			wait_us = next_pass_us(v);
			continue;
		}
		rc = verification__pass(s, &err);
		if (rc < 0 && rc != E_CLOSED)
			diag(DIAG_ERROR, "verify", "the verification could not go on: %s", err.message);
		wait_us = rc < 0 ? VERIFY_RETRY_MS * INT64_C(1000) : next_pass_us(v);
	}
	return NULL;
}

int service__verification_start(struct service *s, const struct service_config *config, struct err *err)
{
	struct verification *v = xalloc(sizeof(*v));
	int rc;

	v->rate_bytes = (uint64_t)(config->verify_rate_mib ? config->verify_rate_mib : VERIFY_RATE_MIB) << 20;
	v->every_us = (int64_t)(config->verify_every_s ? config->verify_every_s : VERIFY_EVERY_S) * 1000000;
	mutex_init(&v->mutex);
	cond_init(&v->changed);
	s->verification = v;
	if ((rc = control_verification_get(s->control, &v->state, err)) < 0)
		return rc;
	if ((rc = verification__count(s, err)) < 0)
		return rc;
	thread_start(&v->thread, "verify", run, s);
	v->has_thread = true;
	return 0;
}

void service__verification_stop(struct service *s)
{
	struct verification *v = s->verification;

	if (!v)
		return;
	mutex_lock(&v->mutex);
	v->is_closing = true;
	cond_broadcast(&v->changed);
	mutex_unlock(&v->mutex);
	if (v->has_thread)
		thread_join(&v->thread);
	cond_release(&v->changed);
	mutex_release(&v->mutex);
	free(v);
	s->verification = NULL;
}
