/*
 * Who signs when. A pass collects what is to be signed, and then takes these steps for all of it together:
 *
 *	prove ── sign ── state folder (durable) ── journal (durable) ── publish
 *
 * A crash between any two leaves heads that nobody has seen, which the next tree extends as well. That is why the heads
 * may be found in the state folder or the journal and never have been published, and not the other way round.
 */
#include "service/log_signer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "service/limits.h"
#include "service/log_signer_priv.h"

/* ---- logs by number ---- */

static size_t place_of_locked(const struct log_signer *s, uint32_t number)
{
	size_t low = 0;
	size_t high = s->log_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->logs[mid]->number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct log *find_locked(const struct log_signer *s, uint32_t number)
{
	size_t at = place_of_locked(s, number);

	return at < s->log_count && s->logs[at]->number == number ? s->logs[at] : NULL;
}

static struct log *free_log(struct log *log)
{
	note_signer_free(log->signer);
	free(log->frontier);
	buf_release(&log->note);
	free(log);
	return NULL;
}

static int new_log(struct log_signer *s, uint32_t number, struct log **ret, struct err *err)
{
	struct log *log = xalloc(sizeof(*log));
	struct control_ledger whose;
	int rc = control_ledger_get(s->config.control, number, &whose, err);

	if (rc == 0)
		rc = store_ledger(s->config.store, number, &log->ledger, err);
	if (rc < 0) {
		free_log(log);
		return rc;
	}
	log->number = number;
	snprintf(log->label, sizeof(log->label), "%s/%s", whose.org_key, whose.name);
	snprintf(log->origin, sizeof(log->origin), "%s/log/%s", s->host, log->label);
	*ret = log;
	return 0;
}

/* The log of a ledger, made when it is first asked for. */
static int get_log(struct log_signer *s, uint32_t number, struct log **ret, struct err *err)
{
	struct log *made = NULL;
	struct log *log;
	size_t at;
	int rc;

	mutex_lock(&s->mu);
	log = find_locked(s, number);
	mutex_unlock(&s->mu);
	if (!log && (rc = new_log(s, number, &made, err)) < 0)
		return rc;
	mutex_lock(&s->mu);
	if (made && !find_locked(s, number)) {
		at = place_of_locked(s, number);
		s->logs = xrealloc(s->logs, (s->log_count + 1) * sizeof(struct log *));
		memmove(&s->logs[at + 1], &s->logs[at], (s->log_count - at) * sizeof(struct log *));
		s->logs[at] = made;
		s->log_count++;
		made = NULL;
	}
	*ret = find_locked(s, number);
	mutex_unlock(&s->mu);
	if (made)
		free_log(made);
	return 0;
}

/* ---- what happened to a log ---- */

/* Keeps why a log is not signed; says so once. rc 0: nothing is wrong with it. */
static void note_result(struct log_signer *s, struct log *log, int rc, const struct err *err)
{
	bool is_new;

	mutex_lock(&s->mu);
	is_new = rc != log->rc;
	log->rc = rc;
	if (rc < 0)
		log->err = *err;
	if (rc == E_CONFLICT) {
		log->is_refused = true;
		atomic_store(&s->has_refused, true);
		cond_broadcast(&s->changed);
	}
	mutex_unlock(&s->mu);
	if (rc < 0 && is_new)
		diag(DIAG_ERROR, "log", "%s is not signed: %s code=%s", log->label, err->message, err_wire(rc));
	if (rc == 0 && is_new)
		diag(DIAG_INFO, "log", "%s is signed again", log->label);
}

static void note_growth(struct log_signer *s, struct log *log)
{
	mutex_lock(&s->mu);
	if (log->unsigned_since_ns == 0)
		log->unsigned_since_ns = clock_mono_ns();
	mutex_unlock(&s->mu);
}

/* ---- one log; with `pass` held ---- */

/* Whether the note carries a signature by the key in use. */
static bool is_by_key(const struct log *log, struct span bytes)
{
	const struct note_vkey *vkey = note_signer_vkey(log->signer);
	struct note n;

	if (note_parse(bytes, &n, NULL) < 0)
		return false;
	for (size_t i = 0; i < n.signature_count; i++) {
		if (n.signature[i].id == vkey->id && span_eq_str(n.signature[i].name, vkey->name))
			return true;
	}
	return false;
}

/* Whether the state folder knows of nothing later than the head, nor of another one. */
static bool is_latest(const struct log_signer *s, const struct log *log)
{
	const struct head_state_entry *state = s->state ? head_state_get(s->state, log->number) : NULL;

	if (!state || state->size < log->head.size)
		return true;
	return state->size == log->head.size && memcmp(&state->root, &log->head.root, sizeof(state->root)) == 0;
}

/* Reads what was signed before. */
static int load(struct log_signer *s, struct log *log, struct err *err)
{
	struct signed_head head;
	struct buf note = BUF_INIT;
	int rc;

	if (log->is_loaded)
		return 0;
	rc = ledger_signed_head(log->ledger, &head, &note, err);
	if (rc < 0) {
		buf_release(&note);
		return rc;
	}
	mutex_lock(&s->mu);
	log->has_head = rc > 0;
	if (rc > 0) {
		log->head = head;
		log->note = note;
	}
	log->is_loaded = true;
	mutex_unlock(&s->mu);
	return 0;
}

/* What is there and what it needs to be signed. */
static int ready(struct log_signer *s, struct log *log, struct err *err)
{
	int rc = load(s, log, err);

	if (rc == 0)
		rc = log__need_key(s, log, err);
	if (rc < 0)
		return rc;
	mutex_lock(&s->mu);
	log->is_published = log->has_head && is_latest(s, log) && is_by_key(log, buf_span(&log->note));
	mutex_unlock(&s->mu);
	return 0;
}

/* The text of a checkpoint of the tree, and the line of the key in use. */
static int sign(struct log_signer *s, struct log *log, struct log_pending *p, struct err *err)
{
	struct checkpoint c = {.origin = span_str(log->origin), .size = p->tree.size};
	struct buf text = BUF_INIT;
	int rc;

	merkle_root(&p->tree, s->digest, &c.root);
	checkpoint_put(&text, &c);
	rc = note_begin(&p->note, buf_span(&text), err);
	if (rc == 0)
		note_sign(log->signer, buf_span(&text), &p->note);
	if (rc == 0 && (!buf_ok(&text) || !buf_ok(&p->note)))
		rc = err_set(err, E_NO_MEMORY, "there is no memory for a checkpoint");
	buf_release(&text);
	p->log = log;
	p->head = (struct signed_head){.size = c.size, .root = c.root, .signed_us = clock_wall_us()};
	if (log->has_head && p->head.signed_us <= log->head.signed_us)
		p->head.signed_us = log->head.signed_us + 1; /* of two heads of one size the later one holds */
	return rc;
}

/* Proves and signs the tree as it is now. */
static int prepare(struct log_signer *s, struct log *log, struct log_pending *ret, struct err *err)
{
	int rc = ledger_frontier(log->ledger, &ret->tree, err);

	if (rc == 0)
		rc = log__check(s, log, &ret->tree, err);
	return rc < 0 ? rc : sign(s, log, ret, err);
}

/* Prepares the log when there is something to sign: 1, else 0. */
static int visit(struct log_signer *s, struct log *log, bool also_empty, struct log_pending *ret, struct err *err)
{
	uint64_t size = ledger_size(log->ledger);
	int rc;

	if (log->is_refused) {
		*err = log->err;
		return log->rc;
	}
	if (log->is_published && log->head.size == size)
		return 0;
	if (size > 0 && !(log->has_head && log->head.size == size))
		note_growth(s, log);
	if ((rc = ready(s, log, err)) < 0)
		return rc;
	if ((log->is_published && log->head.size == size) || (size == 0 && !log->has_head && !also_empty))
		return 0;
	rc = prepare(s, log, ret, err);
	return rc < 0 ? rc : 1;
}

/* ---- making heads durable and known; with `pass` held ---- */

static int keep_state(struct log_signer *s, const struct log_pending *v, size_t count, struct err *err)
{
	if (!s->state)
		return 0;
	for (size_t i = 0; i < count; i++) {
		struct head_state_entry entry = {v[i].log->number, v[i].head.size, v[i].head.root};

		head_state_set(s->state, &entry);
	}
	return head_state_write(s->state, err);
}

static int keep_heads(struct log_signer *s, const struct log_pending *v, size_t count, struct err *err)
{
	struct store_head *heads = xarray(count, sizeof(*heads));
	int rc;

	for (size_t i = 0; i < count; i++) {
		heads[i] = (struct store_head){v[i].log->ledger, v[i].head};
		heads[i].head.note = buf_span(&v[i].note);
	}
	rc = store_put_heads(s->config.store, heads, count, err);
	free(heads);
	return rc;
}

static void publish(struct log_signer *s, struct log_pending *v, size_t count)
{
	mutex_lock(&s->mu);
	for (size_t i = 0; i < count; i++) {
		struct log *log = v[i].log;
		struct buf old = log->note;

		log->head = v[i].head;
		log->note = v[i].note;
		log->has_head = true;
		log->is_published = true;
		log->unsigned_since_ns = 0;
		v[i].note = old;
		if (!log->frontier)
			log->frontier = xalloc(sizeof(*log->frontier));
		*log->frontier = v[i].tree;
	}
	s->checkpoints += count;
	cond_broadcast(&s->changed);
	mutex_unlock(&s->mu);
}

static int commit(struct log_signer *s, struct log_pending *v, size_t count, struct err *err)
{
	int rc;

	if (count == 0)
		return 0;
	if ((rc = keep_state(s, v, count, err)) == 0)
		rc = keep_heads(s, v, count, err);
	if (rc == 0) /* from here it happened */
		publish(s, v, count);
	for (size_t i = 0; i < count; i++)
		note_result(s, v[i].log, rc, err);
	return rc;
}

static void release(struct log_pending *v, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_release(&v[i].note);
	free(v);
}

/* Signs what of these ledgers is to be signed. */
static int sign_all_locked(struct log_signer *s, const uint32_t *numbers, size_t count, bool also_empty,
			   struct err *err)
{
	struct log_pending *v = xarray(count + 1, sizeof(*v));
	struct err why = ERR_INIT;
	int first = 0;
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < count; i++) {
		struct log *log = NULL;

		rc = get_log(s, numbers[i], &log, &why);
		if (rc == 0) {
			rc = visit(s, log, also_empty, &v[n], &why);
			if (rc < 0)
				note_result(s, log, rc, &why);
		}
		if (rc > 0)
			n++;
		else
			buf_reset(&v[n].note);
		if (rc < 0 && first == 0) {
			first = rc;
			if (err)
				*err = why;
		}
	}
	rc = commit(s, v, n, &why);
	if (rc < 0 && first == 0) {
		first = rc;
		if (err)
			*err = why;
	}
	release(v, count + 1);
	return first;
}

