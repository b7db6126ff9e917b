/*
 * What a Keepnet row tells of values before and after: JSON within a string. As far as it can be members of an event it
 * becomes such, so that searches find what is in it; the string itself may have to be kept all the same.
 */
#ifndef STELE_CODEC_KEEPNET_TOLD_H
#define STELE_CODEC_KEEPNET_TOLD_H

#include <yyjson.h>

#include "base/buf.h"
#include "base/err.h"

struct keepnet_told {
	struct buf text;      /* the string, with its secrets masked */
	struct buf canonical; /* the same JSON as a record writes it; empty: it cannot be part of one */
	struct buf source;    /* what `doc` points into */
	yyjson_doc *doc;      /* NULL: it is no JSON */
};

#define KEEPNET_TOLD_INIT                                                                                              \
	{                                                                                                              \
		BUF_INIT, BUF_INIT, BUF_INIT, NULL                                                                     \
	}

/* E_TOO_LARGE when it is nested too deep to be looked through for secrets. */
int keepnet__told_read(struct span text, struct keepnet_told *ret, struct err *err) __attribute__((warn_unused_result));
void keepnet__told_release(struct keepnet_told *t);

static inline bool keepnet__told_is_object(const struct keepnet_told *t)
{
	return t->canonical.len > 0 && t->canonical.p[0] == '{';
}

/* Appends the object of what each property was ("OldValue") or is ("NewValue"), as a record writes it, when the JSON is
 * a list of changes. Whether it is. */
bool keepnet__told_changes(const struct keepnet_told *t, const char *which, struct buf *to);

#endif
