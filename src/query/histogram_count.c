/* Counting the rows of pieces into buckets. */
#include "base/mem.h"
#include "query/histogram_priv.h"

/* ---- buckets ---- */

/* SIZE_MAX for a time that is in none, which no record in the period has. */
static size_t bucket_of(const struct histogram *h, int64_t us)
{
	uint64_t bucket = ((uint64_t)us - (uint64_t)h->first_us) / (uint64_t)h->interval_us;

	return us >= h->first_us && bucket < h->bucket_count ? (size_t)bucket : SIZE_MAX;
}

bool histogram__is_one_bucket(const struct histogram *h, int64_t min_us, int64_t max_us)
{
	return bucket_of(h, min_us) != SIZE_MAX && bucket_of(h, min_us) == bucket_of(h, max_us);
}

void histogram__add(struct histogram_member *m, int64_t us, uint64_t n)
{
	size_t bucket = bucket_of(m->all, us);

	if (bucket != SIZE_MAX)
		m->count[bucket] += n;
}

/* The bucket that times of rows side by side are likely to be in. */
struct place {
	int64_t from_us, to_us;
	size_t bucket;
};

static void go_to(const struct histogram *h, int64_t us, struct place *to)
{
	to->bucket = bucket_of(h, us);
	to->from_us = to->to_us = 0;
	if (to->bucket == SIZE_MAX)
		return;
	to->from_us = h->first_us + (int64_t)to->bucket * h->interval_us;
	to->to_us = to->from_us + h->interval_us;
}

static void count_row(struct histogram_member *m, struct place *at, int64_t us, uint16_t class)
{
	if (us < at->from_us || us >= at->to_us)
		go_to(m->all, us, at);
	if (at->bucket == SIZE_MAX)
		return;
	m->count[at->bucket]++;
	for (; class; class &= (uint16_t)(class - 1))
		m->split_count[at->bucket * m->all->class_count + (unsigned)__builtin_ctz(class)]++;
}

