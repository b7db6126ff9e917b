/* The store of a node: opening and closing, its ledgers, its figures. */
#include "store/signed_head_priv.h"
#include "store/store_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/durable.h"
#include "base/mem.h"

#define FILE_MODE       0600
#define TABLE_CAP_FIRST 16u
#define RESUME_NS       1000000000 /* between tries to write again */

/* ---- ledgers by number ---- */

static struct ledger **find_place(struct ledger **table, size_t cap, uint32_t number)
{
	size_t i = (number * 2654435761u) & (cap - 1); /* Knuth's multiplicative hashing */

	while (table[i] && table[i]->number != number)
		i = (i + 1) & (cap - 1);
	return &table[i];
}

static void grow_table_locked(struct store *s)
{
	size_t cap = s->table_cap ? 2 * s->table_cap : TABLE_CAP_FIRST;
	struct ledger **table = xarray(cap, sizeof(struct ledger *));

	for (size_t i = 0; i < s->table_cap; i++) {
		if (s->table[i])
			*find_place(table, cap, s->table[i]->number) = s->table[i];
	}
	free(s->table);
	s->table = table;
	s->table_cap = cap;
}

struct ledger *store__ledger(struct store *s, uint32_t number)
{
	struct ledger **at;
	struct ledger *l;

	mutex_lock(&s->table_mutex);
	if (4 * (s->table_count + 1) > 3 * s->table_cap)
		grow_table_locked(s);
	at = find_place(s->table, s->table_cap, number);
	if (!*at) {
		*at = ledger__new(s, number);
		s->table_count++;
	}
	l = *at;
	mutex_unlock(&s->table_mutex);
	return l;
}

static int compare_ledgers(const void *a, const void *b)
{
	uint32_t x = (*(struct ledger *const *)a)->number;
	uint32_t y = (*(struct ledger *const *)b)->number;

	return (x > y) - (x < y);
}

struct ledger **store__all(struct store *s, size_t *ret_count)
{
	struct ledger **all;
	size_t n = 0;

	mutex_lock(&s->table_mutex);
	all = xarray(s->table_count + 1, sizeof(struct ledger *));
	for (size_t i = 0; i < s->table_cap; i++) {
		if (s->table[i])
			all[n++] = s->table[i];
	}
	mutex_unlock(&s->table_mutex);
	qsort(all, n, sizeof(struct ledger *), compare_ledgers);
	*ret_count = n;
	return all;
}

void store__limit_open(struct store *s)
{
	struct ledger **all;
	size_t count;

	if (atomic_load(&s->open_files) <= SEGMENTS_OPEN_MAX)
		return;
	all = store__all(s, &count);
	for (size_t i = 0; i < count; i++) {
		mutex_lock(&all[i]->mutex);
		if (!all[i]->is_merging && all[i]->opening == 0)
			ledger__close_files_locked(all[i]);
		mutex_unlock(&all[i]->mutex);
	}
	free(all);
}

int store_ledger(struct store *s, uint32_t number, struct ledger **ret, struct err *err)
{
	struct ledger *l = store__ledger(s, number);
	int rc = ledger__need_key(l, err);

	store__limit_open(s);

	if (rc == 0)
		*ret = l;
	return rc;
}

int store_ledgers(struct store *s, uint32_t **ret, size_t *ret_count, struct err *err)
{
	size_t count;
	struct ledger **all = store__all(s, &count);
	uint32_t *numbers = try_array(count + 1, sizeof(*numbers));
	size_t n = 0;

	for (size_t i = 0; i < count && numbers; i++) {
		if (ledger_size(all[i]) > 0)
			numbers[n++] = all[i]->number;
	}
	free(all);
	if (!numbers)
		return err_set(err, E_NO_MEMORY, "there is no memory for the numbers of %zu ledgers", count);
	*ret = numbers;
	*ret_count = n;
	return 0;
}

/* ---- what the ledgers share ---- */

struct tool *store__take_tool(struct store *s)
{
	struct tool *t;

	mutex_lock(&s->tools_mutex);
	t = s->tools;
	if (t)
		s->tools = t->next;
	mutex_unlock(&s->tools_mutex);
	if (!t) {
		t = xalloc(sizeof(*t));
		t->digest = digest_new();
	}
	return t;
}

void store__give_tool(struct store *s, struct tool *t)
{
	mutex_lock(&s->tools_mutex);
	t->next = s->tools;
	s->tools = t;
	mutex_unlock(&s->tools_mutex);
}

