/*
 * What the server does, without HTTP: keys and orgs, appending, searching, reading, sealing, figures. Dialects and the
 * native API stand on it.
 *
 * A data folder: control.db, master.key, the store's folders, and bootstrap.json of the first start. One struct service
 * is used by many threads at once.
 */
#ifndef STELE_SERVICE_SERVICE_H
#define STELE_SERVICE_SERVICE_H

#include "base/err.h"
#include "base/io.h"
#include "control/control.h"
#include "query/catalog.h"
#include "query/histogram.h"
#include "query/search.h"
#include "service/limits.h"
#include "service/principal.h"
#include "store/store.h"

struct service;
struct org;

#define DEFAULT_LOG_HOST "localhost"

struct service_config {
	struct io *io;
	const char *folder;
	const char *url;        /* where it will be reached; stands in bootstrap.json */
	const char *master_key; /* its source, as key_ring_open has it; NULL: <folder>/master.key */
	/* 0 for the usual: */
	const char *log_host;      /* DEFAULT_LOG_HOST; of the logs' origins */
	const char *state_folder;  /* none; where signed heads are kept outside of the data folder */
	uint32_t session_idle_s;   /* SESSION_IDLE_S */
	uint32_t export_keep_s;    /* EXPORT_KEEP_S */
	uint64_t export_bytes_max; /* EXPORT_FILES_BYTES_MAX */
	uint32_t verify_rate_mib;  /* VERIFY_RATE_MIB */
	uint32_t verify_every_s;   /* VERIFY_EVERY_S */
	uint32_t request_rate;     /* none: requests a second of each org, key and user that has no limit of its own */
	uint32_t event_rate;       /* none; events */
};

/* Opens the folder (made when missing) and recovers. The first start makes an org and an API key with all rights and
 * writes bootstrap.json (mode 0600); *ret_is_first says so. E_LOCKED, E_CORRUPT, E_IO, … */
int service_open(const struct service_config *config, struct service **ret, bool *ret_is_first, struct err *err)
	__attribute__((warn_unused_result));
/* Waits for the appends that are under way. Returns NULL. */
struct service *service_close(struct service *s);

/* ---- the way in ---- */

/* Appends to the org's main ledger, unless that is more than org and principal may (E_RATE); the fields of `a` are as
 * store.h says, and `a->done` is called exactly once, here or on another thread. */
void service_append(struct service *s, const struct principal *who, struct ledger_append *a);

/* The ids of `count` records of the org's main ledger from `first`, 32 hex digits each. */
void service_ids(struct service *s, const struct principal *who, uint64_t first, size_t count, uint8_t *to);

/* ---- the way out ---- */

/* A search as a client asks for it; texts are empty when not given. */
struct search_params {
	enum control_ledger_name ledger;
	struct span query;
	struct span from; /* time_text.h */
	struct span to;
	struct span cursor; /* of the page before, with the same other parameters and the same principal */
	struct span after;  /* an event id: continue behind it in the given order; not with a cursor */
	bool oldest_first;
	uint32_t limit; /* 1 … PAGE_MAX */
	enum search_total total;
	struct span sort; /* a path; empty or "received": in order of arrival */
	bool explain;
};

struct page {
	struct buf records; /* canonical records, back to back */
	uint32_t *len;      /* [count] */
	uint32_t count;
	char next_cursor[CURSOR_TEXT_MAX]; /* "" when this was the last page */
	bool has_total;
	uint64_t total;
	bool total_exact;
	struct gap_list damaged; /* records that cannot be read and were left out */
	struct buf explain;      /* how it was found: a JSON object; empty unless asked for */
};

#define PAGE_INIT                                                                                                      \
	{                                                                                                              \
		BUF_INIT, NULL, 0, "", false, 0, false, {NULL, 0}, BUF_INIT                                            \
	}

void page_release(struct page *p);

/* E_INVALID, E_SYNTAX (with the offset in the query), E_TOO_LARGE, E_CORRUPT; err->field names the parameter. A page
 * may hold less than `limit` and still have a next one (PAGE_BYTES_MAX). */
int service_search(struct service *s, const struct principal *who, const struct search_params *params, struct page *ret,
		   struct err *err) __attribute__((warn_unused_result));

/* Appends one record by its event id. E_NOT_FOUND. */
int service_event(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct span id,
		  struct buf *to, struct err *err) __attribute__((warn_unused_result));

