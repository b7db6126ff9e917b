/* Records that are in no segment yet, looked at as text. */
#include "codec/timestamp.h"
#include "query/scan_priv.h"

/* The quote that opens the string which ends with the quote at `close`; `p` when there is none. */
static const uint8_t *find_open(const uint8_t *p, const uint8_t *close)
{
	while (--close > p)
		if (*close == '"' && close[-1] != '\\')
			break;
	return close;
}

/* In a canonical record `time` is the last member, or the last but `type`. 0 when it is neither, as in segments. */
static int64_t find_time(struct span record)
{
	static const char name[] = ",\"time\":\"", type[] = ",\"type\":";
	const size_t name_len = sizeof(name) - 1, type_len = sizeof(type) - 1;
	const uint8_t *start = record.p, *close;
	int64_t us;

	if (record.len < name_len + TIMESTAMP_LEN + 2 || record.p[record.len - 2] != '"')
		return 0;
	close = record.p + record.len - 2;
	if (memcmp(close - TIMESTAMP_LEN - name_len, name, name_len) != 0) {
		close = find_open(start, close);
		if ((size_t)(close - start) < type_len + 1 + name_len + TIMESTAMP_LEN)
			return 0;
		close -= type_len + 1;
		if (memcmp(close + 1, type, type_len) != 0 ||
		    memcmp(close - TIMESTAMP_LEN - name_len, name, name_len) != 0)
			return 0;
	}
	return timestamp_parse_canonical(close - TIMESTAMP_LEN, &us) ? us : 0;
}

static bool tail_matches(struct scan *s, uint64_t index, struct span record)
{
	if (scan__has_time_range(s) && !scan__is_in_time(s, find_time(record)))
		return false;
	return plan__matches(&s->plan, &s->plan.root, index, record, &s->scratch);
}

static int scan_record(struct scan *s, uint64_t index, struct span record, struct err *err)
{
	size_t start = s->answer.events.len;

	if (s->plan.root.kind != QUERY_ALL || scan__has_time_range(s)) {
		scan__spend(s, RECORD_WORK);
		s->answer.figures.rows_examined++;
		if (!tail_matches(s, index, record))
			return 0;
	}
	s->answer.total++;
	if (!s->is_page)
		return 0;
	if (s->answer.count == s->r->limit) {
		s->answer.more = true;
		return 0;
	}
	buf_put_span(&s->answer.events, record);
	return scan__take_record(s, index, start, err);
}

int scan__tail(struct scan *s, const struct snapshot_tail *t, struct err *err)
{
	bool is_done = false;
	int rc = 0;

	while (rc == 0 && scan__count_within(s->range, t->first, t->count) > 0) {
		uint64_t last = t->first + t->count < s->range.to ? t->first + t->count - 1 : s->range.to - 1;
		uint64_t index = t->first > s->range.from ? t->first : s->range.from;

		rc = scan__check_done(s, &is_done, err);
		if (rc < 0 || is_done)
			break;
		if (!s->r->oldest_first)
			index = last;
		rc = scan_record(s, index, s->source->record(t, (uint32_t)(index - t->first)), err);
		scan__pass(s, index, index + 1);
	}
	s->has_stopped |= is_done;
	return rc;
}
