/*
 * The keys of a piece's rows.
 *
 * What is known of a code: nothing; that it is no value; that it is no longer of interest; that it is. Of those of
 * interest it is known as well whether the value is that of `after`, and of which version of the heap's root it is the
 * value: then the index alone decides, and the key need not be made.
 */
#include "base/mem.h"
#include "query/search_sort_priv.h"

enum code_state { CODE_NEW, CODE_NO_VALUE, CODE_GONE, CODE_LIVE };

#define CODE_STATE    3u
#define CODE_IS_AFTER 4u
#define CODE_VERSION  3 /* how far the root's version is shifted */

/* ---- keys ---- */

/* The first value is the record's. */
static bool take_value(void *user, uint32_t field, struct span text, bool is_string)
{
	struct sort_member *m = user;

	(void)field;
	sort_key_of_value(&m->key, text, is_string, &m->scratch);
	m->has_value = true;
	return false;
}

static void begin_key(struct sort_member *m, uint64_t index)
{
	m->key = (struct sort_key){.index = index, .kind = SORT_NONE};
	m->has_value = false;
}

static void set_time(struct sort_member *m, uint64_t index, int64_t us)
{
	m->key = (struct sort_key){.index = index, .kind = SORT_NUMBER, .whole = us};
	m->has_value = true;
}

void sort__key_of_record(struct sort_member *m, uint64_t index, struct span record)
{
	begin_key(m, index);
	if (m->all->is_time)
		set_time(m, index, scan__time_of(record));
	else
		field__walk_record(m->all->field, 1, record, take_value, m);
}

static void key_of_value(struct sort_member *m, uint64_t index, const struct field_column *c, struct span value)
{
	begin_key(m, index);
	field__walk_value(m->all->field, 0, c, value, take_value, m);
}

static int offer(struct sort_member *m, struct err *err)
{
	if (!sorting_is_ahead(m->all, &m->key))
		return 0;
	return sort_heap_offer(&m->heap, &m->key, err);
}

/* ---- codes ---- */

static void forget_codes(struct sort_member *m)
{
	for (uint32_t k = 0; k < m->columns.count; k++)
		free(m->codes[k]);
	free(m->codes);
	m->codes = NULL;
	field_columns_release(&m->columns);
}

static void go_to_segment(struct sort_member *m, size_t segment)
{
	if (m->segment == segment)
		return;
	forget_codes(m);
	field_columns_find(&m->columns, m->all->field, m->all->q->scan.source->segments[segment]);
	m->codes = xarray(m->columns.count + 1, sizeof(*m->codes));
	m->segment = segment;
}

static bool index_is_before(const struct sort_member *m, uint64_t a, uint64_t b)
{
	return m->heap.ascending ? a < b : a > b;
}

/* What the key that was made tells of its code. */
static uint32_t judge(const struct sort_member *m)
{
	const struct sorting *s = m->all;
	uint32_t known = CODE_LIVE;

	if (!m->has_value)
		return CODE_NO_VALUE;
	if (s->has_after && sort_key_is_same(&m->key, &s->after))
		known |= CODE_IS_AFTER;
	else if (!sorting_is_ahead(s, &m->key))
		return CODE_GONE;
	if (!sort_heap_is_full(&m->heap))
		return known;
	if (sort_key_is_same(&m->key, &m->heap.key[0]))
		return known | m->heap.version << CODE_VERSION;
	return sort_heap_takes(&m->heap, &m->key) ? known : CODE_GONE;
}

/* Whether the index alone keeps a code of interest off the page. */
static bool is_out(const struct sort_member *m, uint32_t known, uint64_t index)
{
	if (known & CODE_IS_AFTER && !index_is_before(m, m->all->after.index, index))
		return true;
	return known >> CODE_VERSION != 0 &&
	       known >> CODE_VERSION == (m->heap.version & (UINT32_MAX >> CODE_VERSION)) &&
	       !index_is_before(m, index, m->heap.key[0].index);
}

static int take_code(struct sort_member *m, const struct field_column *c, struct span value, uint32_t *known,
		     uint64_t index, struct err *err)
{
	int rc = 0;

	if ((*known & CODE_STATE) == CODE_LIVE && is_out(m, *known, index))
		return 0;
	key_of_value(m, index, c, value);
	if (m->has_value)
		rc = offer(m, err);
	*known = judge(m);
	return rc;
}

static int take_codes(struct sort_member *m, uint32_t column, const struct block_values *v, const struct piece *p,
		      const struct row_set *rows, struct row_set *left, struct err *err)
{
	const struct field_column *c = &m->columns.at[column];
	uint32_t *known = m->codes[column];
	int rc = 0;

	if (!known)
		known = m->codes[column] = try_array(v->dict->count, sizeof(*known));
	if (!known)
		return err_set(err, E_NO_MEMORY, "not enough memory for sorting");
	for (uint32_t i = 0; i < v->count && rc == 0; i++) {
		uint32_t row = v->row_of ? v->row_of[i] : i, *of = &known[v->code[i]];

		if (!row_set_has(rows, row) || *of == CODE_NO_VALUE)
			continue;
		if (*of != CODE_GONE)
			rc = take_code(m, c, dict_get(v->dict, v->code[i]), of, p->first + row, err);
		if (*of != CODE_NO_VALUE)
			row_set_remove(left, row);
	}
	return rc;
}