int log_signer_pass(struct log_signer *s, struct err *err)
{
	uint32_t *numbers = NULL;
	size_t count = 0;
	int rc = store_ledgers(s->config.store, &numbers, &count, err);

	if (rc < 0)
		return rc;
	mutex_lock(&s->pass);
	rc = sign_all_locked(s, numbers, count, false, err);
	mutex_unlock(&s->pass);
	free(numbers);
	return rc;
}

/* ---- for everybody ---- */

/* The checkpoint of a log that is published, appended; false when there is none. */
static bool take_published(struct log_signer *s, struct log *log, struct buf *to, uint64_t *ret_size)
{
	bool is_there;

	mutex_lock(&s->mu);
	is_there = log->is_published && !log->is_refused;
	if (is_there) {
		buf_put_span(to, buf_span(&log->note));
		*ret_size = log->head.size;
	}
	mutex_unlock(&s->mu);
	return is_there;
}

int log_signer_checkpoint(struct log_signer *s, uint32_t ledger, struct buf *to, uint64_t *ret_size, struct err *err)
{
	struct log *log;
	int rc = get_log(s, ledger, &log, err);

	if (rc < 0)
		return rc;
	if (!take_published(s, log, to, ret_size)) {
		mutex_lock(&s->pass);
		rc = sign_all_locked(s, &ledger, 1, true, err);
		mutex_unlock(&s->pass);
		if (rc < 0)
			return rc;
		if (!take_published(s, log, to, ret_size))
			return err_set(err, E_UNAVAILABLE, "the ledger %s has no checkpoint yet", log->label);
	}
	return buf_ok(to) ? 0 : err_set(err, E_NO_MEMORY, "there is no memory for a checkpoint");
}

