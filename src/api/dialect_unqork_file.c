/*
 * GET /fbu/files/audit-logs/{file}: one of the files that a list names. It is made while it is sent, so it costs no
 * more memory when it is large, and the same bytes come whenever it is asked for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "api/dialect_unqork.h"
#include "api/handler.h"
#include "api/request.h"
#include "base/mem.h"
#include "codec/unqork.h"
#include "service/link.h"

#define US_PER_SECOND 1000000
#define LINES_BYTES   (64u << 10)  /* of events are packed together */
#define FETCH_BYTES   (256u << 10) /* of records are fetched together */
#define ZIP_TYPE      "application/zip"

static const char *const suffixes[] = {[PACK_GZIP] = ".ndjson.gz", [PACK_ZIP] = ".zip"};
static const char clocks[PERIOD_CLOCK_COUNT] = {[PERIOD_TIME] = 't', [PERIOD_RECEIVED] = 'r'};

void unqork_file_put(const struct unqork_file *file, struct buf *to)
{
	buf_printf(to, "%c_%" PRId64 "_%" PRId64 "_%" PRIu64 "_%" PRIu64 "%s", clocks[file->period.clock],
		   file->period.from_us, file->period.to_us, file->part.first, file->part.next, suffixes[file->kind]);
}

/* A number behind a '_'. */
static bool get_number(char **at, int64_t *ret)
{
	char *begin = *at + 1;

	if (**at != '_')
		return false;
	*ret = strtoll(begin, at, 10);
	return *at > begin;
}

static bool get_kind(const char *suffix, enum pack_kind *ret)
{
	*ret = strcmp(suffix, suffixes[PACK_ZIP]) == 0 ? PACK_ZIP : PACK_GZIP;
	return strcmp(suffix, suffixes[*ret]) == 0;
}

static bool get_file(struct span text, struct unqork_file *ret)
{
	char name[UNQORK_FILE_NAME_MAX];
	char *at = name + 1;
	int64_t first, next;

	if (text.len < 1 || text.len >= sizeof(name))
		return false;
	memcpy(name, text.p, text.len);
	name[text.len] = '\0';
	*ret = (struct unqork_file){.period.ledger = LEDGER_MAIN};
	ret->period.clock = name[0] == clocks[PERIOD_RECEIVED] ? PERIOD_RECEIVED : PERIOD_TIME;
	if (name[0] != clocks[ret->period.clock] || !get_number(&at, &ret->period.from_us) ||
	    !get_number(&at, &ret->period.to_us) || !get_number(&at, &first) || !get_number(&at, &next) || first < 0 ||
	    next < first)
		return false;
	ret->part = (struct part){(uint64_t)first, (uint64_t)next};
	return get_kind(at, &ret->kind);
}

bool unqork_wants_zip(struct request *r)
{
	const char *accept = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);

	return accept && strcasestr(accept, ZIP_TYPE) != NULL;
}

/* ---- making it ---- */

struct making {
	struct part_reader *source;
	struct pack *pack;
	struct search_answer answer; /* records, and how far they are written */
	uint32_t at;
	size_t off;
	struct buf lines; /* events that are packed next */
};

/* Writes events until there are enough of them to pack; false when there are no more. */
static int fill_lines(struct making *m, bool *ret_more, struct err *err)
{
	int rc;

	*ret_more = true;
	while (m->lines.len < LINES_BYTES) {
		if (m->at == m->answer.count) {
			if ((rc = part_next(m->source, FETCH_BYTES, &m->answer, err)) < 0)
				return rc;
			m->at = 0;
			m->off = 0;
			*ret_more = m->answer.count > 0;
			if (!*ret_more)
				break;
		}
		unqork_put(span_of(m->answer.events.p + m->off, m->answer.len[m->at]), &m->lines);
		buf_put_u8(&m->lines, '\n');
		m->off += m->answer.len[m->at++];
		if (!buf_ok(&m->lines))
			break;
	}
	return buf_ok(&m->lines) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for the next events of a file");
}

static int produce(void *user, size_t bytes, struct buf *to, struct err *err)
{
	struct making *m = user;
	bool is_more = true;
	int rc = 0;

	while (rc == 0 && is_more && to->len < bytes) {
		rc = fill_lines(m, &is_more, err);
		if (rc == 0)
			rc = pack_put(m->pack, buf_span(&m->lines), to, err);
		buf_reset(&m->lines);
	}
	if (rc == 0 && !is_more)
		rc = pack_end(m->pack, to, err);
	if (rc == 0 && !buf_ok(to))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for the next piece of a file");
	return rc < 0 ? rc : !is_more;
}

static void free_making(void *user)
{
	struct making *m = user;

	part_close(m->source);
	pack_close(m->pack);
	search_answer_release(&m->answer);
	buf_release(&m->lines);
	free(m);
}

static const struct stream_ops file_stream = {.produce = produce, .free = free_making};

static int make(struct request *r, const struct unqork_file *file, struct making **ret, struct err *err)
{
	struct making *m = xalloc(sizeof(*m));
	char name[UNQORK_FILE_NAME_MAX];
	int rc;

	m->answer = (struct search_answer)SEARCH_ANSWER_INIT;
	snprintf(name, sizeof(name), "audit-logs-%" PRIu64 ".ndjson", file->part.first);
	rc = pack_open(file->kind, name, file->period.to_us / US_PER_SECOND, &m->pack, err);
	if (rc == 0)
		rc = part_open(r->server->service, &r->who, &file->period, &file->part, &m->source, err);
	if (rc < 0)
		free_making(m);
	else
		*ret = m;
	return rc;
}

/* ---- giving it out ---- */

/* The location is one that was given to who asks, and not too long ago. */
static int check(struct request *r, struct unqork_file *ret, struct err *err)
{
	const char *expires = MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, "expires");
	const char *signature = MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, "signature");
	int64_t expires_s = expires ? strtoll(expires, NULL, 10) : 0;
	int rc = service_link_check(r->server->service, &r->who, r->match.id, expires_s,
				    signature ? span_str(signature) : span_of(NULL, 0), err);

	if (rc < 0)
		return rc;
	if (!get_file(r->match.id, ret))
		return err_set(err, E_NOT_FOUND, "there is no such file; ask for new locations");
	if (unqork_wants_zip(r))
		ret->kind = PACK_ZIP;
	return 0;
}

static void begin_answer(struct request *r, const struct unqork_file *file)
{
	char text[UNQORK_FILE_NAME_MAX + 32];

	reply_begin(&r->reply, 200, file->kind == PACK_ZIP ? ZIP_TYPE : "application/gzip");
	snprintf(text, sizeof(text), "attachment; filename=\"audit-logs-%" PRIu64 "%s\"", file->part.first,
		 suffixes[file->kind]);
	reply_add_header(&r->reply, MHD_HTTP_HEADER_CONTENT_DISPOSITION, text);
}

static int start(struct request *r, struct err *err)
{
	struct unqork_file file;
	struct making *m;
	int rc;

	if ((rc = check(r, &file, err)) < 0)
		return rc;
	if ((rc = stream_open(r->server, &r->stream, err)) < 0)
		return rc;
	if ((rc = make(r, &file, &m, err)) < 0)
		return rc;
	if ((rc = stream_begin(r->stream, &file_stream, m, STREAM_SIZE_UNKNOWN, err)) < 0)
		return rc;
	begin_answer(r, &file);
	return 0;
}

enum handled handle_unqork_file(struct request *r)
{
	struct err err = ERR_INIT;

	if (start(r, &err) < 0) {
		r->stream = stream_close(r->stream);
		request_fail(r, &err);
	}
	return HANDLED_NOW;
}