/* ---- pieces ---- */

static int take_texts(struct sort_member *m, struct block *b, const struct field_column *c,
		      const struct block_values *v, const struct piece *p, const struct row_set *rows,
		      struct row_set *left, struct err *err)
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
			key_of_value(m, p->first + row, c, text);
		if (rc == 0 && m->has_value) {
			row_set_remove(left, row);
			rc = offer(m, err);
		}
	}
	return rc;
}

/* Rows without a value. */
static int take_rest(struct sort_member *m, const struct piece *p, const struct row_set *left, struct err *err)
{
	int rc = 0;

	if (sort_heap_is_full(&m->heap) && m->heap.key[0].kind != SORT_NONE)
		return 0;
	for (uint32_t w = left->from; w < left->to; w++) {
		for (uint64_t bits = left->bit[w]; bits && rc == 0; bits &= bits - 1) {
			begin_key(m, p->first + w * 64 + (uint32_t)__builtin_ctzll(bits));
			if (sort_heap_takes(&m->heap, &m->key))
				rc = offer(m, err);
		}
	}
	return rc;
}

/* Whether a time lies behind the last of a full heap: most do, and need no key. */
static bool is_behind_heap(const struct sort_heap *h, int64_t us)
{
	if (!sort_heap_is_full(h))
		return false;
	return h->ascending ? us > h->key[0].whole : us < h->key[0].whole;
}

static int take_time(struct sort_member *m, uint64_t index, int64_t us, struct err *err)
{
	if (is_behind_heap(&m->heap, us))
		return 0;
	set_time(m, index, us);
	return sort_heap_takes(&m->heap, &m->key) ? offer(m, err) : 0;
}

/* Times mostly grow along a ledger: those that are listed first are taken first, and keep the others out. */
static int take_times(struct sort_member *m, const int64_t *time, const struct piece *p, const struct row_set *rows,
		      struct err *err)
{
	uint32_t words = rows->to - rows->from;
	int rc = 0;

	for (uint32_t k = 0; k < words; k++) {
		uint32_t w = m->heap.ascending ? rows->from + k : rows->to - 1 - k;

		for (uint64_t bits = rows->bit[w]; bits && rc == 0;) {
			uint32_t bit =
				(uint32_t)(m->heap.ascending ? __builtin_ctzll(bits) : 63 - __builtin_clzll(bits));
			uint32_t row = w * 64 + bit;

			bits &= ~(UINT64_C(1) << bit);
			rc = take_time(m, p->first + row, time[row], err);
		}
	}
	return rc;
}

static int take_block(struct sort_member *m, struct block *b, const struct piece *p, const struct row_set *rows,
		      struct err *err)
{
	struct row_set left = *rows;
	const struct block_values *v;
	int rc = 0;

	go_to_segment(m, p->segment);
	for (uint32_t k = 0; k < m->columns.count && rc == 0; k++) {
		rc = block_values(b, m->columns.at[k].column, &v, err);
		if (rc < 0 || !v)
			continue;
		rc = v->dict ? take_codes(m, k, v, p, rows, &left, err)
			     : take_texts(m, b, &m->columns.at[k], v, p, rows, &left, err);
	}
	return rc < 0 ? rc : take_rest(m, p, &left, err);
}

static int take_tail(struct sort_member *m, const struct scanner *x, const struct piece *p, const struct row_set *rows,
		     struct err *err)
{
	int rc = 0;

	for (uint32_t w = rows->from; w < rows->to; w++) {
		for (uint64_t bits = rows->bit[w]; bits && rc == 0; bits &= bits - 1) {
			uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(bits);

			sort__key_of_record(m, p->first + row, scanner__tail_record(x, p, row));
			rc = offer(m, err);
		}
	}
	return rc;
}

int sort__take_piece(struct sort_member *m, struct scanner *x, const struct piece *p, const struct row_set *rows,
		     struct err *err)
{
	const int64_t *time;
	struct block *b;
	int rc;

	if (p->segment == PIECE_OF_TAIL)
		return take_tail(m, x, p, rows, err);
	rc = scanner__block(x, p, &b, err);
	if (rc < 0)
		return rc;
	if (!m->all->is_time)
		return take_block(m, b, p, rows, err);
	rc = block_times(b, &time, err);
	return rc < 0 ? rc : take_times(m, time, p, rows, err);
}

void sort__release_member(struct sort_member *m)
{
	forget_codes(m);
	sort_heap_release(&m->heap);
	buf_release(&m->text);
	buf_release(&m->scratch);
}
