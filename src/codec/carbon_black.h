/*
 * The rows of Carbon Black Cloud's audit log: the one of its audit log API, and the older one of its integration
 * services. docs/dialects/carbon-black.md has the tables.
 */
#ifndef STELE_CODEC_CARBON_BLACK_H
#define STELE_CODEC_CARBON_BLACK_H

#include "codec/row.h"

/* row_given of both. */
enum carbon_black_given { CARBON_BLACK_ORG_KEY, CARBON_BLACK_ORG_NAME };

extern const struct row_table carbon_black_row;    /* audit_log/v1 */
extern const struct row_table carbon_black_v3_row; /* integrationServices/v3 */

#endif
