/* Limits of what operators configure, each with its reason. docs/limits.md has a row for each. */
#ifndef STELE_CONTROL_LIMITS_H
#define STELE_CONTROL_LIMITS_H

#define ORG_KEY_MAX     64u  /* bytes: it stands in URLs, logs and checkpoint origins */
#define ORG_NAME_MAX    200u /* bytes: a label for people */
#define CLIENT_ID_MAX   32u  /* bytes: what names an API key without being secret */
#define ROLE_NAME_MAX   16u  /* bytes */
#define LEDGER_NAME_MAX 8u   /* bytes: "main", "self" */

#endif
