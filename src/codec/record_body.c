/*
 * The events of a body, one after another. Every byte is looked at by one parse, or by two where an event lies across
 * two pieces: nothing here may cost more than a constant times the body, whatever it holds, because it comes from
 * outside. So an event that fails to parse is skipped only where the next one's place is known without a search:
 * NDJSON is loaded line by line, and elsewhere a syntax error ends the body unless it lies on the event's first line
 * and another object follows at the next line's start.
 */
#include <inttypes.h>

#include "base/err.h"
#include "codec/record_priv.h"
#include "codec/record_rows.h"

/* A piece is this long, or as long as the event that does not fit: small enough for the CPU's second cache with all
 * that is made of it, large enough that events cut off at its end are few. */
#define PIECE_BYTES (32u << 10)

struct body_reader {
	struct record_parser *parser;
	struct span body;
	size_t pos;       /* of the next byte to look at */
	size_t piece_off; /* where the loaded piece lies in the body, and how much of it may still be parsed */
	size_t piece_len;
	bool is_lines;
	int64_t now_us;
	uint64_t count; /* events seen so far: the position of the next */
	struct record_batch *batch;
	const struct record_rows *rows; /* what the events are made of; NULL: they are events */
	struct buf event;               /* made of a row */
	struct err problem;             /* of the last refused event */
};

static void skip_blanks(struct body_reader *r)
{
	while (r->pos < r->body.len) {
		uint8_t c = r->body.p[r->pos];

		if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
			return;
		r->pos++;
	}
}

static bool is_at_end(const struct body_reader *r)
{
	return r->pos == r->body.len;
}

/* The offset of the line feed that ends the line at `off`, or the body's end. */
static size_t line_end(const struct body_reader *r, size_t off)
{
	const uint8_t *at = memchr(r->body.p + off, '\n', r->body.len - off);

	return at ? (size_t)(at - r->body.p) : r->body.len;
}

static int load_piece(struct body_reader *r, size_t len)
{
	int rc = record__load(r->parser, span_of(r->body.p + r->pos, len), &r->problem);

	r->piece_off = r->pos;
	r->piece_len = rc < 0 ? 0 : len;
	return rc;
}

