/* What goes out as a Keepnet row and what comes in share how changes are written, and what is never shown. */
#ifndef STELE_CODEC_KEEPNET_PRIV_H
#define STELE_CODEC_KEEPNET_PRIV_H

#include "codec/keepnet.h"

#define KEEPNET_KEPT "keepnet" /* under attributes */
#define KEEPNET_MASK "********"

/* Whether a property of this name holds a secret. */
bool keepnet__is_secret(struct span name);

/* Whether a text is asterisks alone: a secret that somebody has masked already. */
bool keepnet__is_masked(struct span text);

/*
 * Appends what differs between two objects of canonical JSON (p NULL: there is none), as the vendor lists it:
 * [{"PropertyName":"Email","OldValue":"a","NewValue":"b"}]. Values are text, null where there is none; secrets are
 * masked.
 */
void keepnet__put_changes(struct span before, struct span after, struct buf *to);

/* Appends canonical JSON with its secrets masked. */
void keepnet__put_masked(struct span json, struct buf *to);

#endif
