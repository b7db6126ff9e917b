/* DuckDB in this process: a table with nested columns, its own zone maps and no further index. It reads the file of
 * events itself, in one transaction. */
#include <dlfcn.h>
#include <stdio.h>

#include "base/mem.h"
#include "peer.h"

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
	void (*disconnect)(void **connection);
	void (*close)(void **database);
};

#define COLUMNS                                                                                                        \
	"{time: 'TIMESTAMP', actor: 'STRUCT(type VARCHAR, id VARCHAR, name VARCHAR, email VARCHAR)', "                 \
	"action: 'VARCHAR', entity: 'STRUCT(type VARCHAR, id VARCHAR, name VARCHAR)', "                                \
	"outcome: 'STRUCT(type VARCHAR)', context: 'STRUCT(ip VARCHAR, user_agent VARCHAR)', "                         \
	"description: 'VARCHAR', attributes: 'STRUCT(request_id VARCHAR, session VARCHAR)', "                          \
	"before: 'STRUCT(name VARCHAR, enabled BOOLEAN)', after: 'STRUCT(name VARCHAR, enabled BOOLEAN)'}"

static int execute(struct duckdb_state *s, const char *sql, uint64_t *ret_rows, struct err *err)
{
	struct duckdb_result result = {0};
	int rc = 0;

	if (s->query(s->connection, sql, &result) != 0)
		rc = err_set(err, E_IO, "%s", s->error(&result));
	else if (ret_rows)
		*ret_rows = s->rows(&result);
	s->destroy(&result);
	return rc;
}

static int bind_library(struct duckdb_state *s, const char *path, struct err *err)
{
	static const char *const names[] = {"duckdb_open",       "duckdb_connect",        "duckdb_query",
					    "duckdb_disconnect", "duckdb_destroy_result", "duckdb_result_error",
					    "duckdb_row_count",  "duckdb_close"};
	void *const slots[] = {&s->open,    &s->connect, &s->query, &s->disconnect,
			       &s->destroy, &s->error,   &s->rows,  &s->close};
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
	int rc = execute(p->state, sql, NULL, err);

	free(sql);
	return rc;
}

static int settle_duckdb(struct peer *p, struct err *err)
{
	return execute(p->state, "CHECKPOINT", NULL, err);
}

static int query_duckdb(struct peer *p, enum sample_kind kind, const char *value, uint64_t *ret_rows, struct err *err)
{
	const char *column = kind == SAMPLE_REQUEST_ID ? "attributes.request_id" : "actor.id";
	char sql[256];

	if (kind == SAMPLE_NONE)
		snprintf(sql, sizeof(sql), "SELECT * FROM event ORDER BY time DESC LIMIT 100");
	else
		snprintf(sql, sizeof(sql), "SELECT * FROM event WHERE %s = '%s' ORDER BY time DESC LIMIT 100", column,
			 value);
	return execute(p->state, sql, ret_rows, err);
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
