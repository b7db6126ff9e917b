/* Counting by dictionary, by code and by text. */
#include "base/mem.h"
#include "query/facet_priv.h"

/* ---- tables ---- */

static void share_table(struct facet_member *m, uint32_t field)
{
	mutex_lock(&m->all->mu[field]);
	value_table_merge(&m->all->table[field], &m->table[field]);
	mutex_unlock(&m->all->mu[field]);
	value_table_reset(&m->table[field]);
}

/* Begins to count something new, which stands for so many records. */
static void begin(struct facet_member *m, uint64_t weight)
{
	m->stamp++;
	m->weight = weight;
	for (uint32_t k = 0; k < m->all->field_count; k++)
		if (m->table[k].count > FACET_SHARE_VALUES || m->table[k].text.len > FACET_SHARE_BYTES)
			share_table(m, k);
}

static bool take_value(void *user, uint32_t field, struct span text, bool is_string)
{
	struct facet_member *m = user;

	if (m->seen[field] != m->stamp)
		m->with_value[field] += m->weight;
	m->seen[field] = m->stamp;
	value_table_add(&m->table[field], value_plain(text, is_string, &m->plain), m->weight, m->stamp);
	return true;
}

/* ---- codes ---- */

static void count_values_of_code(struct facet_member *m, uint32_t field, const struct field_column *c,
				 const struct dict *d, uint32_t code, uint64_t weight)
{
	begin(m, weight);
	field__walk_value(&m->all->r->fields->field[field], field, c, dict_get(d, code), take_value, m);
}

static void fold_codes(struct facet_member *m)
{
	for (uint32_t k = 0; k < m->codes_count; k++) {
		struct facet_codes *c = &m->codes[k];

		for (uint32_t code = 0; code < c->dict->count; code++)
			if (c->count[code])
				count_values_of_code(m, c->field, c->column, c->dict, code, c->count[code]);
		free(c->count);
	}
	m->codes_count = 0;
}

/* A member's codes are of one segment at a time. */
static void go_to_segment(struct facet_member *m, size_t segment)
{
	if (m->segment == segment)
		return;
	fold_codes(m);
	m->segment = segment;
}

/* The counters of a column; NULL when memory is out. */
static uint32_t *need_codes(struct facet_member *m, uint32_t field, const struct field_column *column,
			    const struct dict *dict)
{
	struct facet_codes c = {field, column, dict, NULL};

	for (uint32_t k = 0; k < m->codes_count; k++)
		if (m->codes[k].column == column)
			return m->codes[k].count;
	c.count = try_array(dict->count, sizeof(*c.count));
	if (!c.count)
		return NULL;
	if (m->codes_count == m->codes_cap) {
		m->codes_cap = m->codes_cap ? m->codes_cap * 2 : 8;
		m->codes = xrealloc(m->codes, m->codes_cap * sizeof(*m->codes));
	}
	m->codes[m->codes_count++] = c;
	return c.count;
}

static void count_codes(const struct block_values *v, const struct row_set *rows, bool is_all, uint32_t *count)
{
	if (is_all) {
		for (uint32_t i = 0; i < v->count; i++)
			count[v->code[i]]++;
	} else if (v->row_of) {
		for (uint32_t i = 0; i < v->count; i++)
			count[v->code[i]] += row_set_has(rows, v->row_of[i]);
	} else {
		for (uint32_t w = rows->from; w < rows->to; w++)
			for (uint64_t bits = rows->bit[w]; bits; bits &= bits - 1)
				count[v->code[w * 64 + (uint32_t)__builtin_ctzll(bits)]]++;
	}
}

/* ---- whole segments ---- */

static bool has_counted(const struct segment *segment, const struct field_columns *columns)
{
	for (uint32_t k = 0; k < columns->count; k++)
		if (!segment_column_dict_info(segment, columns->at[k].column).is_counted)
			return false;
	return columns->count > 0 || field__has_no_whole_records(segment);
}