void store__note_background(struct store *s, int rc, const struct err *err)
{
	mutex_lock(&s->background.mutex);
	s->background.rc = rc;
	if (rc < 0)
		s->background.err = *err;
	mutex_unlock(&s->background.mutex);
}

int store_background(struct store *s, struct err *err)
{
	int rc;

	mutex_lock(&s->background.mutex);
	rc = s->background.rc;
	if (rc < 0 && err)
		*err = s->background.err;
	mutex_unlock(&s->background.mutex);
	return rc;
}

/* ---- the journal ---- */

uint64_t store__sealed(void *user, uint32_t ledger)
{
	return atomic_load(&store__ledger(user, ledger)->sealed);
}

struct carrying {
	struct journal_write write; /* first: `done` gets it */
	struct mutex mutex;
	struct cond done;
	bool is_done;
	int rc;
};

static void on_carried(struct journal_write *w, int rc)
{
	struct carrying *c = (struct carrying *)w;

	mutex_lock(&c->mutex);
	c->rc = rc;
	c->is_done = true;
	cond_signal(&c->done);
	mutex_unlock(&c->mutex);
}

int store__submit_and_wait(struct store *s, struct journal_write *w, struct err *err)
{
	struct carrying c = {.write = *w};

	mutex_init(&c.mutex);
	cond_init(&c.done);
	c.write.done = on_carried;
	journal_submit(s->journal, &c.write);
	mutex_lock(&c.mutex);
	while (!c.is_done)
		cond_wait(&c.done, &c.mutex);
	mutex_unlock(&c.mutex);
	cond_release(&c.done);
	mutex_release(&c.mutex);
	w->frame.sequence = c.write.frame.sequence;
	if (c.rc < 0 && journal_state(s->journal, err) == 0)
		err_set(err, c.rc, "the journal failed");
	return c.rc;
}

/* The keys of a journal file that goes are written again, as one frame. */
static int carry_keys(struct store *s, uint64_t before, struct err *err)
{
	struct journal_write w = {.frame.kind = JOURNAL_IDEMPOTENCY};
	int64_t now_us = clock_wall_us();
	int rc = 0;

	w.frame.received_us = now_us;
	w.frame.count = idempotency_collect(s->idempotency, before, now_us, &w.payload);
	if (!buf_ok(&w.payload))
		rc = err_set(err, E_NO_MEMORY, "there is no memory to carry over %u idempotency keys", w.frame.count);
	else if (w.frame.count > 0)
		rc = store__submit_and_wait(s, &w, err);
	if (rc == 0)
		idempotency_carried(s->idempotency, before, w.frame.sequence);
	buf_release(&w.payload);
	return rc;
}

static int carry(void *user, uint64_t before, struct err *err)
{
	int rc = carry_keys(user, before, err);

	return rc < 0 ? rc : signed_head__carry(user, before, err);
}

int store__trim(struct store *s, struct err *err)
{
	return journal_trim(s->journal, store__sealed, carry, s, err);
}

static int check_room(struct store *s, struct err *err)
{
	uint64_t free_bytes;
	int rc = s->io->free_bytes(s->io, s->config.folder, &free_bytes);

	if (rc == 0 && free_bytes < 2 * (uint64_t)JOURNAL_FILE_BYTES)
		return err_set(err, E_NO_SPACE, "%s has %llu bytes free; %llu are needed to write again",
			       s->config.folder, (unsigned long long)free_bytes,
			       2 * (unsigned long long)JOURNAL_FILE_BYTES);
	return 0;
}

int store_writable(struct store *s, struct err *err)
{
	int rc = journal_state(s->journal, err);

	if (rc == 0)
		return 0;
	mutex_lock(&s->resume_mutex);
	if (clock_mono_ns() >= s->resume_next_ns) {
		rc = rc == E_NO_SPACE ? check_room(s, err) : 0;
		if (rc == 0)
			rc = journal_resume(s->journal, err);
		s->resume_next_ns = clock_mono_ns() + RESUME_NS;
	}
	mutex_unlock(&s->resume_mutex);
	return rc;
}

/* ---- opening and closing ---- */

static struct store *new_store(const struct store_config *config)
{
	struct store *s = xalloc(sizeof(*s));

