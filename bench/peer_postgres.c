/*
 * PostgreSQL over its local socket: a table with typed columns, the whole event as jsonb, five B-trees; COPY, a commit
 * for each batch. A second way adds a GIN index over the jsonb, which is what finds an event by any of its fields, and
 * one over the trigrams of descriptions, for phrases and regular expressions. Sizes are of the table and its indexes,
 * without the write-ahead log.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "peer.h"
#include "peer_sql.h"

#define LIBPQ           "libpq.so.5"
#define PGRES_BAD_FIRST 5 /* of libpq-fe.h: PGRES_BAD_RESPONSE, then PGRES_NONFATAL_ERROR, PGRES_FATAL_ERROR */
#define PGRES_BAD_LAST  7

/* The part of libpq that is used. */
struct pg_result;
struct postgres_state {
	void *library;
	void *connection;
	void *(*connect)(const char *info);
	int (*status)(const void *connection); /* 0: connected */
	char *(*message)(const void *connection);
	struct pg_result *(*execute)(void *connection, const char *sql);
	int (*result_status)(const struct pg_result *result);
	int (*rows)(const struct pg_result *result);
	char *(*value)(const struct pg_result *result, int row, int column);
	void (*clear)(struct pg_result *result);
	int (*put_data)(void *connection, const char *p, int len); /* 1: done */
	int (*put_end)(void *connection, const char *error);
	int (*get_data)(void *connection, char **ret, int is_async); /* its length; -1: no more */
	void (*free)(void *p);
	struct pg_result *(*next_result)(void *connection);
	void (*finish)(void *connection);
};

static const char schema[] =
	"CREATE TABLE event (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, time timestamptz NOT NULL,"
	" actor_id text, action text, entity_type text, entity_id text, outcome_type text, request_id text,"
	" description text, doc jsonb NOT NULL);"
	"CREATE INDEX ON event (time);"
	"CREATE INDEX ON event (actor_id, time);"
	"CREATE INDEX ON event (action, time);"
	"CREATE INDEX ON event (entity_type, entity_id, time);"
	"CREATE INDEX ON event (request_id);";

static int bind_library(struct postgres_state *s, const char *path, struct err *err)
{
	static const char *const names[] = {"PQconnectdb",    "PQstatus",     "PQerrorMessage", "PQexec",
					    "PQresultStatus", "PQntuples",    "PQgetvalue",     "PQclear",
					    "PQputCopyData",  "PQputCopyEnd", "PQgetCopyData",  "PQfreemem",
					    "PQgetResult",    "PQfinish"};
	void *const slots[] = {&s->connect,  &s->status, &s->message,     &s->execute,  &s->result_status,
			       &s->rows,     &s->value,  &s->clear,       &s->put_data, &s->put_end,
			       &s->get_data, &s->free,   &s->next_result, &s->finish};
	int rc = 0;

	s->library = dlopen(path ? path : LIBPQ, RTLD_NOW | RTLD_LOCAL);
	if (!s->library)
		return err_set(err, E_UNSUPPORTED, "%s", dlerror());
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && rc == 0; i++)
		rc = peer_symbol(s->library, names[i], slots[i], err);
	return rc;
}

/* Clears the result; fails when it says so. */
static int take_result(struct postgres_state *s, struct pg_result *result, struct err *err)
{
	int status = s->result_status(result);

	s->clear(result);
	if (status >= PGRES_BAD_FIRST && status <= PGRES_BAD_LAST)
		return err_set(err, E_IO, "%s", s->message(s->connection));
	return 0;
}

static int execute(struct postgres_state *s, const char *sql, struct err *err)
{
	return take_result(s, s->execute(s->connection, sql), err);
}

static int open_postgres(struct peer *p, struct err *err)
{
	struct postgres_state *s = xalloc(sizeof(*s));
	int rc;

	p->state = s;
	if ((rc = bind_library(s, p->library, err)) < 0)
		return rc;
	s->connection = s->connect(p->connection ? p->connection : "");
	if (s->status(s->connection) != 0)
		return err_set(err, E_UNAVAILABLE, "%s", s->message(s->connection));
	return execute(s, schema, err);
}

