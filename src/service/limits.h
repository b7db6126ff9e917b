/* Limits of the service, each with its reason. docs/limits.md has a row for each. */
#ifndef STELE_SERVICE_LIMITS_H
#define STELE_SERVICE_LIMITS_H

#define PAGE_STEP         1000u       /* records fetched at a time: 64 MiB of the largest ones */
#define PAGE_BYTES_MAX    (32u << 20) /* a page ends early once it holds so much, and says where it goes on */
#define NEAR_MAX          1000u       /* neighbours of an event, on each side */
#define EVENTS_MAX        100000u     /* of one append: numbered and answered as one */
#define WATCH_INTERVAL_MS 1000        /* how soon writes are tried again when the disk had been full */
#define CURSOR_TEXT_MAX   80u         /* bytes of a page's cursor with its NUL */

#define SIGN_INTERVAL_MS 500         /* how often grown ledgers are looked for: each is signed within a second */
#define LOG_HOST_MAX     160u        /* bytes: with the org and the ledger it is the name of a key */
#define STATE_BYTES_MAX  (64u << 20) /* of the state folder's file: the heads of some million ledgers */

/* Catalogues of entities and actions. */
#define CATALOGUE_BYTES_MAX    (256u << 10) /* of its JSON: some thousand entities and actions */
#define CATALOGUE_ENTITIES_MAX 1000u        /* a list that a person can still look through */
#define CATALOGUE_ACTIONS_MAX  200u         /* of an entity */
#define CATALOGUE_TEXT_MAX     200u         /* bytes of a key, name or action */
/* Consumers. */
#define CONSUMER_LOCKS   64u      /* reads of one consumer wait for each other, and seldom for those of another */
#define CONSUMER_STEP    4194304u /* records looked at before a read looks at the clock: a second without an index */
#define CONSUMER_READ_MS 5000     /* a read that finds little is then answered, with how far it got */
#define CONSUMER_NOTE_US INT64_C(60000000) /* a read that finds nothing is written down so often at most */
/* What is told of reading. */
#define READ_TEXT_MAX    256u   /* bytes of each text of an event but the query: lists of fields, paths to sort by */
#define TELLINGS_KEPT    16u    /* kept for reuse, some kilobytes each: searches that are under way at a time */
#define LOG_READ_S       60     /* what a principal reads of a log in so long is told of together */
#define LOG_READINGS_MAX 10000u /* of all principals and logs at a time, a kilobyte each; past it each is told of */

/* Exports. */
#define EXPORT_DEFLATE_BYTES   (64u << 10)  /* of records are handed to the archive writer together */
#define EXPORT_AGAIN_BYTES     (256u << 10) /* of records are found again at a time, to know which were left out */
#define BUNDLE_DIRECTORY_MAX   (64u << 10)  /* of an archive: six entries have some 500 bytes, and extra fields */
#define EXPORT_JOB_THREADS     2u           /* make files of export jobs */
#define EXPORT_JOBS_MAX        100u         /* of an org: they are listed in one answer */
#define EXPORT_KEEP_S          (24 * 3600u) /* the file of an export is kept so long */
#define EXPORT_PASS_MS         60000        /* how often expired ones are looked for */
#define EXPORT_PIECE_BYTES     (1u << 20)   /* of a file are made and written at a time */
#define EXPORT_SYNC_BYTES      (64u << 20)  /* of it are synced at a time: the journal's syncs wait for no more */
#define EXPORT_FILES_BYTES_MAX (UINT64_C(64) << 30) /* of all files together */
#define EXPORT_RESERVE_BYTES   (512u << 20)         /* of the disk are left free: as much as the journal may take */

/* Periods of a ledger in parts (part.h). */
#define PART_RECORDS 16384u /* numbers of a part: two blocks, some megabytes, which every client can hold */
#define PARTS_MAX    80u    /* of a period; where there are more records, parts are larger */

