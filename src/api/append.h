/* Appending what a request's body holds: events, or a vendor's rows. */
#ifndef STELE_API_APPEND_H
#define STELE_API_APPEND_H

#include "api/route.h"
#include "codec/row_format.h"

struct request;

/* What the body holds instead of events. */
struct append_rows {
	enum row_format format;
	struct row_given given;
};

/* Appends the body's events; `rows` NULL: they are events. They are used within
 * the call alone. `answer` makes the answer once r->in.append is done. */
enum handled append_run(struct request *r, const struct append_rows *rows, void (*answer)(struct request *r));

/* The native answer: how many, from which index on, their ids. */
void append_answer(struct request *r);

#endif
