/* One thread's look at one piece: blocks by codes and values, records of the tail as text. */
#include "base/clock.h"
#include "codec/timestamp.h"
#include "query/scan_priv.h"

/* ---- blocks ---- */

static struct view *need_view(struct scanner *x, size_t segment)
{
	if (x->view_of != segment) {
		if (x->view_of != SIZE_MAX)
			view__release(&x->view);
		view__open(&x->view, &x->scan->plan, x->scan->source->segments[segment]);
		x->view_of = segment;
		x->view.scratch.deadline_ns = x->scan->deadline_ns;
	}
	return &x->view;
}

int scanner__block(struct scanner *x, const struct piece *p, struct block **ret, struct err *err)
{
	int rc = 0;

	if (x->block && (x->block_segment != p->segment || x->block_number != p->number))
		x->block = block_close(x->block);
	if (!x->block) {
		rc = block_open(x->scan->source->segments[p->segment], p->number, &x->block, err);
		x->block_segment = p->segment;
		x->block_number = p->number;
		x->blocks_read++;
	}
	*ret = x->block;
	return rc;
}

static bool is_in_time(const struct scan *s, int64_t us)
{
	return us >= s->from_us && (us < s->to_us || s->to_us == INT64_MAX);
}

static int filter_times(struct scanner *x, struct block *b, struct row_set *rows, struct err *err)
{
	const int64_t *time;
	int rc = block_times(b, &time, err);

	x->work += row_set_count(rows);
	for (uint32_t w = rows->from; rc == 0 && w < rows->to; w++)
		for (uint64_t bits = rows->bit[w]; bits; bits &= bits - 1)
			if (!is_in_time(x->scan, time[w * 64 + (uint32_t)__builtin_ctzll(bits)]))
				rows->bit[w] &= ~(bits & -bits);
	return rc;
}

static int match_block(struct scanner *x, const struct piece *p, struct row_set *rows, struct err *err)
{
	struct view *v = need_view(x, p->segment);
	uint64_t before = v->work;
	struct block *b;
	int rc = scanner__block(x, p, &b, err);

	if (rc == 0 && p->needs_time)
		rc = filter_times(x, b, rows, err);
	if (rc == 0 && p->needs_match)
		rc = view__match(v, b, p->first, rows, err);
	x->work += v->work - before;
	return rc;
}

int scanner__count_free(struct scanner *x, size_t segment, bool *ret_is_known, uint64_t *ret, struct err *err)
{
	struct view *v = need_view(x, segment);
	uint64_t before = v->work;
	int rc = view__count(v, ret_is_known, ret, err);

	x->work += v->work - before;
	return rc;
}

/* ---- records of the tail ---- */

/* The quote that opens the string which ends with the quote at `close`; `p` when there is none. */
static const uint8_t *find_open(const uint8_t *p, const uint8_t *close)
{
	while (--close > p)
		if (*close == '"' && close[-1] != '\\')
			break;
	return close;
}

/* In a canonical record `time` is the last member, or the last but `type`. 0 when it is neither, as in segments. */
int64_t scan__time_of(struct span record)
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

struct span scanner__tail_record(const struct scanner *x, const struct piece *p, uint32_t row)
{
	return x->scan->source->record(&x->scan->source->tails[p->number], p->at + row);
}

static int match_tail(struct scanner *x, const struct piece *p, struct row_set *rows, struct err *err)
{
	const struct scan *s = x->scan;

	for (uint32_t w = rows->from; w < rows->to; w++) {
		for (uint64_t bits = rows->bit[w]; bits; bits &= bits - 1) {
			uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(bits);
			struct span record = scanner__tail_record(x, p, row);

			if ((p->needs_time && !is_in_time(s, scan__time_of(record))) ||
			    !plan__matches(&s->plan, &s->plan.root, p->first + row, record, &x->scratch))
				rows->bit[w] &= ~(bits & -bits);
		}
	}
	return match__check(&x->scratch, err);
}

/* ---- both ---- */

static int match(struct scanner *x, const struct piece *p, struct row_set *rows, struct err *err)
{
	uint32_t count = row_set_count(rows);

	x->rows_examined += count;
	x->scratch.deadline_ns = x->scan->deadline_ns;
	if (p->segment != PIECE_OF_TAIL)
		return match_block(x, p, rows, err);
	x->work += (uint64_t)count * RECORD_WORK;
	return match_tail(x, p, rows, err);
}

int scanner__match(struct scanner *x, const struct piece *p, uint32_t from, uint32_t to, struct row_set *ret,
		   struct err *err)
{
	int64_t begin_ns = x->scan->is_timed ? clock_mono_ns() : 0;
	int rc = 0;

	row_set_fill(ret, from, to);
	if (!piece_is_free(p))
		rc = match(x, p, ret, err);
	x->pieces_matched += rc == 0 && !row_set_is_empty(ret);
	if (x->scan->is_timed)
		x->match_ns += clock_mono_ns() - begin_ns;
	return rc;
}

static int rebuild(struct scanner *x, const struct piece *p, uint32_t row, struct buf *to, struct err *err)
{
	struct block *b;
	int rc;

	if (p->segment == PIECE_OF_TAIL) {
		buf_put_span(to, scanner__tail_record(x, p, row));
		return buf_ok(to) ? 0 : err_set(err, E_NO_MEMORY, "not enough memory for a record");
	}
	rc = scanner__block(x, p, &b, err);
	return rc < 0 ? rc : block_record(b, row, to, err);
}

int scanner__record(struct scanner *x, const struct piece *p, uint32_t row, struct buf *to, struct err *err)
{
	int64_t begin_ns = x->scan->is_timed ? clock_mono_ns() : 0;
	int rc = rebuild(x, p, row, to, err);

	if (x->scan->is_timed)
		x->rebuild_ns += clock_mono_ns() - begin_ns;
	return rc;
}
