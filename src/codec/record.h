/*
 * The canonical record: from an event as clients send it to the bytes that are hashed, stored, proved and returned.
 * The format is docs/format/record.md; DESIGN section 3.
 *
 * A record is a JSON object in RFC 8785 form (keys sorted by UTF-16 units at every level, minimal escapes, ECMAScript
 * numbers, integers outside ±2^53 keep their digits) with these members: action (required string, not empty), time,
 * received, id, category, type, severity, description, actor, entity, outcome, context, before, after, tags,
 * attributes. `id` (32 hex digits) and `received` (27 bytes) are written as '0's here and patched in by the store once
 * the record's index is known; both have fixed lengths, so the record's length never changes.
 *
 * Pure: no I/O, no clock, no globals. One record_parser serves one thread at a time and keeps its memory between uses.
 */
#ifndef STELE_CODEC_RECORD_H
#define STELE_CODEC_RECORD_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/limits.h"
#include "codec/timestamp.h"

#define RECORD_ID_LEN 32

/* Where a record lies in its batch's bytes, and where its two patched fields lie inside the record. */
struct record_ref {
	uint32_t off; /* in batch->bytes */
	uint16_t len;
	uint16_t id_off;       /* of the 32 hex digits, from the record's start */
	uint16_t received_off; /* of the 27 bytes, from the record's start */
	int64_t time_us;
};

/* A run of canonical records, back to back in `bytes` without separators, in the order they came. */
struct record_batch {
	struct buf bytes; /* at most 4 GiB - 1 */
	struct record_ref *refs;
	size_t count;
	size_t refs_cap;
};

#define RECORD_BATCH_INIT                                                                                              \
	{                                                                                                              \
		BUF_INIT, NULL, 0, 0                                                                                   \
	}

void record_batch_release(struct record_batch *b);
void record_batch_reset(struct record_batch *b); /* keeps memory */

struct record_parser;
struct record_parser *record_parser_new(void);
struct record_parser *record_parser_free(struct record_parser *p); /* returns NULL */

/* What more is asked of a record than this format asks: 0, or an error, and the event is refused for it. */
typedef int record_require_fn(void *user, struct span record, struct err *err);

/* Has every record that is made from here on checked; NULL: none. */
void record_parser_require(struct record_parser *p, record_require_fn *check, void *user);

/*
 * Parses one event (one JSON object, white space around it allowed) and appends its record to `batch`. `now_us` stands
 * in for a missing time. On failure nothing is appended and `err` has the code (E_SYNTAX, E_INVALID, E_TOO_LARGE), a
 * message that says what would be accepted, `field` (the member's path, when known) and `offset` (of a syntax error, in
 * `json`). Refused: duplicate keys, invalid UTF-8, lone surrogates, NaN and Infinity, numbers that overflow a double,
 * unknown top-level members (the message says to put them under attributes), `id` and `received` (they are the
 * server's), wrong kinds of the known members (strings are strings,
 * actor/entity/outcome/context/tags/attributes/before/ after are objects; null members are dropped at the top level),
 * unknown severity, a time that is no RFC 3339 time, anything past limits.h (E_TOO_LARGE with the limit in the
 * message).
 */
int record_parse(struct record_parser *p, struct span json, int64_t now_us, struct record_batch *batch, struct err *err)
	__attribute__((warn_unused_result));

/* How a request body lists its events. RECORD_BODY_AUTO: '[' starts an array, anything else is objects one after
 * another with white space between (so one object and NDJSON alike). */
enum record_body { RECORD_BODY_AUTO, RECORD_BODY_NDJSON, RECORD_BODY_ARRAY };

/* Called for an event that was refused; `position` counts events of the body from 0. Returns true to go on with the
 * rest ("partial"), false to give up. */
typedef bool record_refused_fn(void *user, uint64_t position, const struct err *err);

/*
 * Parses a whole body of at most `events_max` events. Without `refused` (NULL), or when it returns false, the first bad
 * event fails the call: err->position and err->offset (in the body) are set and `batch` is as it was. With it, bad
 * events are skipped: a bad line of NDJSON, where an event has one line to itself, is skipped to its line end; an array
 * or other body broken so that the next event cannot be found (docs/format/record.md) fails the call whole. An empty
 * body, or more than events_max, is an error.
 */
int record_parse_body(struct record_parser *p, struct span body, enum record_body kind, int64_t now_us,
		      uint64_t events_max, record_refused_fn *refused, void *user, struct record_batch *batch,
		      struct err *err) __attribute__((warn_unused_result));

/* Checks that bytes are a canonical record (as stored: with id and received filled in) and finds its fixed fields;
 * `ret->off` is 0. Used by recovery and verify; E_CORRUPT with the offset when they are not. */
int record_check(struct span record, struct record_ref *ret, struct err *err) __attribute__((warn_unused_result));

/* The same for who checks many, one after the other: keeps its memory. */
struct record_checker;
struct record_checker *record_checker_new(void);
struct record_checker *record_checker_free(struct record_checker *c); /* returns NULL */
int record_checker_check(struct record_checker *c, struct span record, struct record_ref *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Appends the record that `json` is a copy of, printed by whatever program, white space and all: its canonical form,
 * the bytes that were hashed. E_CORRUPT when it is none of a record. */
int record_canonical(struct span json, struct buf *to, struct err *err) __attribute__((warn_unused_result));

#endif
