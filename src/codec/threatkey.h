/* The rows of ThreatKey's audit log: five columns, as JSON and as CSV. docs/dialects/threatkey.md has the table. */
#ifndef STELE_CODEC_THREATKEY_H
#define STELE_CODEC_THREATKEY_H

#include "codec/row.h"

#define THREATKEY_COLUMNS 5u

extern const struct row_table threatkey_row;

#endif
