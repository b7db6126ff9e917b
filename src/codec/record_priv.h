/*
 * How the record's files work together.
 *
 *   record_read.c    yyjson over a piece of a body, in place, in memory of fixed size
 *   record_schema.c  the members an event may have, and the checks of their kinds
 *   record_write.c   any JSON value in canonical form; order of keys; depth and counts
 *   record_event.c   one parsed event to one record of a batch
 *   record_body.c    the events of a body, one after another; record_parse is a body of one
 *   record_check.c   a stored record against its own canonical form
 */
#ifndef STELE_CODEC_RECORD_PRIV_H
#define STELE_CODEC_RECORD_PRIV_H

#include <yyjson.h>

#include "codec/json_text_priv.h"
#include "codec/record.h"
#include "codec/record_view.h"

/* An event whose members have been told apart: what the client gave (NULL: not given, or null) and its time. */
struct record_event {
	yyjson_val *members[RECORD_MEMBER_COUNT];
	int64_t time_us;
	bool is_stored; /* has id and received, and everything as the writer writes it */
};

/* A member waiting for its turn: the first bytes of its name, as a number that compares as the names do. */
struct record_entry {
	uint64_t prefix;
	yyjson_val *key;
};

/* At most one leaf of a record lies below two entries of different depth, so this many can be open in a record that
 * keeps to the limits. */
#define RECORD_ENTRIES_MAX (RECORD_VALUES_MAX + RECORD_DEPTH_MAX)

/* Where the writer is, for messages: a member's name, or an index when key is NULL. */
struct record_step {
	yyjson_val *key;
	size_t index;
};

/*
 * Writes without looking at the room left: `p` must have room for five times the source and RECORD_ROOM_FIXED more.
 * That is always enough. White space goes; a string gets no longer, because what is escaped here had to be escaped
 * there; the number that grows most is "9e20", five bytes with its comma, which becomes 22.
 */
struct record_writer {
	uint8_t *p;
	unsigned depth; /* of the container being written; the event itself is 1 */
	unsigned values;
	size_t entry_count;
	struct record_entry entries[RECORD_ENTRIES_MAX];
	struct record_step path[RECORD_DEPTH_MAX + 1]; /* path[d]: the member or index in the container of depth d */
	struct err *err;
};

/* id, received and time with their names, and the slack of the copies. */
#define RECORD_ROOM_FIXED 256

static inline size_t record__room(size_t source_len)
{
	return source_len * 5 + RECORD_ROOM_FIXED;
}

/*
 * A piece of a body, copied so that yyjson can decode strings in place. Values parsed out of it are borrowed until the
 * next record__load or record__read.
 */
struct record_text {
	uint8_t *p;
	size_t len;
	size_t cap;
};

struct record_parser {
	struct record_text text;
	uint8_t *values; /* yyjson's memory, of fixed size */
	size_t values_cap;
	size_t values_used;
	struct record_writer writer;
	record_require_fn *require; /* NULL: none */
	void *require_user;
};

/* An event that keeps to the limits has at most 512 leaves below 15 containers each, and as many names: 16 bytes each,
 * and half as much again for the steps in which yyjson grows. */
#define RECORD_MEMORY (512u << 10)

/* A parser with less memory than RECORD_MEMORY, for values that are known to need no more. */
struct record_parser *record__parser_new(size_t memory);

/* Makes `text` the piece to parse. E_NO_MEMORY. */
int record__load(struct record_parser *p, struct span text, struct err *err) __attribute__((warn_unused_result));

/* How record__read ended. */
enum record_read {
	RECORD_READ_OK,
	RECORD_READ_CUT,    /* the text ends before the value does */
	RECORD_READ_FAILED, /* err says why; err->offset is from the piece's start */
};

/* Parses the value at `off` of the loaded piece; *ret_end is the offset behind it. */
enum record_read record__read(struct record_parser *p, size_t off, yyjson_val **ret_root, size_t *ret_end,
			      struct err *err);

/* Finds the members of `root` and checks their kinds. Everything but canonical form. */
int record__schema(yyjson_val *root, int64_t now_us, struct record_event *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The event as a record at the batch's end; `source_len` is the length of its JSON text. */
int record__append(struct record_parser *p, const struct record_event *event, size_t source_len,
		   struct record_batch *batch, struct err *err) __attribute__((warn_unused_result));

/* The member's name as it is written, with its length; and its number, or -1. */
struct span record__member_name(enum record_member member);
int record__member_find(struct span name);

/* Appends one value in canonical form at w->p; the caller has set depth and path. */
int record__write_value(struct record_writer *w, yyjson_val *val) __attribute__((warn_unused_result));

/* Orders names by UTF-16 code units; both valid UTF-8, both readable for 8 bytes past their ends. */
int record__name_cmp(struct span a, struct span b);
uint64_t record__name_prefix(struct span name);

/* At most `max` bytes of valid UTF-8, cut between characters: for messages. */
struct span record__cut(struct span text, size_t max);

static inline struct span record__string(yyjson_val *val)
{
	return span_of(unsafe_yyjson_get_str(val), unsafe_yyjson_get_len(val));
}

#endif