/* The first row of [from, to) that lies at or behind a time; times ascend. */
static uint32_t find_time(const int64_t *time, uint32_t from, uint32_t to, int64_t us)
{
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (time[middle] < us)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool ascends(const int64_t *time, uint32_t from, uint32_t to)
{
	bool falls = false;

	for (uint32_t row = from + 1; row < to; row++)
		falls |= time[row] < time[row - 1];
	return !falls;
}

/* Rows that all match, unsplit. */
static void count_run(struct histogram_member *m, const int64_t *time, uint32_t from, uint32_t to)
{
	struct place at = {0, 0, SIZE_MAX};

	if (!ascends(time, from, to)) {
		for (uint32_t row = from; row < to; row++)
			count_row(m, &at, time[row], 0);
		return;
	}
	while (from < to) {
		uint32_t next;

		go_to(m->all, time[from], &at);
		next = at.bucket == SIZE_MAX ? from + 1 : find_time(time, from + 1, to, at.to_us);
		if (at.bucket != SIZE_MAX)
			m->count[at.bucket] += next - from;
		from = next;
	}
}

static void count_rows(struct histogram_member *m, const int64_t *time, const struct row_set *rows)
{
	struct place at = {0, 0, SIZE_MAX};

	for (uint32_t w = rows->from; w < rows->to; w++) {
		for (uint64_t bits = rows->bit[w]; bits; bits &= bits - 1) {
			uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(bits);

			count_row(m, &at, time[row], m->all->split ? m->row_class[row] : 0);
		}
	}
}

/* ---- classes ---- */

static bool take_value(void *user, uint32_t field, struct span text, bool is_string)
{
	struct histogram_member *m = user;
	const struct facet *split = m->all->split;
	struct span plain = value_plain(text, is_string, &m->plain);
	uint32_t k = 0;

	(void)field;
	while (k < split->value_count && !span_eq(split->value[k].text, plain))
		k++;
	m->class |= (uint16_t)(1u << k); /* the last class is that of other values */
	return true;
}

static uint16_t classify(struct histogram_member *m, const struct field_column *c, struct span value)
{
	m->class = 0;
	field__walk_value(&m->all->r->split->field[0], 0, c, value, take_value, m);
	return m->class;
}

static void forget_codes(struct histogram_member *m)
{
	for (uint32_t k = 0; m->segment != SIZE_MAX && k < m->all->columns[m->segment].count; k++)
		free(m->code_class[k]);
	free(m->code_class);
	m->code_class = NULL;
}

/* The classes of a column's codes in the segment the member is at; NULL when memory is out. */
static uint16_t *need_codes(struct histogram_member *m, size_t segment, uint32_t column, const struct dict *dict)
{
	if (m->segment != segment) {
		forget_codes(m);
		m->segment = segment;
		m->code_class = xarray(m->all->columns[segment].count, sizeof(*m->code_class));
	}
	if (!m->code_class[column])
		m->code_class[column] = try_array(dict->count, sizeof(uint16_t));
	return m->code_class[column];
}

static int classify_codes(struct histogram_member *m, size_t segment, uint32_t column, const struct block_values *v,
			  const struct row_set *rows, struct err *err)
{
	const struct field_column *c = &m->all->columns[segment].at[column];
	uint16_t *known = need_codes(m, segment, column, v->dict);

	if (!known)
		return err_set(err, E_NO_MEMORY, "not enough memory for splitting a histogram");
	for (uint32_t i = 0; i < v->count; i++) {
		uint32_t row = v->row_of ? v->row_of[i] : i, code = v->code[i];

		if (!known[code] && !row_set_has(rows, row))
			continue;
		if (!known[code])
			known[code] = (uint16_t)(classify(m, c, dict_get(v->dict, code)) | CLASS_KNOWN);
		m->row_class[row] = (uint16_t)(known[code] & ~CLASS_KNOWN);
	}
	return 0;
}

static int classify_texts(struct histogram_member *m, struct block *b, const struct field_column *c,
			  const struct block_values *v, const struct row_set *rows, struct err *err)
{
	struct field_texts texts;
	struct span text;
	int rc = field_texts_open(&texts, b, c->column, v, rows, err);

	for (uint32_t i = 0; i < v->count && rc == 0; i++) {
		uint32_t row = v->row_of ? v->row_of[i] : i;

		if (!row_set_has(rows, row))
			continue;
		rc = field_texts_get(&texts, i, &m->text, &text, err);
		if (rc == 0)
			m->row_class[row] = classify(m, c, text);
	}
	return rc;
}

static int classify_block(struct histogram_member *m, struct block *b, size_t segment, const struct row_set *rows,
			  struct err *err)
{
	const struct field_columns *columns = &m->all->columns[segment];
	const struct block_values *v;
	int rc = 0;

	memset(m->row_class, 0, sizeof(m->row_class));
	for (uint32_t k = 0; k < columns->count && rc == 0; k++) {
		rc = block_values(b, columns->at[k].column, &v, err);
		if (rc < 0 || !v)
			continue;
		rc = v->dict ? classify_codes(m, segment, k, v, rows, err)
			     : classify_texts(m, b, &columns->at[k], v, rows, err);
	}
	return rc;
}

/* ---- pieces ---- */

static int count_block(struct histogram_member *m, struct scanner *x, const struct piece *p, const struct row_set *rows,
		       struct err *err)
{
	const struct histogram *h = m->all;
	const struct segment_block_info *info = segment_block_info(h->scan.source->segments[p->segment], p->number);
	uint32_t n = row_set_count(rows);
	const int64_t *time;
	struct block *b;
	int rc;

	if (!h->split && histogram__is_one_bucket(h, info->time_min, info->time_max)) {
		histogram__add(m, info->time_min, n);
		return 0;
	}
	if ((rc = scanner__block(x, p, &b, err)) < 0)
		return rc;
	if ((rc = block_times(b, &time, err)) < 0)
		return rc;
	if (h->split && (rc = classify_block(m, b, p->segment, rows, err)) < 0)
		return rc;
	if (!h->split && n == p->to - p->from)
		count_run(m, time, p->from, p->to);
	else
		count_rows(m, time, rows);
	return 0;
}

static void count_tail(struct histogram_member *m, const struct scanner *x, const struct piece *p,
		       const struct row_set *rows)
{
	struct place at = {0, 0, SIZE_MAX};

	for (uint32_t w = rows->from; w < rows->to; w++) {
		for (uint64_t bits = rows->bit[w]; bits; bits &= bits - 1) {
			struct span record = scanner__tail_record(x, p, w * 64 + (uint32_t)__builtin_ctzll(bits));

			m->class = 0;
			if (m->all->split)
				field__walk_record(m->all->r->split->field, 1, record, take_value, m);
			count_row(m, &at, scan__time_of(record), m->class);
		}
	}
}

int histogram__count_piece(struct histogram_member *m, struct scanner *x, const struct piece *p, struct err *err)
{
	struct row_set rows;
	int rc = scanner__match(x, p, p->from, p->to, &rows, err);

	if (rc < 0 || row_set_is_empty(&rows))
		return rc;
	if (p->segment != PIECE_OF_TAIL)
		return count_block(m, x, p, &rows, err);
	count_tail(m, x, p, &rows);
	return 0;
}

void histogram__release_member(struct histogram_member *m)
{
	forget_codes(m);
	free(m->count);
	free(m->split_count);
	buf_release(&m->text);
	buf_release(&m->plain);
}