	s->config = *config;
	s->config.folder = xstrdup(config->folder);
	s->io = config->io;
	s->block_rows = config->block_rows ? config->block_rows : BLOCK_ROWS_MAX;
	if (!s->config.journal_bytes_max)
		s->config.journal_bytes_max = JOURNAL_BYTES_MAX;
	if (!s->config.head_raw_bytes_max)
		s->config.head_raw_bytes_max = HEAD_RAW_BYTES_MAX;
	must(s->block_rows % MERKLE_GROUP == 0 && s->block_rows <= BLOCK_ROWS_MAX);
	s->lock_fd = -1;
	s->idempotency = idempotency_new(IDEMPOTENCY_KEYS_MAX);
	s->block_cache = block_cache_new(BLOCK_CACHE_BYTES);
	mutex_init(&s->table_mutex);
	mutex_init(&s->tools_mutex);
	mutex_init(&s->background.mutex);
	mutex_init(&s->resume_mutex);
	mutex_init(&s->flight_mutex);
	cond_init(&s->landed);
	memory__init(&s->memory);
	sealer__init(s);
	return s;
}

static void free_ledgers(struct store *s)
{
	for (size_t i = 0; i < s->table_cap; i++)
		ledger__free(s->table[i]);
	free(s->table);
}

static void free_tools(struct store *s)
{
	while (s->tools) {
		struct tool *t = s->tools;

		s->tools = t->next;
		digest_free(t->digest);
		free(t);
	}
}

static struct store *free_store(struct store *s)
{
	free_ledgers(s);
	free_tools(s);
	object_store_close(s->objects);
	idempotency_free(s->idempotency);
	block_cache_free(s->block_cache);
	if (s->lock_fd >= 0)
		(void)s->io->close(s->io, s->lock_fd); /* gives the lock back */
	sealer__release(s);
	memory__release(&s->memory);
	cond_release(&s->landed);
	mutex_release(&s->flight_mutex);
	mutex_release(&s->resume_mutex);
	mutex_release(&s->background.mutex);
	mutex_release(&s->tools_mutex);
	mutex_release(&s->table_mutex);
	free((char *)s->config.folder);
	free(s);
	return NULL;
}

/* Takes the lock of the data folder, which whoever changes anything in it has: E_LOCKED. *ret_fd is open until io's
 * close gives the lock back; after a failure it may be open too, and is negative if it is not. */
static int take_lock(struct io *io, const char *folder, int *ret_fd, struct err *err)
{
	char *path = xformat("%s/lock", folder);
	int rc = *ret_fd = io->open(io, path, O_RDWR | O_CREAT, FILE_MODE);

	if (rc >= 0)
		rc = io->lock(io, *ret_fd);
	if (rc < 0)
		err_set_field(err, path, strlen(path));
	if (rc == -EWOULDBLOCK)
		rc = err_set(err, E_LOCKED, "another process uses %s", folder);
	else if (rc < 0)
		rc = err_errno(err, -rc, "locking %s", path);
	free(path);
	return rc;
}

static int take_group(void *user, const char *name)
{
	size_t len = strlen(name);
	uint64_t number = 0;

	if (len == 0 || len > 10 || strspn(name, "0123456789") != len || (name[0] == '0' && len > 1))
		return 0; /* not ours */
	for (size_t i = 0; i < len; i++)
		number = number * 10 + (uint64_t)(name[i] - '0');
	if (number <= UINT32_MAX)
		(void)store__ledger(user, (uint32_t)number);
	return 0;
}

static int open_segments(struct store *s, struct err *err)
{
	char *folder = xformat("%s/segments", s->config.folder);
	int rc = object_store_open_folder(s->io, folder, &s->objects, err);
	struct ledger **all;
	size_t count;

	free(folder);
	if (rc == 0)
		rc = object_list(s->objects, NULL, take_group, s, err);
	all = store__all(s, &count);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = ledger__load_parts(all[i], err);
	free(all);
	return rc;
}

static int open_journal(struct store *s, struct err *err)
{
	char *folder = xformat("%s/journal", s->config.folder);
	struct key key;
	struct journal_config config = {
		.io = s->io, .folder = folder, .file_bytes = s->config.journal_file_bytes, .key = &key};
	int rc = s->config.key(s->config.user, STORE_NODE, &key, err);

	if (rc == 0)
		rc = store__replay(s, &config, err);
	mem_wipe(&key, sizeof(key));
	free(folder);
	return rc;
}

