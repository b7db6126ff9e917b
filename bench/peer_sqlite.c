/* SQLite in this process: a table, five indexes and an FTS5 index over the whole text; a transaction for each batch,
 * synced as it commits. */
#include <sqlite3.h>
#include <stdio.h>

#include "base/mem.h"
#include "peer.h"

struct sqlite_state {
	sqlite3 *db;
	sqlite3_stmt *insert;
	sqlite3_stmt *insert_text;
	sqlite3_stmt *select[QUESTION_KINDS];
};

static const char schema[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-262144;"
			     "CREATE TABLE event(id INTEGER PRIMARY KEY, time TEXT, actor_id TEXT, action TEXT,"
			     " entity_type TEXT, entity_id TEXT, outcome_type TEXT, request_id TEXT, description TEXT,"
			     " doc TEXT);"
			     "CREATE INDEX event_time ON event(time);"
			     "CREATE INDEX event_actor ON event(actor_id, time);"
			     "CREATE INDEX event_action ON event(action, time);"
			     "CREATE INDEX event_entity ON event(entity_type, entity_id, time);"
			     "CREATE INDEX event_request ON event(request_id);"
			     "CREATE VIRTUAL TABLE event_text USING fts5(doc, content='event', content_rowid='id');";

/* Rows come in the order of time, which is that of the ids too; FTS5 knows only ids. */
static const char *const selects[QUESTION_KINDS] = {
	[QUESTION_NEWEST] = "SELECT doc FROM event ORDER BY time DESC LIMIT 100",
	[QUESTION_ACTOR] = "SELECT doc FROM event WHERE actor_id=?1 ORDER BY time DESC LIMIT 100",
	[QUESTION_RARE_ACTOR] = "SELECT doc FROM event WHERE actor_id=?1 ORDER BY time DESC",
	[QUESTION_REQUEST_ID] = "SELECT doc FROM event WHERE request_id=?1",
	[QUESTION_PHRASE] = "SELECT doc FROM event WHERE id IN (SELECT rowid FROM event_text WHERE event_text MATCH ?1"
			    " ORDER BY rowid DESC LIMIT 100) ORDER BY id DESC",
	[QUESTION_PHRASE_NAME] = "SELECT doc FROM event WHERE id IN (SELECT rowid FROM event_text WHERE event_text"
				 " MATCH ?1 ORDER BY rowid DESC LIMIT 100) ORDER BY id DESC",
	[QUESTION_THREE_FIELDS] = "SELECT doc FROM event WHERE action=?1 AND entity_type=?2 AND outcome_type='failure'"
				  " ORDER BY time DESC LIMIT 100",
	[QUESTION_BY_ACTION] = "SELECT action, count(*) FROM event GROUP BY 1",
	[QUESTION_BY_HOUR] = "SELECT substr(time, 1, 13), count(*) FROM event GROUP BY 1",
	[QUESTION_TOP_ACTORS] = "SELECT actor_id, count(*) FROM event GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",
	[QUESTION_EXPORT] = "SELECT doc FROM event WHERE entity_type=?2 ORDER BY time",
	[QUESTION_REGEX] = "SELECT count(*) FROM event WHERE description GLOB ?1",
};

static int fail(struct sqlite_state *s, struct err *err)
{
	return err_set(err, E_IO, "%s", sqlite3_errmsg(s->db));
}

static int execute(struct sqlite_state *s, const char *sql, struct err *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(s, err);
}

static int prepare(struct sqlite_state *s, const char *sql, sqlite3_stmt **ret, struct err *err)
{
	return sqlite3_prepare_v2(s->db, sql, -1, ret, NULL) == SQLITE_OK ? 0 : fail(s, err);
}

static int open_sqlite(struct peer *p, struct err *err)
{
	struct sqlite_state *s = xalloc(sizeof(*s));
	char *path = xformat("%s/events.db", p->folder);
	int rc;

	p->state = s;
	rc = sqlite3_open(path, &s->db) == SQLITE_OK ? 0 : fail(s, err);
	free(path);
	if (rc == 0)
		rc = execute(s, schema, err);
	if (rc == 0)
		rc = prepare(s, "INSERT INTO event VALUES(NULL,?,?,?,?,?,?,?,?,?)", &s->insert, err);
	if (rc == 0)
		rc = prepare(s, "INSERT INTO event_text(rowid,doc) VALUES(?,?)", &s->insert_text, err);
	for (int i = 0; i < (int)QUESTION_KINDS && rc == 0; i++)
		rc = prepare(s, selects[i], &s->select[i], err);
	return rc;
}

static void bind_text(sqlite3_stmt *statement, int column, struct span text)
{
	(void)sqlite3_bind_text(statement, column, (const char *)text.p, (int)text.len, SQLITE_STATIC);
}

static int insert_row(struct sqlite_state *s, struct span line, struct err *err)
{
	struct peer_row row;

	peer_row_read(line, &row);
	bind_text(s->insert, 1, row.time);
	bind_text(s->insert, 2, row.actor_id);
	bind_text(s->insert, 3, row.action);
	bind_text(s->insert, 4, row.entity_type);
	bind_text(s->insert, 5, row.entity_id);
	bind_text(s->insert, 6, row.outcome_type);
	bind_text(s->insert, 7, row.request_id);
	bind_text(s->insert, 8, row.description);
	bind_text(s->insert, 9, row.text);
	if (sqlite3_step(s->insert) != SQLITE_DONE || sqlite3_reset(s->insert) != SQLITE_OK)
		return fail(s, err);
	(void)sqlite3_bind_int64(s->insert_text, 1, sqlite3_last_insert_rowid(s->db));
	bind_text(s->insert_text, 2, row.text);
	if (sqlite3_step(s->insert_text) != SQLITE_DONE || sqlite3_reset(s->insert_text) != SQLITE_OK)
		return fail(s, err);
	return 0;
}

static int insert_chunk(struct sqlite_state *s, const struct corpus *corpus, const struct corpus_chunk *chunk,
			struct err *err)
{
	int rc = execute(s, "BEGIN", err);

	for (uint64_t off = chunk->off; off < chunk->off + chunk->len && rc == 0;) {
		struct span line = corpus_line(corpus, off);

		rc = insert_row(s, line, err);
		off += line.len + 1;
	}
	return rc < 0 ? rc : execute(s, "COMMIT", err);
}

static int load_sqlite(struct peer *p, const struct corpus *corpus, struct err *err)
{
	size_t count;
	struct corpus_chunk *chunks = corpus_cut(corpus, PEER_BATCH_BYTES, &count);
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = insert_chunk(p->state, corpus, &chunks[i], err);
	free(chunks);
	return rc;
}

static int settle_sqlite(struct peer *p, struct err *err)
{
	return execute(p->state,
		       "INSERT INTO event_text(event_text) VALUES('optimize'); ANALYZE;"
		       "PRAGMA wal_checkpoint(TRUNCATE)",
		       err);
}

/* The first value of the statement: an id, a phrase, a pattern of GLOB, which has the generator's regular expressions
 * but for the stars at both ends, or an action. `to` holds what is put together. */
static const char *value_of(const struct question *q, char to[QUESTION_TEXT_MAX + 4])
{
	if (q->kind == QUESTION_PHRASE || q->kind == QUESTION_PHRASE_NAME)
		snprintf(to, QUESTION_TEXT_MAX + 4, "\"%s\"", q->text);
	else if (q->kind == QUESTION_REGEX)
		snprintf(to, QUESTION_TEXT_MAX + 4, "*%s*", q->text);
	else
		snprintf(to, QUESTION_TEXT_MAX + 4, "%s",
			 q->kind == QUESTION_THREE_FIELDS ? event_action(q->action) : q->text);
	return to;
}

static int query_sqlite(struct peer *p, const struct question *q, struct peer_answer *ret, struct err *err)
{
	struct sqlite_state *s = p->state;
	sqlite3_stmt *statement = s->select[q->kind];
	int column = sqlite3_column_count(statement) - 1;
	bool has_counts = !question_is_page(q->kind) && q->kind != QUESTION_EXPORT;
	char value[QUESTION_TEXT_MAX + 4];
	int rc;

	if (sqlite3_bind_parameter_count(statement) > 0)
		bind_text(statement, 1, span_str(value_of(q, value)));
	if (sqlite3_bind_parameter_count(statement) > 1)
		bind_text(statement, 2, span_str(event_entity(q->entity)));
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		ret->rows += sqlite3_column_bytes(statement, column) > 0;
		if (has_counts)
			ret->sum += (uint64_t)sqlite3_column_int64(statement, column);
	}
	(void)sqlite3_reset(statement);
	return rc == SQLITE_DONE ? 0 : fail(s, err);
}

static void close_sqlite(struct peer *p)
{
	struct sqlite_state *s = p->state;

	if (!s)
		return;
	sqlite3_finalize(s->insert);
	sqlite3_finalize(s->insert_text);
	for (int i = 0; i < (int)QUESTION_KINDS; i++)
		sqlite3_finalize(s->select[i]);
	sqlite3_close(s->db);
	free(s);
	p->state = NULL;
}

const struct peer_ops peer_sqlite = {
	.name = "sqlite",
	.summary = "SQLite, five B-trees and FTS5 over the text",
	.open = open_sqlite,
	.load = load_sqlite,
	.settle = settle_sqlite,
	.query = query_sqlite,
	.disk_bytes = peer_folder_bytes,
	.cpu_ns = peer_own_cpu_ns,
	.close = close_sqlite,
};
