/* Limits of what operators configure, each with its reason. docs/limits.md has a row for each. */
#ifndef STELE_CONTROL_LIMITS_H
#define STELE_CONTROL_LIMITS_H

#define ORG_KEY_MAX        64u          /* bytes: it stands in URLs, logs and checkpoint origins */
#define ORG_NAME_MAX       200u         /* bytes: a label for people */
#define CLIENT_ID_MAX      32u          /* bytes: what names an API key without being secret */
#define ORGS_MAX           10000u       /* tenants of a node, listed in one answer */
#define ROLE_NAME_MAX      64u          /* bytes: a word like "auditor" */
#define PRINCIPAL_NAME_MAX 254u         /* bytes: an e-mail address, or what an API key is called */
#define SESSION_ID_LEN     16u          /* hex digits of what names a session without being secret */
#define LEDGER_NAME_MAX    8u           /* bytes: "main", "self" */
#define LEDGER_EPOCH_S     (30 * 86400) /* of new records are under one key, unless their retention is shorter */
#define LEDGER_EPOCH_MIN_S 86400        /* a key a day: they are kept for as long as the records */
#define EXPORT_ID_LEN      32u          /* hex digits of an export job's id: 128 random bits */
#define EXPORT_WORD_MAX    32u          /* bytes: "ndjson", "no_space" */

#define NARROW_MAX           2048u /* bytes of the query that says what a key may see: a condition, not a list */
#define NETWORKS_MAX         32u   /* a key may be used from: offices and subnets, not single machines */
#define NETWORKS_TEXT_MAX    1600u /* bytes of these as text: 49 each and a comma */
#define API_KEYS_MAX         1000u /* of an org, in force: a list that a person can still look through */
#define API_KEYS_LISTED_MAX  2000u /* with those that were revoked */
#define ROLES_MAX            100u  /* of an org's own making: more than people can tell apart */
#define ROLE_PERMISSIONS_MAX 512u  /* bytes of a role's permissions as text */
#define ROLE_DESCRIPTION_MAX 500u  /* bytes: a sentence or two */

#define USERS_MAX         10000u             /* of an org, disabled ones too: listed in one answer */
#define USER_EMAIL_MAX    PRINCIPAL_NAME_MAX /* bytes: RFC 5321 has no longer ones */
#define USER_NAME_MAX     200u               /* bytes: what people call each other */
#define SESSIONS_USER_MAX 20u                /* of a user at a time: more devices than anybody has */
#define SESSIONS_LIST_MAX 1000u              /* in one answer: the newest */
#define SESSION_AGENT_MAX 512u               /* bytes: USER_AGENT_MAX, which is three floors up */
#define SESSION_IP_MAX    45u                /* bytes: an IPv6 address */
#define SESSIONS_KEPT_MAX 100u         /* rows of dead ones of a user: who signs in again and again fills no disk */
#define SESSION_KEEP_S    (30 * 86400) /* rows of ended sessions: long enough to look back */

#define SAVED_SEARCHES_MAX     1000u /* of an org: a list that a person can still look through */
#define SAVED_SEARCH_NAME_MAX  100u  /* characters: one line of a list */
#define SAVED_SEARCH_QUERY_MAX 8192u /* bytes: QUERY_BYTES_MAX, which is two floors up */
#define SAVED_SEARCH_TIME_MAX  64u   /* bytes of from and to: TIME_TEXT_MAX */
#define SAVED_SEARCH_LINE_MAX  4096u /* bytes of sort, columns and description */

#define CONSUMERS_MAX     100u /* of an org, besides the one each API key may have: more readers than there are systems */
#define CONSUMER_NAME_MAX 64u /* bytes: it stands in URLs and logs */

#define ACCOUNT_TYPE_MAX    64u    /* bytes: a word like "free" or "enterprise" */
#define RETENTION_PLANS_MAX 100u   /* account types with days of their own */
#define RETENTION_DAYS_MAX  36500u /* a hundred years: more is meant as for ever */
#define HOLDS_MAX           1000u  /* of an org, at a time: a list that a person can still look through */
#define HOLDS_LISTED_MAX    2000u  /* with those that were released */
#define HOLD_REASON_MAX     500u   /* bytes: a file number and a sentence */
#define EXPIRY_KEY_MAX      100u   /* bytes of a certificate's idempotency key */
#define EXPIRY_EVENT_MAX    4096u  /* bytes of a certificate */
#define FAULTS_MAX          1000u /* found by the background verification and remembered: enough to see what is wrong */
#define FAULT_FILE_MAX      159u  /* bytes: what an error can name */
#define FAULT_MESSAGE_MAX   319u  /* bytes: what an error can say */

#endif
