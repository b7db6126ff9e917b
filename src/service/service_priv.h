/* What the files of service/ share. */
#ifndef STELE_SERVICE_SERVICE_PRIV_H
#define STELE_SERVICE_SERVICE_PRIV_H

#include "base/team.h"
#include "base/thread.h"
#include "codec/row.h"
#include "service/api_key.h"
#include "service/guess.h"
#include "service/log_signer.h"
#include "service/service.h"
#include "service/telling_priv.h"

#define KEY_BUCKETS       1024u /* of the table of known API keys */
#define CATALOGUE_BUCKETS 256u  /* of the table of catalogues that were asked for */
#define BOOTSTRAP_NAME    "bootstrap.json"
#define SYSTEM_ORG_KEY    "_system" /* of the server's own events */

/* An org as the service keeps it, from its first request on. */
struct org {
	struct org *next;
	struct control_org control; /* as it was first read: only id, org_key and ledger are sure to be so still */
	struct ledger *ledger[LEDGER_NAME_COUNT];
	struct key cursor_key;
	_Atomic bool is_disabled;
	_Atomic uint32_t request_rate; /* a second, of all its keys and users together; 0: no limit */
	_Atomic uint32_t event_rate;
};

struct known_key;
struct known_role;
struct narrow;

struct service {
	struct io *io;
	char *folder;
	struct control *control;
	struct key_ring *ring;
	struct key node_key;  /* of journals and of the files of exports */
	struct key token_key; /* of access tokens; derived from it */
	struct refusals *refusals;
	struct store *store;
	struct team *team; /* shares large searches */
	struct export_queue *exports;
	struct retention *retention;
	struct verification *verification;
	struct log_signer *signer;
	struct guesses *guesses; /* of passwords, keys and tokens */
	int64_t session_idle_us;

	struct mutex mu; /* a leaf; guards the digest and the tables (key_cache.h) */
	struct digest *digest;
	struct org *orgs;
	struct known_key *keys[KEY_BUCKETS];
	struct known_role *roles;
	struct narrow *narrows;
	int64_t system_org;     /* its number */
	uint64_t cache_changes; /* what was read before it last went up may be out of date */

	struct mutex act_mu;                      /* one act (act.h) at a time; taken before control's lock */
	struct mutex consumer_mu[CONSUMER_LOCKS]; /* of reads and changes of consumers; taken before act_mu */

	struct mutex catalogue_mu; /* guards catalogues; taken before control's lock */
	struct catalogue *catalogues[CATALOGUE_BUCKETS];

	struct rate_table *rates;          /* of orgs, keys and users */
	struct rate_table *address_rates;  /* of addresses: they may be as many as somebody wants */
	uint64_t rate_seed;                /* secret */
	uint32_t request_rate, event_rate; /* of those that have none of their own; 0: no limit */

	struct tellings tellings;
	struct log_readings *log_readings;

	struct thread watcher;
	bool has_watcher;
	struct mutex watch_mu; /* guards is_closing */
	struct cond watch_cond;
	bool is_closing;
};

/* ---- key_chain.c ---- */

enum keys_open {
	KEYS_MAKE, /* what a new folder lacks is made */
	KEYS_OPEN, /* only what folders of before did not have */
	KEYS_READ, /* nothing */
};
/* Opens the ring of s->control by the master key of `source`, and reads the node's key. E_CRYPTO when it is the key of
 * another folder, besides what key_ring_open says; then nothing was changed. */
int service__keys_open(struct service *s, const char *source, enum keys_open how, struct err *err)
	__attribute__((warn_unused_result));
void service__keys_close(struct service *s);
/* E_CRYPTO when the master key was changed since: no more once the store is locked. */
int service__keys_check(struct service *s, struct err *err) __attribute__((warn_unused_result));
/* A ring that fits control.db, with the rename of a rotation made up for. */
int service__ring_open(struct service *s, const char *source, bool may_create, struct key_ring **ret, struct err *err)
	__attribute__((warn_unused_result));

/* The store's callbacks: store_key_fn, store_epoch_fn, store_pruned_fn, segment_key_fn. */
int service__ledger_key(void *user, uint32_t ledger, struct key *ret_key, struct err *err);
int service__epoch(void *user, uint32_t ledger, uint64_t first, uint64_t next, bool is_new, uint32_t *ret_epoch,
		   struct err *err);
void service__pruned(void *user, uint32_t ledger, uint64_t first);
int service__epoch_key(void *user, uint32_t ledger, uint32_t epoch, struct key *ret_key, struct err *err);

/* ---- org_cache.c ---- */

/* An org by its number in control.db. Not to be called within a transaction that made it. */
int service__org(struct service *s, int64_t id, struct org **ret, struct err *err) __attribute__((warn_unused_result));
/* An org was changed in control.db, where it is now so. */
void service__org_changed(struct service *s, const struct control_org *stored);
void service__org_cache_free(struct service *s);

/* Makes a ledger's key, for control_org_create; `user` is the service. */
int service__wrap_key(void *user, uint32_t ledger, uint8_t ret_wrapped[KEY_WRAPPED_LEN], struct err *err);

/* Makes the first org and its key when there is no org yet, and the server's own org. */
int service__bootstrap(struct service *s, const char *url, bool *ret_is_first, struct err *err)
	__attribute__((warn_unused_result));

/* Sets the range of a request from `from` and `to` of the parameters. E_INVALID; err->field names the parameter. */
int service__parse_range(const struct search_params *p, int64_t now_us, struct search_request *r, struct err *err)
	__attribute__((warn_unused_result));

/* As service_search and service_event, for who has told of it. */
int service__search_told(struct service *s, const struct principal *who, const struct search_params *params,
			 struct page *ret, struct err *err) __attribute__((warn_unused_result));
int service__event_told(const struct principal *who, enum control_ledger_name ledger, uint64_t index, struct buf *to,
			struct err *err) __attribute__((warn_unused_result));

/* Adds what a search left out to a page, and its file and offset to the log. */
int service__take_gaps(struct page *page, const struct search_answer *a, struct err *err)
	__attribute__((warn_unused_result));

/* Frees the catalogues in memory. */
void service__catalogues_close(struct service *s);

/* Watches whether writes are possible, and tries again when they were not. */
void service__watch_start(struct service *s);
void service__watch_stop(struct service *s);

/* As service_follow, of the records before `end` alone. */
int service__follow(struct service *s, const struct principal *who, enum control_ledger_name ledger,
		    const struct query *query, uint64_t position, uint64_t end, uint32_t limit, size_t bytes_max,
		    struct follow *ret, struct err *err) __attribute__((warn_unused_result));

/* What rows of vendors say about their org: its key and its name. */
struct row_given service__row_given(const struct org *org);

/* What a count is about: the query, the period and the records of a request; search.c. */
struct search_scope {
	struct query *query;
	int64_t from_us, to_us;
	struct snapshot *snapshot;
};
/* Of `params` only ledger, query, from and to are looked at. Tells of the count, and of the fields it is by. As
 * service_search. */
int service__scope_open(struct service *s, const struct principal *who, const struct search_params *params,
			struct span fields, struct search_scope *ret, struct err *err)
	__attribute__((warn_unused_result));
void service__scope_close(struct search_scope *scope);

/* Adds the snapshot's damage to that of a count, and tells the log which file it is in. */
struct tally;
int service__take_damage(struct tally *tally, const struct snapshot *snapshot, struct err *err)
	__attribute__((warn_unused_result));

#endif