/* Retention. */
#define RETENTION_PASS_MS    3600000 /* how often it is looked for what has expired */
#define RETENTION_FIRST_MS   60000   /* the first time after the start, when what is urgent is done */
#define RETENTION_SPAN_SHARE 10      /* records in one file lie no further apart than this share of their days */

/* Verification in the background. */
#define VERIFY_RATE_MIB 8     /* read a second: a TiB in a day and a half */
#define VERIFY_EVERY_S  21600 /* passes begin no sooner one after the other, however little there is */
#define VERIFY_FIRST_S  60    /* nor sooner after the start */
#define VERIFY_KEEP_MS  60000 /* how often it is written down how far a pass is: so much is done again after a crash */
#define VERIFY_RETRY_MS 60000 /* after what kept it from going on */

/* Users and sessions. */
#define PASSWORD_MIN   12u         /* bytes: what NIST and others ask for where a password is all there is */
#define PASSWORD_MAX   1024u       /* bytes: a page of a book */
#define RESET_S        86400       /* that a token to set a password is good for */
#define SESSION_IDLE_S 1800        /* without a request a session ends (--session-idle) */
#define SESSION_S      (12 * 3600) /* a session ends, whatever comes: a working day */
#define SESSION_NOTE_S 60          /* how often it is written down that a session is used: a write that is synced */

/* Guesses of secrets. */
#define GUESS_ACCOUNT_FREE        5u   /* failures of an account from an address that cost nothing: typing errors */
#define GUESS_ACCOUNT_DELAY_MAX_S 900  /* the longest wait after one: 100 guesses a day */
#define GUESS_ADDRESS_FREE        50u  /* failures of an address over all accounts: a whole office mistypes */
#define GUESS_ADDRESS_DELAY_MAX_S 60   /* the longest wait after one: a new colleague waits no longer */
#define GUESS_FORGET_S            3600 /* without a failure, and all is as new */
#define GUESS_KNOWN_S             (30 * 86400) /* an account that worked from an address is known there so long */
#define GUESS_SETS                2048u        /* of the table: 16,384 entries, 512 KiB */
#define GUESS_WAYS                8u           /* entries of a set */

/* Proofs. */
#define PROOF_WAIT_MS    2000  /* for a signature that covers a record: one is made every second */
#define PROOF_STEP_MS    20    /* how often it is looked for, for those that wait */
#define PROOF_EVENTS_MAX 1000u /* of an append that waits for proofs: some 2 KiB each in its answer */

/* Rates: a MiB for keys and orgs, and one for addresses. */
#define RATE_SETS 8192u /* of a table */
#define RATE_WAYS 8u    /* buckets of a set */

/* API keys. */
#define PERMISSION_NAME_MAX 64       /* bytes of a wrong name that a message repeats */
#define KEY_USE_NOTED_S     60       /* how often it is written down when a key was used last: a write that is synced */
#define KEY_USES_NOTED      64u      /* keys are written down at a time */
#define NARROWS_MAX         10000u   /* queries that keys of an org had since the start: kept, as requests use them */
#define KEY_OVERLAP_S       86400    /* the secret before a rotation is taken so long, unless another time is said */
#define KEY_OVERLAP_MAX_S   2592000  /* 30 days: longer is no rotation */
#define RATE_MAX            1000000u /* requests or events a second that a limit may say: more is none */
/* Who asks. */
#define ACCESS_TOKEN_MAX 4096u /* bytes: a dialect's claims and room; half of what proxies take as a header */
#define ACCESS_TOKEN_S   3600  /* seconds that one is good for: what all vendors' clients expect */
#define JWT_SKEW_S       60    /* the clock of a client that signs its own may be so far ahead */
#define REFUSALS_MAX     128u  /* refused client ids and addresses that are counted apart: an event a minute each */
#define REFUSALS_ORG_MAX 32u   /* of one org: who guesses at its keys must not hide guesses at another's */
#define REFUSALS_KEY_MAX 4u    /* of one client id, nor those at another of its keys */
#define REFUSAL_EVERY_MS 60000 /* between two events about one of them: guessing must not fill the disk */

#endif
