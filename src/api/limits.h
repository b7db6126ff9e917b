/* Limits of the HTTP server, each with its reason. docs/limits.md has a row for each. */
#ifndef STELE_API_LIMITS_H
#define STELE_API_LIMITS_H

#define BODY_BYTES_MAX       (32u << 20)  /* of a request as it comes: some 60,000 events of half a kilobyte */
#define BODY_INFLATED_MAX    (256u << 20) /* of a request once gzip or zstd is undone: stops decompression bombs */
#define JSON_BODY_MAX        (64u << 10)  /* of a body that holds parameters: the longest query, escaped, and room */
#define FORM_BODY_MAX        (16u << 10)  /* of a body that asks for a token: client id, secret, scope, and room */
#define FORM_FIELDS_MAX      32u          /* of such a form: six are known */
#define BODY_MEMORY_MAX      (512u << 20) /* bodies and answers of all requests together; beyond it 503 */
#define BODY_ZSTD_LOG_MAX    25           /* window of a zstd body, log2: 32 MiB, as much as a body may have */
#define DRAIN_BYTES_MAX      (64u << 20)  /* of a refused body are read, so that the client gets to see the answer */
#define KORE_VALUE_MAX       1024u        /* bytes of a parameter's value in the Kore.ai dialect: an id, an address */
#define KORE_XO_SIZE_MAX     100u         /* rows of a page: the vendor's */
#define ASSET_PATH_MAX       64u          /* bytes: what the program carries has shorter names */
#define USER_AGENT_MAX       512u /* bytes that events of the self ledger tell; the longest usual ones have 300 */
#define CREDENTIAL_BYTES_MAX 512u /* of client id and secret in basic authentication: a key has 81 */
#define INLINE_BYTES_MAX     (64u << 10) /* larger bodies are parsed by a worker: a connection thread stays responsive */
#define NEAR_DEFAULT         10u         /* neighbours of an event, on each side, when nothing is said */
#define POOL_REQUESTS_MAX    256u        /* idle requests kept for reuse */
#define POOL_BYTES_MAX       (8u << 20)  /* a buffer beyond it is freed after its request */
#define POOL_BYTES_TOTAL     (64u << 20) /* buffers of all idle requests together */
#define CONNECTIONS_MAX      12000u      /* ten thousand idle clients and room */
/* Headers, and half of it for reading. libmicrohttpd clears all of it after each request; from more than 32 KiB on it
 * maps the memory instead of taking it from the heap, so that a closed connection gives it back. */
#define CONNECTION_MEMORY  (36u << 10)
#define CONNECTION_THREADS 4u
#define WORKER_THREADS     5u    /* four for an org, and one that it leaves to others */
#define HASHING_THREADS    2u    /* passwords are hashed so many at a time: 64 MiB and a processor each */
#define HASHING_MAX        32u   /* requests that hash or wait for it: the last of them waits some three seconds */
#define IDLE_TIMEOUT_S     30    /* a connection on which nothing moves is closed */
#define REQUEST_TIMEOUT_S  60    /* for a header, and for a body or an answer of no length: a slow line, not a drip */
#define SLOWEST_BYTES_S    65536 /* longer ones have a second more for so many bytes: half a megabit */
#define DEADLINE_STEP_MS   500   /* how often those that are late are looked for */
#define TAILS_MAX          1000u /* followers of ledgers at a time: each may hold TAIL_BYTES_MAX and a record */
#define TAIL_BYTES_MAX     (64u << 10) /* of events that wait for one follower, and one event more */
#define TAIL_EVENTS_MAX    256u        /* fetched for a follower at a time */
#define TAIL_STEP_MS       100         /* how often ledgers are looked at for new events */
#define TAIL_LOOK_MS       1000        /* how often followers are looked at for whether they are still there */
#define TAIL_STOP_MS       1000        /* a follower that does not take its last bytes may take so long at the stop */
#define TAIL_RETRY_MS      2000        /* what followers are told to wait before they connect again */
#define HEARTBEAT_S        15          /* a follower gets a sign of life so often: proxies close what is silent */
#define STOP_TIMEOUT_MS    10000       /* requests whose body is still coming may take so long when the server stops */
#define TLS_LOOK_MS        2000        /* how often the files of the certificate are looked at */
#define TLS_RETIRED_S      259200      /* a replaced one is kept so long: a handshake takes no two request timeouts */
#define LISTEN_BACKLOG     4096        /* connections that wait for accept */
#define SYSTEM_METRICS_S   60          /* between two events of the server's own performance */
#define METRICS_ROUTES_MAX 60u         /* resources listed in one: six values each of the 512 of a record */
#define RETRY_AFTER_S      1           /* what a 503 tells the client */

