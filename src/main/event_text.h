/* Events in answers of the server, and how they are shown to people. */
#ifndef STELE_MAIN_EVENT_TEXT_H
#define STELE_MAIN_EVENT_TEXT_H

#include "base/buf.h"
#include "base/err.h"

/* A page of GET /v1/events: where its records lie in the answer. */
struct event_page {
	struct span *records; /* borrowed from the answer's body, byte for byte as the server stores them */
	size_t count;
	char *next_cursor; /* NULL: none */
	char *explain;     /* JSON, indented; NULL: none */
	bool has_total;
	uint64_t total;
	bool total_exact;
};

/* E_INVALID when the body is no such page. */
int event_page_parse(struct span body, struct event_page *ret, struct err *err) __attribute__((warn_unused_result));
void event_page_release(struct event_page *p);

/* Appends one line: time, actor, action, entity, outcome, description; control characters become blanks. */
void event_text_line(struct buf *to, struct span record);

/* The event's id, 32 digits, borrowed from the record; empty when it has none. */
struct span event_text_id(struct span record);

#endif
