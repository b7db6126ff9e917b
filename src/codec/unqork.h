/*
 * Unqork's audit event, out of a record and into one. docs/dialects/unqork.md has the table.
 *
 * The vendor's page and its live interface put outcome, actor and context in different places, so an event that is made
 * of a record has them in both: at its root and in its object. An event that was taken in comes out as it was: what a
 * record has no place for, or would show otherwise, is kept under attributes.unqork. Pure.
 */
#ifndef STELE_CODEC_UNQORK_H
#define STELE_CODEC_UNQORK_H

#include "base/buf.h"
#include "base/span.h"

/* Appends the event of a record, a JSON object of one line, whatever its reader takes for the end of one. */
void unqork_put(struct span record, struct buf *to);

#endif
