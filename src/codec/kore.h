/*
 * The rows of Kore.ai's audit logs: the one of AI for Work, and that of AI for Service's console (XO).
 * docs/dialects/kore.md
 * has the tables.
 */
#ifndef STELE_CODEC_KORE_H
#define STELE_CODEC_KORE_H

#include "codec/row.h"

enum kore_given { KORE_ACCOUNT_ID };

extern const struct row_table kore_row;    /* AI for Work */
extern const struct row_table kore_xo_row; /* AI for Service */

#define KORE_ID_LEN 24 /* hex digits of _id, an ObjectId's: the first of the event's id */

#endif