/* Files of dialects. */
#define EXPORT_WINDOW_ROWS 5000u       /* looked for at a time: some megabytes, and few searches in all */
#define EXCEL_ROWS_MAX     50000u      /* of a workbook, which is made in memory: an hour's reading */
#define EXCEL_BYTES_MAX    (24u << 20) /* of its text: with its marks it fits into a container's 64 MiB of /dev/shm */
#define EXCEL_CELL_MAX     32767u      /* of a cell, in bytes: what Excel takes, in characters */

/* What the clients of Carbon Black Cloud reckon with. */
#define CARBON_BLACK_BATCH  2500u       /* rows of a queue at a time: clients take fewer for the last ones */
#define CARBON_BLACK_BACK_S (3 * 86400) /* the queue of a key that reads for the first time begins so long ago */
#define CARBON_BLACK_ROWS   20u         /* of a page when nothing is said */
#define CARBON_BLACK_WINDOW 10000u      /* rows of a search that paging reaches: beyond it there is _export */

/* Pages by number, of dialects. */
#define PAGINGS_MAX       1024u /* places of clients that are kept: some 72 KiB */
#define PAGING_PLACES_MAX 8u    /* of them of one search of one client */
#define PAGING_KEEP_S     600   /* after their last page */

/* ThreatKey's interface. */
#define THREATKEY_VALUE_MAX       1024u       /* bytes of a parameter */
#define THREATKEY_ROWS_MAX        1000u       /* of a page */
#define THREATKEY_CSV_COLUMNS_MAX 32u         /* of a table that comes in: five, and what is kept beside them */
#define THREATKEY_CSV_BYTES_MAX   (16u << 20) /* of such a table: it is in memory twice, as rows too */
#define THREATKEY_CSV_ROWS_BYTES                                                                                       \
	(64u << 20) /* of its rows, each of which has the names in it: some 30 MiB at the usual */

/* Unqork's interface. */
#define UNQORK_RATE          1000u /* requests of an address in UNQORK_RATE_S: what the vendor allows */
#define UNQORK_RATE_S        60u
#define UNQORK_LOCK_FAILURES 5u    /* wrong secrets of a credential, then it is locked for the address they came from */
#define UNQORK_LOCK_S        1800u /* so long: as long as the vendor locks it for all */
#define UNQORK_LINK_S        900   /* a location is good for so long: time to fetch 80 files, 15 at once */
#define RECENT_SETS          1024u /* of a table of counts: 4,096 entries, 96 KiB */
#define RECENT_WAYS          4u    /* entries of a set */

/* Answers that are made while they are sent. */
/* Exports and downloads at a time: three of the collectors that fetch 15 files at once. Each holds some megabytes. */
#define STREAMS_MAX         48u
#define STREAM_BUFFER_BYTES (256u << 10) /* two for each stream: one is sent while the other is filled */
#define STREAM_PIECE_BYTES  (32u << 10)  /* of it are handed to a socket at a time */
#define STREAM_LOOK_MS      1000         /* how often it is looked at whether who gets a stream still may */
#define STREAM_STOP_MS      2000         /* streams may take so long to end when the server stops; then they are cut */
#define DAMAGED_SHOWN_MAX   16u          /* ranges that the header of an export names */

#endif
