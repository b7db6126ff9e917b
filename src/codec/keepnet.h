/*
 * The rows of Keepnet's audit log: the eleven fields of its search, and the nine of the list of one's own company.
 * docs/dialects/keepnet.md has the tables.
 */
#ifndef STELE_CODEC_KEEPNET_H
#define STELE_CODEC_KEEPNET_H

#include "codec/row.h"

/* row_given of keepnet_own_row. */
enum keepnet_given { KEEPNET_COMPANY_ID };

/* In the order of the vendor's members. */
enum keepnet_cell {
	KEEPNET_RESOURCE_ID,
	KEEPNET_USER_NAME,
	KEEPNET_ENTITY_RESOURCE_ID,
	KEEPNET_ENTITY_NAME,
	KEEPNET_OLD_VALUE,
	KEEPNET_NEW_VALUE,
	KEEPNET_OPERATION,
	KEEPNET_IP,
	KEEPNET_USER_AGENT,
	KEEPNET_AUDIT_DESCRIPTION,
	KEEPNET_LOG_DATE,
	KEEPNET_CELL_COUNT,
};

extern const struct row_table keepnet_row;      /* its cells are enum keepnet_cell */
extern const struct row_table keepnet_own_row;  /* of POST /api/audit-logs */
extern const struct row_table keepnet_file_row; /* of files, with the titles of the vendor's page */

/* The operations the vendor has, by the numbers its interface gives them, and the action each is in a record. */
#define KEEPNET_OPERATION_COUNT 6u
extern const char *const keepnet_operations[KEEPNET_OPERATION_COUNT];
extern const char *const keepnet_actions[KEEPNET_OPERATION_COUNT];

#endif