/* An index over the words' parts needs an extension that may not be installed: then it is done without. */
static int open_with_gin(struct peer *p, struct err *err)
{
	int rc = open_postgres(p, err);

	if (rc < 0)
		return rc;
	if (execute(p->state, "CREATE EXTENSION pg_trgm", NULL) == 0)
		rc = execute(p->state, "CREATE INDEX ON event USING gin (description gin_trgm_ops)", err);
	return rc < 0 ? rc : execute(p->state, "CREATE INDEX ON event USING gin (doc jsonb_path_ops)", err);
}

/* A line of COPY's text format. The generated events have no backslash, tab or newline to escape. */
static void put_row(struct buf *to, const struct peer_row *row)
{
	const struct span columns[] = {row->time,        row->actor_id,    row->action,
				       row->entity_type, row->entity_id,   row->outcome_type,
				       row->request_id,  row->description, row->text};
	const size_t count = sizeof(columns) / sizeof(columns[0]);

	for (size_t i = 0; i < count; i++) {
		buf_put_span(to, columns[i]);
		buf_put_u8(to, i + 1 < count ? '\t' : '\n');
	}
}

static int copy_rows(struct postgres_state *s, struct span rows, struct err *err)
{
	int rc = execute(s,
			 "COPY event (time, actor_id, action, entity_type, entity_id, outcome_type, request_id,"
			 " description, doc) FROM STDIN",
			 err);
	struct pg_result *result;

	if (rc < 0)
		return rc;
	if (s->put_data(s->connection, (const char *)rows.p, (int)rows.len) != 1 ||
	    s->put_end(s->connection, NULL) != 1)
		return err_set(err, E_IO, "%s", s->message(s->connection));
	while ((result = s->next_result(s->connection)) != NULL) {
		int status = take_result(s, result, err);

		rc = rc < 0 ? rc : status;
	}
	return rc;
}

static int load_postgres(struct peer *p, const struct corpus *corpus, struct err *err)
{
	size_t count;
	struct corpus_chunk *chunks = corpus_cut(corpus, PEER_BATCH_BYTES, &count);
	struct buf rows = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		buf_reset(&rows);
		for (uint64_t off = chunks[i].off; off < chunks[i].off + chunks[i].len;) {
			struct peer_row row;

			peer_row_read(corpus_line(corpus, off), &row);
			put_row(&rows, &row);
			off += row.text.len + 1;
		}
		rc = buf_ok(&rows) ? copy_rows(p->state, buf_span(&rows), err) : err_set(err, E_NO_MEMORY, "no memory");
	}
	buf_release(&rows);
	free(chunks);
	return rc;
}

static int settle_postgres(struct peer *p, struct err *err)
{
	int rc = execute(p->state, "VACUUM ANALYZE event", err);

	return rc < 0 ? rc : execute(p->state, "CHECKPOINT", err);
}

static void put_phrase(struct buf *to, const char *phrase)
{
	buf_printf(to, "description LIKE '%%%s%%'", phrase);
}

static void put_regex(struct buf *to, const char *regex)
{
	buf_printf(to, "description ~ '%s'", regex);
}

/* Rows that COPY sends, a line each, without ever being all in memory. */
static int copy_out(struct postgres_state *s, const char *sql, struct peer_answer *ret, struct err *err)
{
	struct pg_result *result;
	char *line = NULL;
	int rc = execute(s, sql, err);

	while (rc == 0 && s->get_data(s->connection, &line, 0) > 0) {
		ret->rows++;
		s->free(line);
	}
	while ((result = s->next_result(s->connection)) != NULL) {
		int status = take_result(s, result, err);

		rc = rc < 0 ? rc : status;
	}
	return rc;
}

static int select_rows(struct postgres_state *s, const char *sql, const struct question *q, struct peer_answer *ret,
		       struct err *err)
{
	struct pg_result *result = s->execute(s->connection, sql);
	bool has_counts = !question_is_page(q->kind);
	int column = q->kind == QUESTION_REGEX ? 0 : 1;

