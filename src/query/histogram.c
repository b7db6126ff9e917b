/* Histograms from beginning to end. */
#include "query/histogram.h"

#include "base/mem.h"
#include "codec/timestamp.h"
#include "query/histogram_priv.h"

/* ---- the period ---- */

static void widen(int64_t us, int64_t *min, int64_t *max)
{
	if (us < TIMESTAMP_MIN_US || us > TIMESTAMP_MAX_US) /* only damage is there */
		return;
	*min = us < *min ? us : *min;
	*max = us > *max ? us : *max;
}

/* The times that are there; *min > *max when there are none. */
static void find_times(const struct search_source *source, int64_t *min, int64_t *max)
{
	*min = INT64_MAX;
	*max = INT64_MIN;
	for (size_t k = 0; k < source->segment_count; k++) {
		widen(segment_time_min(source->segments[k]), min, max);
		widen(segment_time_max(source->segments[k]), min, max);
	}
	for (size_t t = 0; t < source->tail_count; t++)
		for (uint32_t i = 0; i < source->tails[t].count; i++)
			widen(scan__time_of(source->record(&source->tails[t], i)), min, max);
}

/* The time of the first record that is seen, or of the last; *ret_found false when there is none. */
static int find_seen(const struct search_source *source, const struct query *seen, bool is_first, int64_t *ret_us,
		     bool *ret_found, struct err *err)
{
	struct search_request r = {.query = seen,
				   .from_us = INT64_MIN,
				   .to_us = INT64_MAX,
				   .oldest_first = is_first,
				   .limit = 1,
				   .size = UINT64_MAX,
				   .after = UINT64_MAX,
				   .total = SEARCH_TOTAL_NONE};
	struct search_answer answer = SEARCH_ANSWER_INIT;
	struct field time;
	int rc = field_parse(SPAN_LIT("time"), &time, err);

	if (rc < 0)
		return rc;
	r.sort = &time;
	rc = search__run(source, &r, &answer, err);
	*ret_found = rc == 0 && answer.count > 0;
	if (*ret_found)
		*ret_us = scan__time_of(buf_span(&answer.events));
	search_answer_release(&answer);
	field_release(&time);
	return rc;
}

/* The same of what is seen alone. */
static int find_seen_times(const struct search_source *source, const struct query *seen, int64_t *min, int64_t *max,
			   struct err *err)
{
	bool is_found;
	int rc;

	*min = INT64_MAX;
	*max = INT64_MIN;
	rc = find_seen(source, seen, true, min, &is_found, err);
	return rc < 0 || !is_found ? rc : find_seen(source, seen, false, max, &is_found, err);
}

static int refuse_buckets(int64_t interval_us, int64_t from_us, int64_t to_us, struct err *err)
{
	char asked[INTERVAL_TEXT_MAX], better[INTERVAL_TEXT_MAX];

	interval_print(interval_us, asked);
	interval_print(interval_choose(from_us, to_us, HISTOGRAM_BUCKETS_MAX), better);
	return err_set(err, E_INVALID, "an interval of %s makes more than %u buckets of this period; %s would do",
		       asked, HISTOGRAM_BUCKETS_MAX, better);
}

static int set_period(struct histogram *h, const struct search_source *source, struct err *err)
{
	const struct histogram_request *r = h->r;
	int64_t min = 0, max = 0, from = r->from_us, to = r->to_us;
	int rc = 0;

	if (from == INT64_MIN || to == INT64_MAX) {
		if (r->seen)
			rc = find_seen_times(source, r->seen, &min, &max, err);
		else
			find_times(source, &min, &max);
		if (rc < 0)
			return rc;
		if (max < min) /* there is nothing, wherever the period begins or ends */
			min = max = from = to = 0;
		if (from == INT64_MIN)
			from = min;
		if (to == INT64_MAX)
			to = max + 1;
	}
	h->interval_us = r->interval_us;
	if (from >= to) /* there is nothing in the period */
		from = to = 0;
	if (h->interval_us == 0)
		h->interval_us = interval_choose(from, to, r->buckets);
	if (interval_count(h->interval_us, from, to) > HISTOGRAM_BUCKETS_MAX)
		return refuse_buckets(h->interval_us, from, to, err);
	h->first_us = interval_floor(h->interval_us, from);
	h->bucket_count = (uint32_t)interval_count(h->interval_us, from, to);
	return 0;
}

/* ---- the split ---- */

static int find_split(struct histogram *h, const struct search_source *source, struct facet_answer *ret,
		      struct err *err)
{
	const struct histogram_request *r = h->r;
	struct facet_request facets = {.query = r->query,
				       .from_us = r->from_us,
				       .to_us = r->to_us,
				       .fields = r->split,
				       .limit = HISTOGRAM_SPLIT_MAX,
				       .team = r->team};
	int rc = facet__run(source, &facets, ret, err);

	if (rc < 0)
		return rc;
	h->split = &ret->facet[0];
	h->class_count = h->split->value_count + 1;
	h->columns = xarray(source->segment_count + 1, sizeof(*h->columns));
	for (size_t s = 0; s < source->segment_count; s++)
		field_columns_find(&h->columns[s], &r->split->field[0], source->segments[s]);
	return 0;
}

