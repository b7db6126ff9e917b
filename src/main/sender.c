/* Sending batches. */
#include "main/sender.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <yyjson.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/digest.h"

#define KEY_HEADER_MAX     96
#define CONTENT_HEX_DIGITS 32 /* 128 bits of the SHA-256 */
#define PAUSE_FIRST_MS     100
#define PAUSE_MAX_MS       5000
#define REQUEST_TIMEOUT_MS 120000

struct sender {
	const struct target *target;
	char *path;
	uint32_t retry_ms;
	struct mutex mu; /* guards all below but the threads */
	struct cond changed;
	struct batch *waiting; /* at most one */
	bool is_over;
	int rc; /* of the first batch that failed */
	struct err err;
	struct sender_totals totals;
	unsigned connections;
	struct thread threads[];
};

static void make_key(const struct batch *b, struct digest *digest, char header[KEY_HEADER_MAX])
{
	struct sha256 hash;
	int n;

	digest_sha256(digest, buf_span(&b->text), &hash);
	n = snprintf(header, KEY_HEADER_MAX, "Idempotency-Key: append-%llu-", (unsigned long long)b->off);
	for (int i = 0; i < CONTENT_HEX_DIGITS / 2; i++)
		n += snprintf(header + n, KEY_HEADER_MAX - (size_t)n, "%02x", hash.b[i]);
}

/* What may pass if it is tried again: the key sees to it that nothing is stored twice. */
static bool is_passing(int rc)
{
	return rc == E_UNAVAILABLE || rc == E_TIMEOUT || rc == E_QUOTA || rc == E_IO || rc == E_NO_SPACE ||
	       rc == E_CLOSED;
}

static void pause_ms(uint32_t ms)
{
	const struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&pause, NULL);
}

static int send_batch(struct sender *s, struct http_client *client, const struct batch *b, const char *key,
		      struct http_answer *answer, struct err *err)
{
	const char *const headers[] = {"Content-Type: application/x-ndjson", key, NULL};
	int64_t give_up_ns = clock_mono_ns() + (int64_t)s->retry_ms * 1000000;
	uint32_t wait_ms = PAUSE_FIRST_MS;

	for (;;) {
		struct http_request request = {
			.method = "POST", .body = buf_span(&b->text), .timeout_ms = REQUEST_TIMEOUT_MS};
		int rc;

		request.headers = headers;
		rc = target_run(s->target, client, &request, s->path, answer, err);
		if (!is_passing(rc) || clock_mono_ns() + (int64_t)wait_ms * 1000000 > give_up_ns)
			return rc;
		pause_ms(wait_ms);
		wait_ms = wait_ms * 2 < PAUSE_MAX_MS ? wait_ms * 2 : PAUSE_MAX_MS;
	}
}

static void take_answer(struct sender *s, const struct http_answer *answer)
{
	yyjson_doc *doc = yyjson_read((const char *)answer->body.p, answer->body.len, 0);
	uint64_t accepted = yyjson_get_uint(yyjson_obj_get(yyjson_doc_get_root(doc), "accepted"));
	struct span value;

	yyjson_doc_free(doc);
	mutex_lock(&s->mu);
	s->totals.accepted += accepted;
	s->totals.batches++;
	if (http_answer_header(answer, "Idempotency-Replayed", &value))
		s->totals.replayed += accepted;
	mutex_unlock(&s->mu);
}

static void take_failure(struct sender *s, const struct batch *b, int rc, const struct err *err)
{
	mutex_lock(&s->mu);
	if (s->rc == 0) {
		s->rc = rc;
		s->err = *err;
		if (err->position >= 0)
			(void)err_set(&s->err, rc, "line %llu: %s",
				      (unsigned long long)batch_line_of(b, (uint64_t)err->position), err->message);
	}
	cond_broadcast(&s->changed);
	mutex_unlock(&s->mu);
}

static struct batch *next_batch(struct sender *s)
{
	struct batch *b;

	mutex_lock(&s->mu);
	while (!s->waiting && !s->is_over && s->rc == 0)
		cond_wait(&s->changed, &s->mu);
	b = s->rc == 0 ? s->waiting : NULL;
	if (b)
		s->waiting = NULL;
	cond_broadcast(&s->changed);
	mutex_unlock(&s->mu);
	return b;
}

static void *run(void *arg)
{
	struct sender *s = arg;
	struct http_client *client = http_client_new();
	struct http_answer answer = HTTP_ANSWER_INIT;
	struct digest *digest = digest_new();
	char key[KEY_HEADER_MAX];
	struct batch *b;

	while ((b = next_batch(s))) {
		struct err err = ERR_INIT;
		int rc;

		make_key(b, digest, key);
		rc = send_batch(s, client, b, key, &answer, &err);
		if (rc < 0)
			take_failure(s, b, rc, &err);
		else
			take_answer(s, &answer);
		batch_free(b);
	}
	digest_free(digest);
	http_answer_release(&answer);
	http_client_free(client);
	return NULL;
}

struct sender *sender_start(const struct target *target, const char *format, unsigned connections, uint32_t retry_ms)
{
	struct sender *s = xalloc(sizeof(*s) + connections * sizeof(s->threads[0]));

	s->target = target;
	s->path = xformat("/v1/events?ids=false%s%s", format ? "&format=" : "", format ? format : "");
	s->retry_ms = retry_ms;
	s->connections = connections;
	mutex_init(&s->mu);
	cond_init(&s->changed);
	for (unsigned i = 0; i < connections; i++)
		thread_start(&s->threads[i], "sender", run, s);
	return s;
}

bool sender_submit(struct sender *s, struct batch *b)
{
	bool is_taken;

	mutex_lock(&s->mu);
	while (s->waiting && s->rc == 0)
		cond_wait(&s->changed, &s->mu);
	is_taken = s->rc == 0;
	if (is_taken)
		s->waiting = b;
	cond_broadcast(&s->changed);
	mutex_unlock(&s->mu);
	if (!is_taken)
		batch_free(b);
	return is_taken;
}

struct sender_totals sender_totals(struct sender *s)
{
	struct sender_totals totals;

	mutex_lock(&s->mu);
	totals = s->totals;
	mutex_unlock(&s->mu);
	return totals;
}

int sender_finish(struct sender *s, struct sender_totals *ret, struct err *err)
{
	int rc;

	mutex_lock(&s->mu);
	s->is_over = true;
	cond_broadcast(&s->changed);
	mutex_unlock(&s->mu);
	for (unsigned i = 0; i < s->connections; i++)
		thread_join(&s->threads[i]);
	*ret = s->totals;
	rc = s->rc;
	if (rc < 0 && err)
		*err = s->err;
	batch_free(s->waiting);
	cond_release(&s->changed);
	mutex_release(&s->mu);
	free(s->path);
	free(s);
	return rc;
}
