/*
 * Looking values up in a record's own text, without a tree in memory.
 *
 * A path is as query trees have it: escaped member names joined by SHAPE_PATH_SEP. Values are raw JSON, borrowed from
 * the record. Trusts records to be canonical JSON; on other bytes what is found is of no use, but nothing outside them
 * is read. Pure.
 */
#ifndef STELE_CODEC_RECORD_PATH_H
#define STELE_CODEC_RECORD_PATH_H

#include "base/span.h"

/* The members of an object or the items of an array, one after the other. */
struct record_items {
	const uint8_t *at; /* NULL: no more */
	const uint8_t *end;
	bool is_object;
};

/* Begins with the first of `json`; a value of another kind has none. */
struct record_items record_items_of(struct span json);

/* The next one's name (escaped; empty in an array) and value; false when there is none. */
bool record_items_next(struct record_items *it, struct span *ret_name, struct span *ret_json);

/* The value at `path`, which leads through objects alone: what lies in the items of an array is not found, the array
 * is. False when there is none. */
bool record_path_get(struct span record, struct span path, struct span *ret_json);

/* Called for a value; false ends the walk. */
typedef bool record_path_value_fn(void *user, struct span json);

/* Every value at `path`, arrays on the way gone through item by item, in the order of the text. Whether all were
 * visited. */
bool record_path_each(struct span record, struct span path, record_path_value_fn *fn, void *user);

#endif
