/* Opening and closing, and what is one call into the store. */
#include "service/service.h"

#include "base/durable.h"
#include "base/mem.h"
#include "base/rand.h"
#include "service/catalogue.h"
#include "service/export_queue.h"
#include "service/key_cache.h"
#include "service/log_reading_priv.h"
#include "service/quota.h"
#include "service/rate_table.h"
#include "service/refusal_priv.h"
#include "service/retention.h"
#include "service/service_priv.h"
#include "service/verification.h"

#define US_PER_S INT64_C(1000000)

static int open_parts(struct service *s, const struct service_config *c, bool *ret_is_first, struct err *err)
{
	/* Nothing is merged before retention has said how far. */
	struct store_config config = {.io = s->io,
				      .folder = s->folder,
				      .key = service__ledger_key,
				      .epoch = service__epoch,
				      .epoch_key = service__epoch_key,
				      .pruned = service__pruned,
				      .user = s,
				      .merge_span_us = 1};
	int rc;

	if ((rc = control_open(s->folder, &s->control, err)) < 0)
		return rc;
	if ((rc = service__keys_open(s, c->master_key, KEYS_MAKE, err)) < 0)
		return rc;
	if ((rc = store_open(&config, &s->store, err)) < 0)
		return rc;
	if ((rc = service__keys_check(s, err)) < 0)
		return rc;
	return service__bootstrap(s, c->url, ret_is_first, err);
}

static int start_signer(struct service *s, const struct service_config *config, struct err *err)
{
	struct log_signer_config signer = {
		.io = s->io,
		.store = s->store,
		.control = s->control,
		.key = service__ledger_key,
		.user = s,
		.host = config->log_host ? config->log_host : DEFAULT_LOG_HOST,
		.state = config->state_folder,
	};

	return log_signer_start(&signer, &s->signer, err);
}

int service_open(const struct service_config *config, struct service **ret, bool *ret_is_first, struct err *err)
{
	struct service *s;
	int rc;

	if ((rc = durable_mkdir(config->io, config->folder, err)) < 0)
		return rc;
	s = xalloc(sizeof(*s));
	s->io = config->io;
	s->folder = xstrdup(config->folder);
	s->digest = digest_new();
	s->guesses = guesses_new();
	s->session_idle_us = (config->session_idle_s ? config->session_idle_s : SESSION_IDLE_S) * US_PER_S;
	s->refusals = refusals__new();
	mutex_init(&s->mu);
	mutex_init(&s->act_mu);
	mutex_init(&s->catalogue_mu);
	for (size_t i = 0; i < CONSUMER_LOCKS; i++)
		mutex_init(&s->consumer_mu[i]);
	s->rates = rate_table_new();
	s->address_rates = rate_table_new();
	rand_bytes(&s->rate_seed, sizeof(s->rate_seed));
	s->request_rate = config->request_rate;
	s->event_rate = config->event_rate;
	service__tellings_init(&s->tellings);
	s->log_readings = log_readings_new();
	mutex_init(&s->watch_mu);
	cond_init(&s->watch_cond);
	if ((rc = open_parts(s, config, ret_is_first, err)) < 0) {
		service_close(s);
		return rc;
	}
	if ((rc = start_signer(s, config, err)) < 0) {
		service_close(s);
		return rc;
	}
	s->team = team_start(team_helpers_for_machine());
	if ((rc = export_queue_start(s, config->export_keep_s ? config->export_keep_s : EXPORT_KEEP_S,
				     config->export_bytes_max ? config->export_bytes_max : EXPORT_FILES_BYTES_MAX,
				     &s->exports, err)) < 0) {
		service_close(s);
		return rc;
	}
	if ((rc = service__retention_start(s, err)) < 0) {
		service_close(s);
		return rc;
	}
	if ((rc = service__verification_start(s, config, err)) < 0) {
		service_close(s);
		return rc;
	}
	service__watch_start(s);
	*ret = s;
	return 0;
}

struct service *service_close(struct service *s)
{
	if (!s)
		return NULL;
	export_queue_stop(s->exports);
	service__retention_stop(s);
	service__verification_stop(s);
	service__watch_stop(s);
	if (s->store)
		refusals__tell(s, true);
	team_stop(s->team);
	log_readings_end(s);
	log_signer_stop(s->signer);
	if (s->store)
		store_close(s->store);
	if (s->control)
		service__keys_note_use(s, true);
	rate_table_free(s->rates);
	rate_table_free(s->address_rates);
	log_readings_free(s->log_readings);
	service__tellings_release(&s->tellings);
	service__keys_close(s);
	control_close(s->control);
	service__catalogues_close(s);
	refusals__free(s->refusals);
	service__key_cache_free(s);
	service__org_cache_free(s);
	digest_free(s->digest);
	guesses_free(s->guesses);
	cond_release(&s->watch_cond);
	mutex_release(&s->watch_mu);
	mutex_release(&s->catalogue_mu);
	for (size_t i = 0; i < CONSUMER_LOCKS; i++)
		mutex_release(&s->consumer_mu[i]);
	mutex_release(&s->act_mu);
	mutex_release(&s->mu);
	free(s->folder);
	free(s);
	return NULL;
}

/* What a strict catalogue says of a batch. */
static int check_catalogue(struct service *s, const struct principal *who, const struct record_batch *batch,
			   struct err *err)
{
	struct catalogue *c = NULL;
	int rc = service_catalogue_strict(s, who->org, &c, err);

	for (size_t i = 0; c && rc == 0 && i < batch->count; i++) {
		rc = catalogue_check(c, span_of(batch->bytes.p + batch->refs[i].off, batch->refs[i].len), err);
		if (rc < 0)
			err->position = (int64_t)i;
	}
	catalogue_release(c);
	return rc;
}

void service_append(struct service *s, const struct principal *who, struct ledger_append *a)
{
	struct quota unseen = {0};

	a->rc = quota_events(s, who, a->batch->count, who->caller.quota ? who->caller.quota : &unseen, &a->err);
	if (a->rc < 0) {
		a->done(a);
		return;
	}
	if ((a->rc = check_catalogue(s, who, a->batch, &a->err)) < 0) {
		a->done(a);
		return;
	}
	if (log_signer_refusal(s->signer, who->org->control.ledger[LEDGER_MAIN], &a->err) < 0) {
		a->rc = a->err.code = E_UNAVAILABLE;
		a->done(a);
		return;
	}
	ledger_append(who->org->ledger[LEDGER_MAIN], a);
}

void service_ids(struct service *s, const struct principal *who, uint64_t first, size_t count, uint8_t *to)
{
	(void)s;
	ledger_ids(who->org->ledger[LEDGER_MAIN], first, count, to);
}

int service_seal(struct service *s, struct err *err)
{
	return store_seal(s->store, err);
}

int service_ready(struct service *s, struct err *err)
{
	int rc = store_writable(s->store, err);

	return rc < 0 ? rc : log_signer_ready(s->signer, err);
}

void service_figures(struct service *s, struct store_figures *ret)
{
	store_figures(s->store, ret);
}