int log_signer_wait(struct log_signer *s, uint32_t ledger, uint64_t size, int64_t timeout_ms, struct err *err)
{
	int64_t until_ns = clock_mono_ns() + timeout_ms * 1000000;
	struct log *log;
	int64_t left_ms;
	int rc = get_log(s, ledger, &log, err);

	if (rc < 0)
		return rc;
	mutex_lock(&s->mu);
	while (!log->is_refused && !(log->is_published && log->head.size >= size) &&
	       (left_ms = (until_ns - clock_mono_ns()) / 1000000) > 0)
		(void)cond_wait_for(&s->changed, &s->mu, left_ms);
	if (log->is_published && log->head.size >= size) {
		rc = 0;
	} else if (log->is_refused) {
		rc = log->rc;
		if (err)
			*err = log->err;
	} else {
		rc = err_set(err, E_TIMEOUT, "the ledger %s was not signed in time; ask again", log->label);
	}
	mutex_unlock(&s->mu);
	return rc;
}

int log_signer_refusal(struct log_signer *s, uint32_t ledger, struct err *err)
{
	struct log *log;
	int rc = 0;

	if (!atomic_load(&s->has_refused))
		return 0;
	mutex_lock(&s->mu);
	log = find_locked(s, ledger);
	if (log && log->is_refused) {
		rc = log->rc;
		if (err)
			*err = log->err;
	}
	mutex_unlock(&s->mu);
	return rc;
}

