/*
 * A scan is a query on one source: its segments pruned, and what is left cut into pieces.
 *
 * A piece is a block, or up to as many records of the tail: the unit in which rows are matched. Whoever wants matches
 * (a page, a total, a facet, a stream) asks for the pieces of one part of the ledger after the other, and looks at them
 * itself in order, or has all members of a team look at them in any order (scan__each). Each member has a scanner: the
 * view of the segment it is at and the block it has open.
 *
 * A piece that cannot be read is left out and listed in `gaps`. A damaged index prunes nothing. A scan that goes on for
 * longer than SCAN_SECONDS_MAX is given up, E_TIMEOUT, unless whoever opened it took its deadline away.
 */
#ifndef STELE_QUERY_SCAN_PRIV_H
#define STELE_QUERY_SCAN_PRIV_H

#include <stdatomic.h>

#include "base/team.h"
#include "base/thread.h"
#include "query/gap.h"
#include "query/view_priv.h"

/* What a record in the tail takes, in rows looked at by code. */
#define RECORD_WORK 10u

/* Numbers of records. */
struct range {
	uint64_t from, to;
};

static inline uint64_t range_count_within(struct range range, uint64_t first, uint64_t count)
{
	uint64_t from = first > range.from ? first : range.from;
	uint64_t to = first + count < range.to ? first + count : range.to;

	return to > from ? to - from : 0;
}

#define PIECE_OF_TAIL SIZE_MAX

struct piece {
	size_t segment;    /* place among the source's segments, or PIECE_OF_TAIL */
	uint32_t number;   /* block of the segment, or place among the source's tails */
	uint32_t at;       /* of a tail: its record that is row 0 */
	uint64_t first;    /* number of row 0 */
	uint32_t rows;     /* of the block; what is left out when it is damaged */
	uint32_t from, to; /* the rows in question */
	bool needs_match;  /* else all of them match */
	bool needs_time;   /* some may lie outside of the time asked for */
};

struct piece_list {
	struct piece *piece; /* owned */
	size_t count, cap;
};

struct scanner {
	struct scan *scan;
	size_t view_of; /* the segment of `view`, or SIZE_MAX */
	struct view view;
	struct block *block; /* the one that is open, or NULL */
	size_t block_segment;
	uint32_t block_number;
	struct match_scratch scratch;
	/* since the scan began */
	uint64_t work; /* in rows looked at by code */
	uint64_t rows_examined;
	uint64_t blocks_read;
	uint64_t pieces_matched;
	int64_t match_ns, rebuild_ns; /* when the scan is timed */
};

struct scan_segment {
	bool is_pruned;
	uint64_t blocks[BLOCK_WORDS]; /* those that may hold a match */
};

struct scan {
	const struct search_source *source;
	struct plan plan;
	int64_t from_us, to_us;       /* of the records' time: [from, to) */
	int64_t deadline_ns;          /* of the monotonic clock: scan__open's, or 0 for none */
	struct scan_segment *segment; /* [segment_count] */
	struct scanner *scanner;      /* [team_size] */
	struct search_figures figures;
	bool is_timed; /* asking the clock for each record costs more than some take */

	struct mutex mu; /* guards gaps and damage */
	struct gap_list gaps;
	struct err damage; /* the first fault met; code 0: none */
};

void scan__open(struct scan *s, const struct search_source *source, const struct query *query, int64_t from_us,
		int64_t to_us);
void scan__close(struct scan *s);

/* ---- parts: the segments in order, then the tails ---- */

static inline size_t scan__part_count(const struct scan *s)
{
	return s->source->segment_count + s->source->tail_count;
}

/* The records of a part. */
struct range scan__part_range(const struct scan *s, size_t part);

/* Appends the pieces of a part that may hold a match within the range, in order, and adds to the figures. E_IO,
 * E_NO_MEMORY. */
int scan__pieces(struct scan *s, size_t part, struct range range, struct piece_list *to, struct err *err)
	__attribute__((warn_unused_result));
void piece_list_add(struct piece_list *to, const struct piece_list *from);
void piece_list_release(struct piece_list *l);

/* Whether all rows of the piece match. */
static inline bool piece_is_free(const struct piece *p)
{
	return !p->needs_match && !p->needs_time;
}

/* How many records of a part match, when that can be told without looking at them: the part lies in the range and the
 * time as a whole, and the dictionaries have counted. */
int scan__count_free(struct scan *s, size_t part, struct range range, bool *ret_is_known, uint64_t *ret,
		     struct err *err) __attribute__((warn_unused_result));

/* ---- pieces ---- */

/* The caller's scanner. */
static inline struct scanner *scan__main(struct scan *s)
{
	return &s->scanner[0];
}

/* How many records of a segment match, when its dictionaries tell. */
int scanner__count_free(struct scanner *x, size_t segment, bool *ret_is_known, uint64_t *ret, struct err *err)
	__attribute__((warn_unused_result));

/* The rows of [from, to) that match; within the piece's rows. E_CORRUPT, … */
int scanner__match(struct scanner *x, const struct piece *p, uint32_t from, uint32_t to, struct row_set *ret,
		   struct err *err) __attribute__((warn_unused_result));

/* Appends the record of a row. */
int scanner__record(struct scanner *x, const struct piece *p, uint32_t row, struct buf *to, struct err *err)
	__attribute__((warn_unused_result));

/* The block of a piece, opened; not for pieces of the tail. Until the scanner goes to another piece. */
int scanner__block(struct scanner *x, const struct piece *p, struct block **ret, struct err *err)
	__attribute__((warn_unused_result));

/* The record of a row of a tail's piece. */
struct span scanner__tail_record(const struct scanner *x, const struct piece *p, uint32_t row);

/* The `time` of a record as text; 0 when it is not where a canonical record has it. */
int64_t scan__time_of(struct span record);

/* E_TIMEOUT when the scan has used up its time. */
int scan__check_time(const struct scan *s, struct err *err) __attribute__((warn_unused_result));

/* Passes rc on; when it is E_CORRUPT the piece is listed as left out instead, and 0 returned (or E_NO_MEMORY). */
int scan__leave_out(struct scan *s, const struct piece *p, int rc, const struct err *found, struct err *err)
	__attribute__((warn_unused_result));

/*
 * Calls `fn` once for each piece, in no order, on all members at once. What it returns ends the scan when it is
 * negative; E_CORRUPT leaves the piece out instead. `k` is the piece's place in the list.
 */
typedef int scan_piece_fn(void *user, struct scanner *x, unsigned member, size_t k, struct err *err);
int scan__each(struct scan *s, const struct piece_list *pieces, scan_piece_fn *fn, void *user, struct err *err)
	__attribute__((warn_unused_result));

/* Adds the scanners' figures to the scan's. */
void scan__sum_up(struct scan *s);

#endif
