/* DuckDB in this process: a table with nested columns, its own zone maps and no further index. It reads the file of
 * events itself, in one transaction. */
#include <dlfcn.h>
#include <stdio.h>

#include "base/mem.h"
#include "peer.h"
#include "peer_sql.h"

/* As duckdb.h has it since 1.0: callers own the memory of a result, the library what is in it. */
struct duckdb_result {
	uint64_t column_count;
	uint64_t row_count;
	uint64_t rows_changed;
	void *columns;
	char *error_message;
	void *internal;
};

struct duckdb_state {
	void *library;
	void *database;
	void *connection;
	int (*open)(const char *path, void **ret_database); /* these three: 0 is success */
	int (*connect)(void *database, void **ret_connection);
	int (*query)(void *connection, const char *sql, struct duckdb_result *ret);
	void (*destroy)(struct duckdb_result *result);
	const char *(*error)(struct duckdb_result *result);
	uint64_t (*rows)(struct duckdb_result *result);
	int64_t (*integer)(struct duckdb_result *result, uint64_t column, uint64_t row);
	void (*disconnect)(void **connection);
	void (*close)(void **database);
};

#define COLUMNS                                                                                                        \
	"{time: 'TIMESTAMP', actor: 'STRUCT(type VARCHAR, id VARCHAR, name VARCHAR, email VARCHAR)', "                 \
	"action: 'VARCHAR', entity: 'STRUCT(type VARCHAR, id VARCHAR, name VARCHAR)', "                                \
	"outcome: 'STRUCT(type VARCHAR)', context: 'STRUCT(ip VARCHAR, user_agent VARCHAR)', "                         \
	"description: 'VARCHAR', attributes: 'STRUCT(request_id VARCHAR, session VARCHAR)', "                          \
	"before: 'STRUCT(name VARCHAR, enabled BOOLEAN)', after: 'STRUCT(name VARCHAR, enabled BOOLEAN)'}"

/* `q` (may be NULL) says whether there are counts, and in which column. */
static int execute(struct duckdb_state *s, const char *sql, const struct question *q, struct peer_answer *ret,
		   struct err *err)
{
	struct duckdb_result result = {0};
	bool has_counts = ret && q && !question_is_page(q->kind) && q->kind != QUESTION_EXPORT;
	int rc = 0;

	if (s->query(s->connection, sql, &result) != 0)
		rc = err_set(err, E_IO, "%s", s->error(&result));
	else if (ret)
		ret->rows = s->rows(&result);
	for (uint64_t i = 0; rc == 0 && has_counts && i < ret->rows; i++)
		ret->sum += (uint64_t)s->integer(&result, q->kind == QUESTION_REGEX ? 0 : 1, i);
	s->destroy(&result);
	return rc;
}

static int bind_library(struct duckdb_state *s, const char *path, struct err *err)
{
	static const char *const names[] = {"duckdb_open",       "duckdb_connect",        "duckdb_query",
					    "duckdb_disconnect", "duckdb_destroy_result", "duckdb_result_error",
					    "duckdb_row_count",  "duckdb_value_int64",    "duckdb_close"};
	void *const slots[] = {&s->open,  &s->connect, &s->query,   &s->disconnect, &s->destroy,
			       &s->error, &s->rows,    &s->integer, &s->close};
	int rc = 0;

	s->library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	if (!s->library)
		return err_set(err, E_UNSUPPORTED, "%s", path ? dlerror() : "--library is missing");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && rc == 0; i++)
		rc = peer_symbol(s->library, names[i], slots[i], err);
	return rc;
}

static int open_duckdb(struct peer *p, struct err *err)
{
	struct duckdb_state *s = xalloc(sizeof(*s));
	char *path = xformat("%s/events.duckdb", p->folder);
	int rc;

	p->state = s;
	rc = bind_library(s, p->library, err);
	if (rc == 0 && (s->open(path, &s->database) != 0 || s->connect(s->database, &s->connection) != 0))
		rc = err_set(err, E_IO, "DuckDB does not open %s", path);
	free(path);
	return rc;
}

static int load_duckdb(struct peer *p, const struct corpus *corpus, struct err *err)
{
	char *sql = xformat("CREATE TABLE event AS SELECT * FROM read_json('%s', format='newline_delimited', "
			    "columns=" COLUMNS ")",
			    p->events);
	int rc = execute(p->state, sql, NULL, NULL, err);

	free(sql);
	return rc;
}

static int settle_duckdb(struct peer *p, struct err *err)
{
	return execute(p->state, "CHECKPOINT", NULL, NULL, err);
}

static void put_phrase(struct buf *to, const char *phrase)
{
	buf_printf(to, "contains(description, '%s')", phrase);
}

static void put_regex(struct buf *to, const char *regex)
{
	buf_printf(to, "regexp_matches(description, '%s')", regex);
}

static int query_duckdb(struct peer *p, const struct question *q, struct peer_answer *ret, struct err *err)
{
	static const struct peer_words words = {.record = "*",
						.actor_id = "actor.id",
						.entity_type = "entity.type",
						.outcome_type = "outcome.type",
						.request_id = "attributes.request_id",
						.hour = "date_trunc('hour', time)",
						.put_phrase = put_phrase,
						.put_regex = put_regex};
	struct buf sql = BUF_INIT;
	int rc;

	peer_sql_put(&sql, &words, q);
	rc = execute(p->state, (const char *)sql.p, q, ret, err);
	buf_release(&sql);
	return rc;
}

static void close_duckdb(struct peer *p)
{
	struct duckdb_state *s = p->state;

	if (s && s->connection)
		s->disconnect(&s->connection);
	if (s && s->database)
		s->close(&s->database);
	free(s);
	p->state = NULL;
}

const struct peer_ops peer_duckdb = {
	.name = "duckdb",
	.summary = "DuckDB, nested columns, zone maps only",
	.open = open_duckdb,
	.load = load_duckdb,
	.settle = settle_duckdb,
	.query = query_duckdb,
	.disk_bytes = peer_folder_bytes,
	.cpu_ns = peer_own_cpu_ns,
	.close = close_duckdb,
};