int log_signer_ready(struct log_signer *s, struct err *err)
{
	int rc = 0;

	if (!atomic_load(&s->has_refused))
		return 0;
	mutex_lock(&s->mu);
	for (size_t i = 0; i < s->log_count && rc == 0; i++) {
		if (s->logs[i]->is_refused) {
			rc = s->logs[i]->rc;
			if (err)
				*err = s->logs[i]->err;
		}
	}
	mutex_unlock(&s->mu);
	return rc;
}

int log_signer_keys(struct log_signer *s, uint32_t ledger, struct log_key **ret, size_t *ret_count, struct err *err)
{
	struct log *log;
	int rc = get_log(s, ledger, &log, err);

	if (rc < 0)
		return rc;
	mutex_lock(&s->pass);
	rc = log__need_key(s, log, err);
	mutex_unlock(&s->pass);
	return rc < 0 ? rc : log__list_keys(s, ledger, ret, ret_count, err);
}

/* ---- a change of keys; with `pass` held ---- */

struct rotation {
	log_rotate_fn *tell;
	void *user;
	bool is_changed;
};

/* The old key's note gets the line of the new one too. */
static int sign_also(struct note_signer *next, struct buf *note, struct err *err)
{
	struct note n;
	int rc = note_parse(buf_span(note), &n, err);

	if (rc == 0)
		note_sign(next, n.text, note);
	if (rc == 0 && !buf_ok(note))
		rc = err_set(err, E_NO_MEMORY, "there is no memory for a checkpoint");
	return rc;
}

/* A key that both sign for, that was told of, and that is stored as the one in use. */
static int make_next(struct log_signer *s, struct log *log, const struct rotation *r, struct log_pending *p,
		     struct note_signer **ret, struct err *err)
{
	struct note_signer *next = NULL;
	struct key seed;
	int rc = log__new_key(log, &next, &seed, err);

	if (rc == 0)
		rc = sign_also(next, &p->note, err);
	if (rc == 0 && r->tell)
		rc = r->tell(r->user, note_signer_vkey(log->signer), note_signer_vkey(next), err);
	if (rc == 0)
		rc = log__store_key(s, log, next, &seed, buf_span(&p->note), err);
	mem_wipe(&seed, sizeof(seed));
	if (rc == 0)
		*ret = next;
	else
		note_signer_free(next);
	return rc;
}

/* Signs by both keys, and then puts the new one in the old one's place. */
static int change_key(struct log_signer *s, struct log *log, struct rotation *r, struct log_pending *p, struct err *err)
{
	struct note_signer *old, *next = NULL;
	int rc;

	if (log->is_refused) {
		*err = log->err;
		return log->rc;
	}
	if ((rc = ready(s, log, err)) < 0 || (rc = prepare(s, log, p, err)) < 0)
		return rc;
	if ((rc = make_next(s, log, r, p, &next, err)) < 0)
		return rc;
	old = log->signer;
	mutex_lock(&s->mu);
	log->signer = next;
	log->is_published = false; /* until the next line of commit has come true */
	mutex_unlock(&s->mu);
	note_signer_free(old);
	r->is_changed = true;
	return commit(s, p, 1, err);
}

int log_signer_rotate(struct log_signer *s, uint32_t ledger, log_rotate_fn *tell, void *user, bool *ret_is_changed,
		      struct err *err)
{
	struct rotation r = {tell, user, false};
	struct log_pending p = {0};
	struct err why = ERR_INIT;
	struct log *log;
	int rc = get_log(s, ledger, &log, err);

	*ret_is_changed = false;
	if (rc < 0)
		return rc;
	mutex_lock(&s->pass);
	rc = change_key(s, log, &r, &p, &why);
	mutex_unlock(&s->pass);
	*ret_is_changed = r.is_changed;
	buf_release(&p.note);
	if (rc < 0 && err)
		*err = why;
	return rc;
}

void log_signer_figures(struct log_signer *s, struct log_figures *ret)
{
	struct log_figures f = {0};
	int64_t now_ns = clock_mono_ns();

	mutex_lock(&s->mu);
	f.checkpoints = s->checkpoints;
	for (size_t i = 0; i < s->log_count; i++) {
		const struct log *log = s->logs[i];
		double seconds = log->unsigned_since_ns ? (double)(now_ns - log->unsigned_since_ns) / 1e9 : 0;

		f.logs += log->has_head;
		f.refused += log->is_refused;
		f.unsigned_logs += log->unsigned_since_ns != 0;
		if (seconds > f.unsigned_seconds)
			f.unsigned_seconds = seconds;
	}
	mutex_unlock(&s->mu);
	*ret = f;
}