/* ---- counting ---- */

static int make_members(struct histogram *h, struct err *err)
{
	unsigned members = team_size(h->scan.source->team);
	bool ok = true;

	h->member = xarray(members, sizeof(*h->member));
	for (unsigned m = 0; m < members; m++) {
		struct histogram_member *member = &h->member[m];

		member->all = h;
		member->segment = SIZE_MAX;
		member->count = try_array((size_t)h->bucket_count + 1, sizeof(*member->count));
		member->split_count =
			try_array((size_t)h->bucket_count * h->class_count + 1, sizeof(*member->split_count));
		ok = ok && member->count && member->split_count;
	}
	return ok ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for a histogram; ask for fewer buckets");
}

/* A segment that lies in one bucket and is not split is counted as a whole. */
static bool is_one_bucket(const struct histogram *h, size_t part)
{
	const struct search_source *source = h->scan.source;

	return !h->split && part < source->segment_count &&
	       histogram__is_one_bucket(h, segment_time_min(source->segments[part]),
					segment_time_max(source->segments[part]));
}

struct counting {
	struct histogram *h;
	struct piece_list pieces;
};

static int add_part(struct histogram *h, size_t part, struct piece_list *pieces, struct err *err)
{
	enum part_match match;
	uint64_t n;
	int rc = tally__judge(&h->scan, part, &match, &n, err);

	if (rc < 0)
		return rc;
	if (match == PART_ALL && is_one_bucket(h, part)) {
		histogram__add(&h->member[0], segment_time_min(h->scan.source->segments[part]), n);
		return 0;
	}
	return tally__pieces(&h->scan, part, match, pieces, err);
}

static int count_piece(void *user, struct scanner *x, unsigned member, size_t k, struct err *err)
{
	struct counting *c = user;

	return histogram__count_piece(&c->h->member[member], x, &c->pieces.piece[k], err);
}

static int count_all(struct histogram *h, struct err *err)
{
	struct counting c = {h, {0}};
	int rc = 0;

	for (size_t part = 0; part < scan__part_count(&h->scan) && rc == 0; part++)
		rc = add_part(h, part, &c.pieces, err);
	if (rc == 0)
		rc = scan__each(&h->scan, &c.pieces, count_piece, &c, err);
	piece_list_release(&c.pieces);
	return rc;
}

/* ---- the answer ---- */

/* Adds up what the members have counted, in the first one's arrays. */
static void sum_up(struct histogram *h, struct histogram_answer *to)
{
	struct histogram_member *first = &h->member[0];
	uint64_t total = 0;

	for (unsigned m = 1; m < team_size(h->scan.source->team); m++) {
		for (size_t k = 0; k < h->bucket_count; k++)
			first->count[k] += h->member[m].count[k];
		for (size_t k = 0; k < (size_t)h->bucket_count * h->class_count; k++)
			first->split_count[k] += h->member[m].split_count[k];
	}
	for (size_t k = 0; k < h->bucket_count; k++)
		total += first->count[k];
	tally__finish(&h->scan, total, &to->tally);
	to->first_us = h->first_us;
	to->interval_us = h->interval_us;
	to->bucket_count = h->bucket_count;
	to->count = first->count;
	first->count = NULL;
	if (h->split) {
		to->split_count = first->split_count;
		first->split_count = NULL;
	}
}

static void close_histogram(struct histogram *h)
{
	const struct search_source *source = h->scan.source;

	for (unsigned m = 0; h->member && m < team_size(source->team); m++)
		histogram__release_member(&h->member[m]);
	free(h->member);
	for (size_t s = 0; h->columns && s < source->segment_count; s++)
		field_columns_release(&h->columns[s]);
	free(h->columns);
	scan__close(&h->scan);
}

int histogram__run(const struct search_source *source, const struct histogram_request *r, struct histogram_answer *ret,
		   struct err *err)
{
	struct histogram_answer a = HISTOGRAM_ANSWER_INIT;
	struct histogram h = {.r = r};
	int rc = set_period(&h, source, err);

	if (rc < 0)
		return rc;
	scan__open(&h.scan, source, r->query, r->from_us, r->to_us);
	if (r->split)
		rc = find_split(&h, source, &a.split, err);
	if (rc == 0)
		rc = make_members(&h, err);
	if (rc == 0)
		rc = count_all(&h, err);
	if (rc == 0)
		sum_up(&h, &a);
	close_histogram(&h);
	if (rc < 0)
		histogram_answer_release(&a);
	else
		*ret = a;
	return rc;
}

int histogram_run(struct snapshot *s, const struct histogram_request *r, struct histogram_answer *ret, struct err *err)
{
	struct search_source source;

	search__source_of(s, r->team, &source);
	return histogram__run(&source, r, ret, err);
}

void histogram_answer_release(struct histogram_answer *a)
{
	free(a->count);
	free(a->split_count);
	facet_answer_release(&a->split);
	gap_list_release(&a->tally.gaps);
	*a = (struct histogram_answer)HISTOGRAM_ANSWER_INIT;
}