	ret->rows = (uint64_t)s->rows(result);
	for (int i = 0; has_counts && i < s->rows(result); i++)
		ret->sum += strtoull(s->value(result, i, column), NULL, 10);
	return take_result(s, result, err);
}

static int query_postgres(struct peer *p, const struct question *q, struct peer_answer *ret, struct err *err)
{
	static const struct peer_words words = {.record = "doc",
						.actor_id = "actor_id",
						.entity_type = "entity_type",
						.outcome_type = "outcome_type",
						.request_id = "request_id",
						.hour = "date_trunc('hour', time)",
						.put_phrase = put_phrase,
						.put_regex = put_regex};
	struct buf sql = BUF_INIT;
	char *copy = NULL;
	int rc;

	peer_sql_put(&sql, &words, q);
	if (q->kind == QUESTION_EXPORT)
		copy = xformat("COPY (%s) TO STDOUT", (const char *)sql.p);
	rc = copy ? copy_out(p->state, copy, ret, err) : select_rows(p->state, (const char *)sql.p, q, ret, err);
	free(copy);
	buf_release(&sql);
	return rc;
}

static int disk_postgres(struct peer *p, double *ret, struct err *err)
{
	struct postgres_state *s = p->state;
	struct pg_result *result = s->execute(s->connection, "SELECT pg_total_relation_size('event')");

	*ret = s->rows(result) == 1 ? strtod(s->value(result, 0, 0), NULL) : 0;
	return take_result(s, result, err);
}

/* ---- CPU time of all its processes ---- */

/* Of one process, in nanoseconds: its own, with `with_children` also that of ended ones it waited for. 0 when it is not
 * there or no child of `parent` (0: any). */
static int64_t process_cpu_ns(const char *pid, long parent, bool with_children)
{
	char path[64];
	char text[1024];
	long ticks[4] = {0};
	long found_parent = -1;
	const char *rest;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	rest = strrchr(text, ')'); /* the name before it may hold anything */
	if (!rest || sscanf(rest + 2, "%*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld %ld %ld", &found_parent,
			    &ticks[0], &ticks[1], &ticks[2], &ticks[3]) != 5)
		return 0;
	if (parent != 0 && found_parent != parent)
		return 0;
	if (with_children)
		ticks[0] += ticks[2] + ticks[3];
	return (ticks[0] + ticks[1]) * (1000000000 / sysconf(_SC_CLK_TCK));
}

static int64_t cpu_postgres(struct peer *p)
{
	DIR *proc = p->pid ? opendir("/proc") : NULL;
	char pid[16];
	int64_t sum;
	struct dirent *entry;

	if (!proc)
		return 0;
	snprintf(pid, sizeof(pid), "%d", (int)p->pid);
	sum = process_cpu_ns(pid, 0, true);
	while ((entry = readdir(proc)) != NULL) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			sum += process_cpu_ns(entry->d_name, p->pid, false);
	}
	closedir(proc);
	return sum;
}

static void close_postgres(struct peer *p)
{
	struct postgres_state *s = p->state;

	if (s && s->connection)
		s->finish(s->connection);
	if (s && s->library)
		dlclose(s->library);
	free(s);
	p->state = NULL;
}

const struct peer_ops peer_postgres = {
	.name = "postgres",
	.summary = "PostgreSQL, jsonb beside typed columns, five B-trees",
	.open = open_postgres,
	.load = load_postgres,
	.settle = settle_postgres,
	.query = query_postgres,
	.disk_bytes = disk_postgres,
	.cpu_ns = cpu_postgres,
	.close = close_postgres,
};

const struct peer_ops peer_postgres_gin = {
	.name = "postgres-gin",
	.summary = "the same and GIN indexes over the jsonb and the trigrams of descriptions",
	.open = open_with_gin,
	.load = load_postgres,
	.settle = settle_postgres,
	.query = query_postgres,
	.disk_bytes = disk_postgres,
	.cpu_ns = cpu_postgres,
	.close = close_postgres,
};