/* What was read again and fills a chunk is encoded in the background. */
static void queue_all(struct store *s)
{
	size_t count;
	struct ledger **all = store__all(s, &count);

	for (size_t i = 0; i < count; i++) {
		bool has_head;
		bool has_files;

		mutex_lock(&all[i]->mutex);
		has_head = all[i]->chunk_count > 0 || all[i]->part_count > all[i]->file_count;
		has_files = all[i]->file_count >= MERGE_FAN_IN;
		mutex_unlock(&all[i]->mutex);
		if (has_head)
			sealer__queue(s, all[i], SEAL_HEAD);
		if (has_files)
			sealer__queue(s, all[i], SEAL_MERGE);
	}
	free(all);
}

/* A crash may have come between the deletion and the word of it. */
static void tell_pruned(struct store *s)
{
	size_t count;
	struct ledger **all = store__all(s, &count);

	for (size_t i = 0; i < count && s->config.pruned; i++) {
		uint64_t first = ledger_first(all[i]);

		if (first > 0)
			s->config.pruned(s->config.user, all[i]->number, first);
	}
	free(all);
}

int store_open(const struct store_config *config, struct store **ret, struct err *err)
{
	struct store *s = new_store(config);
	int rc = durable_mkdir(s->io, s->config.folder, err);

	if (rc == 0)
		rc = take_lock(s->io, s->config.folder, &s->lock_fd, err);
	if (rc == 0)
		rc = open_segments(s, err);
	if (rc == 0)
		rc = open_journal(s, err);
	if (rc < 0) {
		free_store(s);
		return rc;
	}
	tell_pruned(s);
	sealer__start(s);
	queue_all(s);
	*ret = s;
	return 0;
}

struct store *store_close(struct store *s)
{
	if (!s)
		return NULL;
	mutex_lock(&s->flight_mutex);
	while (s->in_flight > 0)
		cond_wait(&s->landed, &s->flight_mutex);
	mutex_unlock(&s->flight_mutex);
	sealer__stop(s);
	journal_close(s->journal);
	return free_store(s);
}

/* ---- sealing and merging all ---- */

int store_seal(struct store *s, struct err *err)
{
	size_t count;
	struct ledger **all = store__all(s, &count);
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		if (atomic_load(&all[i]->sealed) < ledger_size(all[i]))
			rc = ledger_seal(all[i], err);
		sealer__queue(s, all[i], SEAL_MERGE);
	}
	free(all);
	if (rc == 0)
		rc = journal_rotate(s->journal, err);
	return rc < 0 ? rc : store__trim(s, err);
}

void store_node_id(const struct store *s, uint8_t to[STORE_NODE_ID_LEN])
{
	memcpy(to, journal_node_id(s->journal), STORE_NODE_ID_LEN);
}

int store_merge(struct store *s, struct err *err)
{
	size_t count;
	struct ledger **all = store__all(s, &count);
	int rc = 0;

	for (size_t i = 0; i < count && rc >= 0; i++) {
		do {
			rc = ledger__merge_one(all[i], err);
		} while (rc > 0);
	}
	free(all);
	return rc < 0 ? rc : 0;
}

/* ---- figures ---- */

static void add_ledger(struct ledger *l, struct store_figures *f)
{
	mutex_lock(&l->mutex);
	for (size_t i = 0; i < l->file_count; i++)
		f->segment_bytes += l->parts[i].bytes;
	f->segment_count += l->file_count;
	f->head_records += l->size - atomic_load(&l->sealed);
	mutex_unlock(&l->mutex);
}

void store_figures(struct store *s, struct store_figures *ret)
{
	struct store_figures f = {
		.journal_bytes = journal_bytes(s->journal),
		.head_bytes = atomic_load(&s->memory.head) + atomic_load(&s->image_bytes),
		.records = atomic_load(&s->records),
		.commits = journal_commits(s->journal),
		.seals = atomic_load(&s->seals),
		.merges = atomic_load(&s->merges),
		.damaged = atomic_load(&s->damaged),
		.pruned = atomic_load(&s->pruned),
	};
	struct block_cache_figures blocks;
	size_t count;
	struct ledger **all = store__all(s, &count);

	block_cache_figures(s->block_cache, &blocks);
	f.block_hits = blocks.hits;
	f.block_misses = blocks.misses;
	f.block_bytes = blocks.bytes;
	for (size_t i = 0; i < count; i++)
		add_ledger(all[i], &f);
	free(all);
	*ret = f;
}