/* An event and its neighbours in order of arrival. */
struct near {
	struct page before; /* the nearest first */
	struct buf event;
	struct page after;       /* the nearest first */
	struct gap_list damaged; /* of both pages */
};

#define NEAR_INIT                                                                                                      \
	{                                                                                                              \
		PAGE_INIT, BUF_INIT, PAGE_INIT,                                                                        \
		{                                                                                                      \
			NULL, 0                                                                                        \
		}                                                                                                      \
	}

void near_release(struct near *n);

/* The event with this id, and at most `before` and `after` (0 … NEAR_MAX) events around it that match `params`, of
 * which only ledger, query and range are looked at. A page holds less when its events are large (PAGE_BYTES_MAX).
 * E_NOT_FOUND, and as service_search. */
int service_near(struct service *s, const struct principal *who, const struct search_params *params, struct span id,
		 uint32_t before, uint32_t after, struct near *ret, struct err *err)
	__attribute__((warn_unused_result));

/* ---- following ---- */

/* How many records a ledger has now. */
uint64_t service_size(struct service *s, const struct principal *who, enum control_ledger_name ledger);

/* The number behind an event: from where who saw it last goes on. E_INVALID when there is none with this id. */
int service_position(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct span id,
		     uint64_t *ret, struct err *err) __attribute__((warn_unused_result));

/* The id of a record, 32 hex digits. */
void service_id(struct service *s, const struct principal *who, enum control_ledger_name ledger, uint64_t index,
		uint8_t to[RECORD_ID_LEN]);

struct follow {
	struct page page;             /* records in order of arrival, and what is damaged among those looked at */
	uint8_t (*id)[RECORD_ID_LEN]; /* [page.count] */
	uint64_t position;            /* everything before it was looked at */
};

#define FOLLOW_INIT                                                                                                    \
	{                                                                                                              \
		PAGE_INIT, NULL, 0                                                                                     \
	}

void follow_release(struct follow *f);

/* The records from `position` on that match: at most `limit`, and no more once they hold `bytes_max`. E_IO,
 * E_NO_MEMORY. */
int service_follow(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		   const struct query *query, uint64_t position, uint32_t limit, size_t bytes_max, struct follow *ret,
		   struct err *err) __attribute__((warn_unused_result));

/* Tells that somebody begins to follow, before the first record is given out (as reading.h says), and that it is over.
 * The end is told without waiting, and of a server that crashed not at all. */
int service_tail_begin(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		       struct span text, const struct query *query, struct err *err)
	__attribute__((warn_unused_result));
void service_tail_end(struct service *s, const struct principal *who, enum control_ledger_name ledger, uint64_t events);

/* ---- counting; of `params` only ledger, query and period are looked at ---- */

/* The top values of `fields`, a list of names (field.h); `limit` (1 … FACET_LIMIT_MAX) of each. As service_search. */
int service_facets(struct service *s, const struct principal *who, const struct search_params *params,
		   struct span fields, uint32_t limit, struct facet_answer *ret, struct err *err)
	__attribute__((warn_unused_result));

struct histogram_params {
	struct span interval; /* interval.h; empty: chosen */
	uint32_t buckets;     /* at most, when it is chosen: 1 … HISTOGRAM_BUCKETS_MAX */
	struct span split;    /* a field; empty: none */
};
int service_histogram(struct service *s, const struct principal *who, const struct search_params *params,
		      const struct histogram_params *histogram, struct histogram_answer *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The first `limit` (1 … CATALOG_FIELDS_MAX) fields of a ledger whose names begin with `prefix`. */
int service_fields(struct service *s, const struct principal *who, enum control_ledger_name ledger, struct span prefix,
		   uint32_t limit, struct catalog_answer *ret, struct err *err) __attribute__((warn_unused_result));

/* ---- operating ---- */

/* Writes every head to segments and frees the journal. */
int service_seal(struct service *s, struct err *err) __attribute__((warn_unused_result));

/* 0, or why writes are refused, be it of all ledgers or of one whose history is not the one that was signed. */
int service_ready(struct service *s, struct err *err) __attribute__((warn_unused_result));

/* Takes the data folder's place in the file system out of an error that a client will see: names of files within it
 * stay. For errors of the server's own making; one that quotes the client would tell it whether it guessed the place.
 */
void service_redact(const struct service *s, struct err *err);

void service_figures(struct service *s, struct store_figures *ret);

#endif
