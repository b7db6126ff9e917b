/*
 * Bulk appends. The load generator shares the machine with what it measures, so a body never passes through it: the
 * kernel sends pages of the mapped file straight to the socket, and what is left is some microseconds for each body.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "load.h"

struct bulk {
	const struct load *load;
	const struct corpus_chunk *chunks;
	size_t n_chunks;
	_Atomic size_t next; /* request, over all repetitions */
	atomic_bool has_failed;
};

struct bulk_worker {
	struct bulk *bulk;
	struct thread thread;
	struct latency latency;
	uint64_t events;
	uint64_t bytes;
	int fd;
	int rc;
	struct err err;
};

static int send_chunk(struct bulk_worker *w, const struct corpus_chunk *chunk, struct wire_reply *reply)
{
	const struct load *l = w->bulk->load;
	struct buf head = BUF_INIT;
	int64_t begin_ns = clock_mono_ns();
	int rc;

	wire_put_head(&head, &l->target.address, "POST", TARGET_APPEND_PATH, l->target.key, "application/x-ndjson");
	buf_printf(&head, "Content-Length: %" PRIu64 "\r\n\r\n", chunk->len);
	wire_reply_reset(reply);
	if ((rc = wire_send(w->fd, buf_span(&head), true, &w->err)) < 0)
		goto out;
	if ((rc = wire_send_file(w->fd, l->corpus.fd, chunk->off, chunk->len, &w->err)) < 0)
		goto out;
	if ((rc = wire_receive(w->fd, true, reply, &w->err)) < 0)
		goto out;
	if ((rc = wire_reply_expect(reply, 201, &w->err)) < 0)
		goto out;
	latency_add(&w->latency, clock_mono_ns() - begin_ns);
	w->events += chunk->events;
	w->bytes += chunk->len;
out:
	buf_release(&head);
	return rc;
}

static void *run_worker(void *arg)
{
	struct bulk_worker *w = arg;
	struct bulk *b = w->bulk;
	size_t total = b->n_chunks * b->load->repeat;
	struct wire_reply reply = WIRE_REPLY_INIT;

	while (w->rc == 0 && !atomic_load(&b->has_failed)) {
		size_t i = atomic_fetch_add(&b->next, 1);

		if (i >= total)
			break;
		w->rc = send_chunk(w, &b->chunks[i % b->n_chunks], &reply);
	}
	if (w->rc < 0)
		atomic_store(&b->has_failed, true);
	wire_reply_release(&reply);
	return NULL;
}

/* Threads end by themselves; what they found is added up. */
static int collect(struct bulk_worker *workers, uint32_t count, struct bulk_worker *ret_sum, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct bulk_worker *w = &workers[i];

		thread_join(&w->thread);
		latency_merge(&ret_sum->latency, &w->latency);
		ret_sum->events += w->events;
		ret_sum->bytes += w->bytes;
		if (w->rc < 0 && rc == 0) {
			rc = w->rc;
			*err = w->err;
		}
	}
	return rc;
}

static int connect_all(const struct load *l, struct bulk *b, struct bulk_worker *workers, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < l->connections; i++)
		workers[i] = (struct bulk_worker){.bulk = b, .fd = -1, .err = ERR_INIT};
	for (uint32_t i = 0; i < l->connections && rc == 0; i++)
		rc = wire_connect(&l->target.address, &workers[i].fd, err);
	return rc;
}

int load_bulk(struct load *l, struct report *r, struct err *err)
{
	struct bulk bulk = {.load = l};
	struct bulk_worker *workers = xarray(l->connections, sizeof(*workers));
	struct bulk_worker sum = {.fd = -1};
	struct corpus_chunk *chunks = corpus_cut(&l->corpus, l->body_bytes, &bulk.n_chunks);
	struct load_cost cost;
	int rc;

	bulk.chunks = chunks;
	if ((rc = connect_all(l, &bulk, workers, err)) < 0)
		goto out;
	load_cost_begin(l, &cost);
	for (uint32_t i = 0; i < l->connections; i++)
		thread_start(&workers[i].thread, "bulk", run_worker, &workers[i]);
	if ((rc = collect(workers, l->connections, &sum, err)) < 0)
		goto out;
	if ((rc = load_cost_end(l, &cost, sum.events, sum.bytes, r, err)) < 0)
		goto out;
	report_add_latency(r, "", &sum.latency);
out:
	for (uint32_t i = 0; i < l->connections; i++) {
		latency_release(&workers[i].latency);
		if (workers[i].fd >= 0)
			close(workers[i].fd);
	}
	latency_release(&sum.latency);
	free(workers);
	free(chunks);
	return rc;
}
