/*
 * ClickHouse in this process, by libchdb: a MergeTree ordered by time with nested columns, Bloom filters on actor,
 * request id and the parts of the description. It reads the file of events itself: no HTTP, no sync for each batch. Two
 * ways: LZ4, its default, and ZSTD. Its text index and its token filter found phrases no sooner than this filter does,
 * which rules out a regular expression as well.
 */
#include <dlfcn.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "peer.h"
#include "peer_sql.h"

/* The part of libchdb's C interface (chdb.h, 26.5) that is used. */
struct chdb_result;
struct chdb_state {
	void *library;
	void **connection; /* chdb_connect gives a pointer to the handle that chdb_query takes */
	void **(*connect)(int argc, char **argv);
	void (*close)(void **connection);
	struct chdb_result *(*query)(void *connection, const char *query, const char *format);
	void (*destroy)(struct chdb_result *result);
	const char *(*buffer)(struct chdb_result *result);
	size_t (*length)(struct chdb_result *result);
	const char *(*error)(struct chdb_result *result);
};

#define COLUMNS                                                                                                        \
	"time DateTime64(3, \\'UTC\\'), actor Tuple(type String, id String, name String, email String), "              \
	"action String, entity Tuple(type String, id String, name String), outcome Tuple(type String), "               \
	"context Tuple(ip String, user_agent String), description String, "                                            \
	"attributes Tuple(request_id String, session String), before Tuple(name String, enabled Bool), "               \
	"after Tuple(name String, enabled Bool)"

#define LOW "LowCardinality(String)"

static const char schema[] =
	"CREATE TABLE event (time DateTime64(3, 'UTC') CODEC(DoubleDelta, %s), "
	"actor Tuple(type " LOW ", id " LOW ", name " LOW ", email " LOW ") CODEC(%s), action " LOW " CODEC(%s), "
	"entity Tuple(type " LOW ", id String, name String) CODEC(%s), outcome Tuple(type " LOW ") CODEC(%s), "
	"context Tuple(ip String, user_agent " LOW ") CODEC(%s), description String CODEC(%s), "
	"attributes Tuple(request_id String, session String) CODEC(%s), "
	"before Tuple(name String, enabled Bool) CODEC(%s), after Tuple(name String, enabled Bool) CODEC(%s), "
	"INDEX by_actor actor.id TYPE bloom_filter(0.01) GRANULARITY 1, "
	"INDEX by_request attributes.request_id TYPE bloom_filter(0.01) GRANULARITY 1, "
	"INDEX by_part description TYPE ngrambf_v1(4, 65536, 2, 0) GRANULARITY 1) "
	"ENGINE = MergeTree ORDER BY time";

/* Lines of tab-separated columns: how many, and the sum of the last column when `has_counts`. */
static void read_lines(const char *at, size_t len, bool has_counts, struct peer_answer *ret)
{
	const char *end = at + len;
	const char *stop;

	for (; at < end && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL; at = stop + 1) {
		const char *tab = has_counts ? memrchr(at, '\t', (size_t)(stop - at)) : NULL;

		ret->rows++;
		if (has_counts)
			ret->sum += strtoull(tab ? tab + 1 : at, NULL, 10);
	}
}

/* Runs one statement; `ret` (may be NULL) gets what came back. */
static int execute(struct chdb_state *s, const char *sql, const char *format, struct peer_answer *ret, struct err *err)
{
	struct chdb_result *result = s->query(*s->connection, sql, format);
	const char *message = result ? s->error(result) : "no result";
	int rc = 0;

	if (message && message[0])
		rc = err_set(err, E_IO, "%s", message);
	if (rc == 0 && ret)
		read_lines(s->buffer(result), s->length(result), strcmp(format, "TSV") == 0, ret);
	if (result)
		s->destroy(result);
	return rc;
}

static int bind_library(struct chdb_state *s, const char *path, struct err *err)
{
	static const char *const names[] = {
		"chdb_connect",       "chdb_close_conn",    "chdb_query",       "chdb_destroy_query_result",
		"chdb_result_buffer", "chdb_result_length", "chdb_result_error"};
	void *const slots[] = {&s->connect, &s->close, &s->query, &s->destroy, &s->buffer, &s->length, &s->error};
	int rc = 0;

	s->library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	if (!s->library)
		return err_set(err, E_UNSUPPORTED, "%s", path ? dlerror() : "--library is missing");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && rc == 0; i++)
		rc = peer_symbol(s->library, names[i], slots[i], err);
	return rc;
}