int facet__count_dicts(struct facet_member *m, size_t segment, uint32_t field, bool *ret, struct err *err)
{
	const struct field_columns *columns = &facet__columns(m->all, segment, field)->columns;
	struct segment *s = m->all->scan.source->segments[segment];
	const struct dict *d;
	int rc = 0;

	*ret = false;
	if (!has_counted(s, columns))
		return 0;
	for (uint32_t k = 0; k < columns->count && rc == 0; k++) /* all of them first: then nothing can fail */
		rc = segment_column_dict(s, columns->at[k].column, &d, err);
	for (uint32_t k = 0; k < columns->count && rc == 0; k++) {
		rc = segment_column_dict(s, columns->at[k].column, &d, err);
		for (uint32_t code = 0; rc == 0 && code < d->count; code++)
			if (d->rows[code])
				count_values_of_code(m, field, &columns->at[k], d, code, d->rows[code]);
	}
	*ret = rc == 0;
	return rc;
}

/* ---- pieces ---- */

static int count_texts(struct facet_member *m, struct block *b, uint32_t field, const struct field_column *c,
		       const struct block_values *v, const struct row_set *rows, struct err *err)
{
	struct field_texts texts;
	struct span text;
	int rc = field_texts_open(&texts, b, c->column, v, rows, err);

	for (uint32_t i = 0; i < v->count && rc == 0; i++) {
		if (!row_set_has(rows, v->row_of ? v->row_of[i] : i))
			continue;
		rc = field_texts_get(&texts, i, &m->text, &text, err);
		if (rc < 0)
			break;
		begin(m, 1);
		field__walk_value(&m->all->r->fields->field[field], field, c, text, take_value, m);
	}
	return rc;
}

static int count_column(struct facet_member *m, struct block *b, uint32_t field, const struct field_column *c,
			const struct row_set *rows, bool is_all, struct err *err)
{
	const struct block_values *v;
	uint32_t *count;
	int rc = block_values(b, c->column, &v, err);

	if (rc < 0 || !v)
		return rc;
	if (!v->dict)
		return count_texts(m, b, field, c, v, rows, err);
	count = need_codes(m, field, c, v->dict);
	if (!count)
		return err_set(err, E_NO_MEMORY, "not enough memory for counting values");
	count_codes(v, rows, is_all, count);
	return 0;
}

/* Reads what a piece needs before anything of it is counted: a damaged one is best left out as a whole. */
static int read_columns(const struct facets *all, struct block *b, size_t segment, struct err *err)
{
	const struct block_values *v;
	int rc = 0;

	for (uint32_t f = 0; f < all->field_count && rc == 0; f++) {
		const struct facet_columns *c = facet__columns(all, segment, f);

		for (uint32_t k = 0; k < c->columns.count && !c->is_counted && rc == 0; k++)
			rc = block_values(b, c->columns.at[k].column, &v, err);
	}
	return rc;
}

static int count_block(struct facet_member *m, struct scanner *x, const struct piece *p, const struct row_set *rows,
		       struct err *err)
{
	bool is_all = row_set_count(rows) == p->rows;
	struct block *b;
	int rc = scanner__block(x, p, &b, err);

	if (rc == 0)
		rc = read_columns(m->all, b, p->segment, err);
	go_to_segment(m, p->segment);
	for (uint32_t f = 0; f < m->all->field_count && rc == 0; f++) {
		const struct facet_columns *c = facet__columns(m->all, p->segment, f);

		for (uint32_t k = 0; k < c->columns.count && !c->is_counted && rc == 0; k++)
			rc = count_column(m, b, f, &c->columns.at[k], rows, is_all, err);
	}
	return rc;
}

static void count_tail(struct facet_member *m, const struct scanner *x, const struct piece *p,
		       const struct row_set *rows)
{
	for (uint32_t w = rows->from; w < rows->to; w++) {
		for (uint64_t bits = rows->bit[w]; bits; bits &= bits - 1) {
			uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(bits);

			begin(m, 1);
			field__walk_record(m->all->r->fields->field, m->all->field_count,
					   scanner__tail_record(x, p, row), take_value, m);
		}
	}
}

int facet__count_piece(struct facet_member *m, struct scanner *x, const struct piece *p, struct err *err)
{
	struct row_set rows;
	int rc = scanner__match(x, p, p->from, p->to, &rows, err);

	if (rc < 0 || row_set_is_empty(&rows))
		return rc;
	if (p->segment == PIECE_OF_TAIL)
		count_tail(m, x, p, &rows);
	else
		rc = count_block(m, x, p, &rows, err);
	if (rc == 0)
		m->total += row_set_count(&rows);
	return rc;
}

void facet__share(struct facet_member *m)
{
	fold_codes(m);
	for (uint32_t k = 0; k < m->all->field_count; k++)
		share_table(m, k);
}
