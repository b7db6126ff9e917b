/*
 * A record's top-level members, found in one walk: for who needs several of them. Values are raw JSON, borrowed from
 * the record. Trusts records as record_path.h does. Pure.
 */
#ifndef STELE_CODEC_RECORD_VIEW_H
#define STELE_CODEC_RECORD_VIEW_H

#include "base/span.h"

/* The members of an event, in the order of their names, which is the order in which a record has them. */
enum record_member {
	RECORD_ACTION,
	RECORD_ACTOR,
	RECORD_AFTER,
	RECORD_ATTRIBUTES,
	RECORD_BEFORE,
	RECORD_CATEGORY,
	RECORD_CONTEXT,
	RECORD_DESCRIPTION,
	RECORD_ENTITY,
	RECORD_ID,
	RECORD_OUTCOME,
	RECORD_RECEIVED,
	RECORD_SEVERITY,
	RECORD_TAGS,
	RECORD_TIME,
	RECORD_TYPE,
	RECORD_MEMBER_COUNT,
};

struct record_view {
	struct span member[RECORD_MEMBER_COUNT]; /* p NULL: the record has no such member */
};

void record_view_of(struct span record, struct record_view *ret);

/* The value of `name` within an object (raw JSON); false when it is none, or has no such member, or that is null. */
bool record_view_find(struct span object, const char *name, struct span *ret_json);

#endif