/* ---- start and stop ---- */

static void *run(void *arg)
{
	struct log_signer *s = arg;
	struct err err = ERR_INIT;

	mutex_lock(&s->mu);
	while (!s->is_closing) {
		mutex_unlock(&s->mu);
		if (log_signer_pass(s, &err) < 0) /* is in the diagnostic log, once, and tried again */
			diag(DIAG_DEBUG, "log", "pass: %s", err.message);
		mutex_lock(&s->mu);
		if (!s->is_closing)
			(void)cond_wait_for(&s->wake, &s->mu, SIGN_INTERVAL_MS);
	}
	mutex_unlock(&s->mu);
	return NULL;
}

/* Looks at one ledger's size before anything is served or taken in. */
static int look_at(struct log_signer *s, uint32_t number, struct err *err)
{
	struct err why = ERR_INIT;
	struct log *log;
	int rc = get_log(s, number, &log, err);

	if (rc == E_NOT_FOUND)
		return err_set(err, E_CONFLICT,
			       "the state folder %s has a signed head of ledger %u, which this data folder does not "
			       "have: it is an old copy",
			       s->config.state ? s->config.state : "", (unsigned)number);
	if (rc < 0)
		return rc;
	if ((rc = load(s, log, err)) < 0)
		return rc;
	if (log__check_size(s, log, &why) < 0)
		note_result(s, log, E_CONFLICT, &why);
	return 0;
}

static int look_at_all(struct log_signer *s, struct err *err)
{
	const struct head_state_entry *entries = NULL;
	uint32_t *numbers = NULL;
	size_t count = 0, entry_count = 0;
	int rc = store_ledgers(s->config.store, &numbers, &count, err);

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = look_at(s, numbers[i], err);
	free(numbers);
	if (s->state)
		entries = head_state_entries(s->state, &entry_count);
	for (size_t i = 0; i < entry_count && rc == 0; i++)
		rc = look_at(s, entries[i].ledger, err);
	return rc;
}

static int check_host(const char *host, struct err *err)
{
	char *name = xformat("%s/log/", host);
	bool is_good = host[0] != '\0' && strlen(host) <= LOG_HOST_MAX && note_name_is_valid(span_str(name));

	free(name);
	if (is_good)
		return 0;
	err_set_field(err, "log-host", strlen("log-host"));
	return err_set(err, E_INVALID, "the host of a log's name has 1 to %u bytes without blanks and '+'",
		       LOG_HOST_MAX);
}

static int open_state(struct log_signer *s, struct err *err)
{
	uint8_t node_id[STORE_NODE_ID_LEN];

	if (!s->config.state)
		return 0;
	store_node_id(s->config.store, node_id);
	return head_state_open(s->config.io, s->config.state, node_id, &s->state, err);
}

int log_signer_start(const struct log_signer_config *config, struct log_signer **ret, struct err *err)
{
	struct log_signer *s;
	int rc = check_host(config->host, err);

	if (rc < 0)
		return rc;
	s = xalloc(sizeof(*s));
	s->config = *config;
	s->host = xstrdup(config->host);
	s->digest = digest_new();
	mutex_init(&s->pass);
	mutex_init(&s->mu);
	cond_init(&s->changed);
	cond_init(&s->wake);
	if ((rc = open_state(s, err)) == 0)
		rc = look_at_all(s, err);
	if (rc < 0) {
		log_signer_stop(s);
		return rc;
	}
	if (!config->no_thread) {
		thread_start(&s->thread, "log signer", run, s);
		s->has_thread = true;
	}
	*ret = s;
	return 0;
}

struct log_signer *log_signer_stop(struct log_signer *s)
{
	if (!s)
		return NULL;
	mutex_lock(&s->mu);
	s->is_closing = true;
	cond_broadcast(&s->wake);
	mutex_unlock(&s->mu);
	if (s->has_thread)
		thread_join(&s->thread);
	for (size_t i = 0; i < s->log_count; i++)
		free_log(s->logs[i]);
	free(s->logs);
	head_state_close(s->state);
	cond_release(&s->wake);
	cond_release(&s->changed);
	mutex_release(&s->mu);
	mutex_release(&s->pass);
	digest_free(s->digest);
	free(s->host);
	free(s);
	return NULL;
}