/* The most a piece that starts here can hold. */
static size_t left_bytes(const struct body_reader *r)
{
	return (r->is_lines ? line_end(r, r->pos) : r->body.len) - r->pos;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Loads a piece, or a longer one when the event at r->pos does not fit in the one loaded. */
static int load_more(struct body_reader *r)
{
	bool has_start = r->piece_off == r->pos && r->piece_len > 0;
	size_t left = left_bytes(r);
	size_t len = has_start ? r->piece_len * 4 : PIECE_BYTES;

	if (r->is_lines)
		len = left;
	if (left == 0 || (has_start && r->piece_len >= left))
		return err_set(&r->problem, E_SYNTAX, "the %s ends before the event does",
			       r->is_lines ? "line" : "body");
	if (has_start ? r->piece_len >= EVENT_BYTES_MAX : r->is_lines && left > EVENT_BYTES_MAX)
		return err_set(&r->problem, E_TOO_LARGE, "an event may have at most %u bytes, white space included",
			       EVENT_BYTES_MAX);
	return load_piece(r, smaller(smaller(len, left), EVENT_BYTES_MAX));
}

/* Parses the value at r->pos. On failure the piece is spent: its strings may have been decoded in place. */
static int read_value(struct body_reader *r, yyjson_val **ret_root, size_t *ret_end)
{
	enum record_read ended = RECORD_READ_CUT;
	size_t end = 0;
	int rc = 0;

	if (r->pos - r->piece_off < r->piece_len)
		ended = record__read(r->parser, r->pos - r->piece_off, ret_root, &end, &r->problem);
	while (ended == RECORD_READ_CUT) {
		if ((rc = load_more(r)) < 0)
			break;
		ended = record__read(r->parser, 0, ret_root, &end, &r->problem);
	}
	if (rc == 0 && ended == RECORD_READ_FAILED)
		rc = r->problem.code;
	if (rc < 0) {
		if (r->problem.offset >= 0)
			r->problem.offset += (int64_t)r->piece_off;
		r->piece_len = 0;
		return rc;
	}
	*ret_end = r->piece_off + end;
	return 0;
}

/* The bytes between an event and its line's end must be blank. */
static int check_line(struct body_reader *r, size_t end)
{
	size_t stop = r->piece_off + r->piece_len;

	for (; end < stop; end++)
		if (r->body.p[end] != ' ' && r->body.p[end] != '\r' && r->body.p[end] != '\t') {
			r->problem.offset = (int64_t)end;
			return err_set(&r->problem, E_SYNTAX, "there is more on the line behind the event");
		}
	return 0;
}

/* Where the event after a broken one begins, when that can be told: 0, and r->pos is there, or on the way to it. */
static int skip_broken(struct body_reader *r, size_t start, bool is_array)
{
	size_t end = line_end(r, start);

	if (is_array)
		return r->problem.code;
	if (!r->is_lines && (r->problem.offset < 0 || (size_t)r->problem.offset > end))
		return r->problem.code;
	r->pos = end;
	skip_blanks(r);
	if (!r->is_lines && !is_at_end(r) && r->body.p[r->pos] != '{')
		return r->problem.code;
	return 0;
}

static int append_event(struct body_reader *r, yyjson_val *root, size_t source_len)
{
	struct record_event event = {.is_stored = false};
	int rc = record__schema(root, r->now_us, &event, &r->problem);

	return rc < 0 ? rc : record__append(r->parser, &event, source_len, r->batch, &r->problem);
}

static int append_row(struct body_reader *r, yyjson_val *root)
{
	row_event_fn *make = row_format_event(r->rows->format);
	int rc;

	buf_reset(&r->event);
	if ((rc = make(root, r->rows->given, &r->event, &r->problem)) < 0)
		return rc;
	if (!buf_ok(&r->event))
		return err_set(&r->problem, E_NO_MEMORY, "not enough memory for an event");
	rc = record_parse(r->rows->events, buf_span(&r->event), r->now_us, r->batch, &r->problem);
	r->problem.offset = -1; /* in what the row became */
	return rc;
}

/*
 * Turns the event at r->pos into a record and steps behind it. On failure r->problem says why; *ret_may_go_on says
 * whether r->pos is where the next event is to be looked for.
 */
static int take_event(struct body_reader *r, bool is_array, bool *ret_may_go_on)
{
	yyjson_val *root = NULL;
	size_t start = r->pos, end = 0;
	int rc = read_value(r, &root, &end);

	if (rc == 0 && r->is_lines)
		rc = check_line(r, end);
	if (rc < 0) {
		*ret_may_go_on = rc != E_NO_MEMORY && skip_broken(r, start, is_array) == 0;
	} else {
		r->pos = end;
		rc = r->rows ? append_row(r, root) : append_event(r, root, end - start);
		*ret_may_go_on = rc != E_NO_MEMORY;
	}
	if (rc < 0 && r->problem.offset < 0)
		r->problem.offset = (int64_t)start;
	return rc;
}

static struct body_reader make_reader(struct record_parser *p, struct span body, int64_t now_us,
				      struct record_batch *batch)
{
	return (struct body_reader){.parser = p, .body = body, .now_us = now_us, .batch = batch, .problem = ERR_INIT};
}

static int start_body(struct body_reader *r)
{
	if (span_starts_with(r->body, SPAN_LIT("\xef\xbb\xbf"))) {
		r->problem.offset = 0;
		return err_set(&r->problem, E_SYNTAX, "the body starts with a byte order mark; send UTF-8 without one");
	}
	skip_blanks(r);
	if (is_at_end(r))
		return err_set(&r->problem, E_SYNTAX, "the body holds no event");
	return 0;
}

int record_parse(struct record_parser *p, struct span json, int64_t now_us, struct record_batch *batch, struct err *err)
{
	size_t bytes_len = batch->bytes.len, count = batch->count;
	struct body_reader r = make_reader(p, json, now_us, batch);
	bool may_go_on;
	int rc = start_body(&r);

	if (rc == 0)
		rc = take_event(&r, false, &may_go_on);
	if (rc == 0) {
		skip_blanks(&r);
		if (!is_at_end(&r)) {
			rc = err_set(&r.problem, E_SYNTAX, "there is more behind the event");
			r.problem.offset = (int64_t)r.pos;
		}
	}
	if (rc < 0) {
		batch->bytes.len = bytes_len;
		batch->count = count;
		if (err)
			*err = r.problem;
	}
	return rc;
}

/* One event of a body; refused events are handed to `refused`. */
static int take_position(struct body_reader *r, bool is_array, uint64_t events_max, record_refused_fn *refused,
			 void *user)
{
	bool may_go_on = false;
	int rc;

	if (r->count == events_max)
		return err_set(&r->problem, E_TOO_LARGE, "a request may hold at most %" PRIu64 " events", events_max);
	rc = take_event(r, is_array, &may_go_on);
	if (rc < 0) {
		r->problem.position = (int64_t)r->count;
		if (!may_go_on || !refused || !refused(user, r->count, &r->problem))
			return rc;
		r->problem = (struct err)ERR_INIT;
	}
	r->count++;
	return 0;
}

/* Fails at r->pos with what was expected there. */
static int expected(struct body_reader *r, const char *what)
{
	r->problem.offset = (int64_t)r->pos;
	return err_set(&r->problem, E_SYNTAX, "the array of events is broken here: expected %s", what);
}

static bool take_byte(struct body_reader *r, uint8_t c)
{
	skip_blanks(r);
	if (is_at_end(r) || r->body.p[r->pos] != c)
		return false;
	r->pos++;
	return true;
}

static int read_array(struct body_reader *r, uint64_t events_max, record_refused_fn *refused, void *user)
{
	int rc = 0;

	if (!take_byte(r, '['))
		return expected(r, "'['");
	if (take_byte(r, ']'))
		return err_set(&r->problem, E_SYNTAX, "the body holds no event");
	do {
		skip_blanks(r);
		rc = take_position(r, true, events_max, refused, user);
	} while (rc == 0 && take_byte(r, ','));
	if (rc < 0)
		return rc;
	if (!take_byte(r, ']'))
		return expected(r, "',' or ']'");
	skip_blanks(r);
	return is_at_end(r) ? 0 : expected(r, "nothing more");
}

static int read_sequence(struct body_reader *r, uint64_t events_max, record_refused_fn *refused, void *user)
{
	int rc = 0;

	while (rc == 0 && !is_at_end(r)) {
		rc = take_position(r, false, events_max, refused, user);
		skip_blanks(r);
	}
	return rc;
}

static int parse_body(struct body_reader *r, enum record_body kind, uint64_t events_max, record_refused_fn *refused,
		      void *user, struct err *err)
{
	struct record_batch *batch = r->batch;
	size_t bytes_len = batch->bytes.len, count = batch->count;
	int rc = start_body(r);

	if (rc == 0 && kind == RECORD_BODY_AUTO && r->body.p[r->pos] == '[')
		kind = RECORD_BODY_ARRAY;
	r->is_lines = kind == RECORD_BODY_NDJSON;
	if (rc == 0)
		rc = kind == RECORD_BODY_ARRAY ? read_array(r, events_max, refused, user)
					       : read_sequence(r, events_max, refused, user);
	if (rc < 0) {
		batch->bytes.len = bytes_len;
		batch->count = count;
		if (err)
			*err = r->problem;
	}
	return rc;
}

int record_parse_body(struct record_parser *p, struct span body, enum record_body kind, int64_t now_us,
		      uint64_t events_max, record_refused_fn *refused, void *user, struct record_batch *batch,
		      struct err *err)
{
	struct body_reader r = make_reader(p, body, now_us, batch);

	return parse_body(&r, kind, events_max, refused, user, err);
}

int record_parse_rows(struct record_parser *p, const struct record_rows *rows, struct span body, int64_t now_us,
		      uint64_t events_max, record_refused_fn *refused, void *user, struct record_batch *batch,
		      struct err *err)
{
	struct body_reader r = make_reader(p, body, now_us, batch);
	int rc;

	r.rows = rows;
	rc = parse_body(&r, RECORD_BODY_AUTO, events_max, refused, user, err);
	buf_release(&r.event);
	return rc;
}