static int open_with(struct peer *p, const char *codec, struct err *err)
{
	struct chdb_state *s = xalloc(sizeof(*s));
	char *path = xformat("--path=%s", p->folder);
	char *arguments[] = {(char *)"clickhouse", path, NULL};
	char sql[2048];
	int rc;

	p->state = s;
	rc = bind_library(s, p->library, err);
	if (rc == 0) {
		s->connection = s->connect(2, arguments);
		rc = s->connection && *s->connection ? 0 : err_set(err, E_IO, "chdb does not open %s", p->folder);
	}
	if (rc == 0) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(sql, sizeof(sql), schema, codec, codec, codec, codec, codec, codec, codec, codec, codec,
			 codec);
#pragma GCC diagnostic pop
		rc = execute(s, sql, "Null", NULL, err);
	}
	free(path);
	return rc;
}

static int open_lz4(struct peer *p, struct err *err)
{
	return open_with(p, "LZ4", err);
}

static int open_zstd(struct peer *p, struct err *err)
{
	return open_with(p, "ZSTD(1)", err);
}

static int load_clickhouse(struct peer *p, const struct corpus *corpus, struct err *err)
{
	char *sql = xformat("INSERT INTO event SELECT * FROM file('%s', 'JSONEachRow', '" COLUMNS "') "
			    "SETTINGS date_time_input_format='best_effort', "
			    "input_format_json_defaults_for_missing_elements_in_named_tuple=1",
			    p->events);
	int rc = execute(p->state, sql, "Null", NULL, err);

	free(sql);
	return rc;
}

static int settle_clickhouse(struct peer *p, struct err *err)
{
	return execute(p->state, "OPTIMIZE TABLE event FINAL", "Null", NULL, err);
}

static void put_phrase(struct buf *to, const char *phrase)
{
	buf_printf(to, "description LIKE '%%%s%%'", phrase);
}

static void put_regex(struct buf *to, const char *regex)
{
	buf_printf(to, "match(description, '%s')", regex);
}

static int query_clickhouse(struct peer *p, const struct question *q, struct peer_answer *ret, struct err *err)
{
	static const struct peer_words words = {.record = "*",
						.actor_id = "actor.id",
						.entity_type = "entity.type",
						.outcome_type = "outcome.type",
						.request_id = "attributes.request_id",
						.hour = "toStartOfHour(time)",
						.put_phrase = put_phrase,
						.put_regex = put_regex};
	bool is_rows = question_is_page(q->kind) || q->kind == QUESTION_EXPORT;
	struct buf sql = BUF_INIT;
	int rc;

	peer_sql_put(&sql, &words, q);
	rc = execute(p->state, (const char *)sql.p, is_rows ? "JSONEachRow" : "TSV", ret, err);
	buf_release(&sql);
	return rc;
}

/* Of the active parts only: merged ones stay in the folder for some minutes. */
static int disk_clickhouse(struct peer *p, double *ret, struct err *err)
{
	struct chdb_state *s = p->state;
	struct chdb_result *result = s->query(
		*s->connection, "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'event'", "TSV");
	char text[32] = "";

	if (result)
		snprintf(text, sizeof(text), "%.*s", (int)s->length(result), s->buffer(result));
	if (result)
		s->destroy(result);
	*ret = strtod(text, NULL);
	return *ret > 0 ? 0 : err_set(err, E_IO, "ClickHouse tells no size of its parts");
}

/* The library is not closed: its threads may still run. */
static void close_clickhouse(struct peer *p)
{
	struct chdb_state *s = p->state;

	if (s && s->connection)
		s->close(s->connection);
	free(s);
	p->state = NULL;
}

const struct peer_ops peer_clickhouse = {
	.name = "clickhouse",
	.summary = "ClickHouse (chdb), LZ4, ordered by time, Bloom filters on actor, request id and parts of the "
		   "description",
	.open = open_lz4,
	.load = load_clickhouse,
	.settle = settle_clickhouse,
	.query = query_clickhouse,
	.disk_bytes = disk_clickhouse,
	.cpu_ns = peer_own_cpu_ns,
	.close = close_clickhouse,
};

const struct peer_ops peer_clickhouse_zstd = {
	.name = "clickhouse-zstd",
	.summary = "the same with ZSTD(1)",
	.open = open_zstd,
	.load = load_clickhouse,
	.settle = settle_clickhouse,
	.query = query_clickhouse,
	.disk_bytes = disk_clickhouse,
	.cpu_ns = peer_own_cpu_ns,
	.close = close_clickhouse,
};
