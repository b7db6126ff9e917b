/*
 * Columns of all segments and of the tail, sorted by path, make the list; only those listed are looked into. A
 * dictionary that has counted tells all of a column; the records of the tail are cut into columns once.
 */
#include "query/catalog.h"

#include "base/mem.h"
#include "base/rand.h"
#include "codec/shape.h"
#include "query/field_priv.h"
#include "query/search_priv.h"
#include "query/value_table_priv.h"

#define SOURCE_TAIL SIZE_MAX

/* A column somewhere. */
struct sighting {
	struct span path;
	size_t segment; /* or SOURCE_TAIL */
	uint32_t column;
	bool is_string;
};

/* A value of the tail. */
struct tail_value {
	uint32_t column;
	struct span text;
};

struct catalog {
	const struct search_source *source;
	struct sighting *sighting;
	size_t sighting_count, sighting_cap;
	struct shape_set *tail_shapes;
	struct tail_value *tail; /* by column */
	size_t tail_count, tail_cap;
	bool is_whole; /* nothing was left out: records stored whole, damaged ones, more than limits allow */
	struct value_table values; /* of the field looked at */
	struct buf plain;

	const struct field *field; /* the field looked at */
	struct catalog_field *at;  /* the same in the answer */
	bool has_value;
};

/* ---- collecting ---- */

static void *grow(void *p, size_t count, size_t *cap, size_t size)
{
	void *grown = p;

	if (count < *cap)
		return p;
	grown = try_realloc(p, (*cap ? *cap * 2 : 256) * size);
	if (grown)
		*cap = *cap ? *cap * 2 : 256;
	return grown;
}

static int no_memory(struct err *err)
{
	return err_set(err, E_NO_MEMORY, "not enough memory for the list of fields");
}

static bool is_server_path(struct span path)
{
	return path.len == 0 || span_eq_str(path, "id") || span_eq_str(path, "time") || span_eq_str(path, "received");
}

static int add_sighting(struct catalog *c, const struct shape_column *column, size_t segment, uint32_t number,
			struct err *err)
{
	struct sighting *grown;

	if (is_server_path(column->path))
		return 0;
	if (c->sighting_count == CATALOG_COLUMNS_MAX) {
		c->is_whole = false;
		return 0;
	}
	grown = grow(c->sighting, c->sighting_count, &c->sighting_cap, sizeof(*grown));
	if (!grown)
		return no_memory(err);
	c->sighting = grown;
	c->sighting[c->sighting_count++] = (struct sighting){column->path, segment, number, column->is_string};
	return 0;
}

static int cut_record(struct catalog *c, struct span record, struct err *err)
{
	struct span holes[RECORD_VALUES_MAX];
	struct tail_value *grown;
	const struct shape *shape;
	uint32_t number;

	if (c->tail_count >= CATALOG_TAIL_VALUES_MAX || shape_cut(c->tail_shapes, record, &number, holes) < 0) {
		c->is_whole = false;
		return 0;
	}
	shape = shape_set_get(c->tail_shapes, number);
	for (uint32_t h = 0; h < shape->hole_count; h++) {
		grown = grow(c->tail, c->tail_count, &c->tail_cap, sizeof(*grown));
		if (!grown)
			return no_memory(err);
		c->tail = grown;
		c->tail[c->tail_count++] = (struct tail_value){shape->column[h], holes[h]};
	}
	return 0;
}

static int by_column(const void *a, const void *b)
{
	const struct tail_value *x = a, *y = b;

	return (x->column > y->column) - (x->column < y->column);
}

static int cut_tails(struct catalog *c, struct err *err)
{
	const struct search_source *source = c->source;
	int rc = 0;

	c->tail_shapes = shape_set_new();
	for (size_t t = 0; t < source->tail_count; t++)
		for (uint32_t i = 0; i < source->tails[t].count && rc == 0; i++)
			rc = cut_record(c, source->record(&source->tails[t], i), err);
	if (c->tail_count > 0)
		qsort(c->tail, c->tail_count, sizeof(*c->tail), by_column);
	for (uint32_t k = 0; k < shape_set_column_count(c->tail_shapes) && rc == 0; k++)
		rc = add_sighting(c, shape_set_column(c->tail_shapes, k), SOURCE_TAIL, k, err);
	return rc;
}

static int by_path(const void *a, const void *b)
{
	return span_cmp(((const struct sighting *)a)->path, ((const struct sighting *)b)->path);
}

static int collect(struct catalog *c, struct err *err)
{
	int rc = cut_tails(c, err);

	for (size_t s = 0; s < c->source->segment_count && rc == 0; s++) {
		const struct segment *segment = c->source->segments[s];

		c->is_whole = c->is_whole && field__has_no_whole_records(segment);
		for (uint32_t k = 0; k < segment_column_count(segment) && rc == 0; k++)
			rc = add_sighting(c, segment_column(segment, k), s, k, err);
	}
	if (rc == 0 && c->sighting_count > 0)
		qsort(c->sighting, c->sighting_count, sizeof(*c->sighting), by_path);
	return rc;
}

/* ---- one field ---- */

static uint32_t kind_of(struct span text, bool is_string)
{
	if (is_string)
		return CATALOG_STRING;
	switch (text.len ? text.p[0] : 0) {
	case '[':
		return CATALOG_ARRAY;
	case '{':
		return CATALOG_OBJECT;
	case 't':
	case 'f':
		return CATALOG_BOOLEAN;
	case 'n':
		return CATALOG_NULL;
	default:
		return CATALOG_NUMBER;
	}
}

static bool take_value(void *user, uint32_t field, struct span text, bool is_string)
{
	struct catalog *c = user;

	(void)field;
	c->at->kinds |= kind_of(text, is_string);
	c->has_value = true;
	value_table_add(&c->values, value_plain(text, is_string, &c->plain), 1, 0);
	return true;
}

static uint32_t depth_of(struct span path)
{
	uint32_t depth = 1;

	for (size_t i = 0; i < path.len; i++)
		depth += path.p[i] == SHAPE_PATH_SEP;
	return depth;
}

/* The value of a column that is the field's, or leads to it, in so many records. */
static void look_at(struct catalog *c, const struct sighting *s, struct span text, uint64_t records)
{
	const struct field_column column = {s->column, false, s->is_string, depth_of(s->path)};

	c->has_value = false;
	if (column.depth == c->field->name_count)
		c->at->kinds |= kind_of(text, s->is_string);
	field__walk_value(c->field, 0, &column, text, take_value, c);
	c->at->records += c->has_value ? records : 0;
}

static void look_at_tail(struct catalog *c, const struct sighting *s)
{
	size_t low = 0, high = c->tail_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->tail[middle].column < s->column)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < c->tail_count && c->tail[low].column == s->column; low++)
		look_at(c, s, c->tail[low].text, 1);
}

/* Whether each record of a segment has the column. */
static bool is_in_all(const struct segment *segment, uint32_t column)
{
	const struct shape_set *shapes = segment_shapes(segment);

	for (uint32_t k = 0; k < shape_set_count(shapes); k++) {
		const struct shape *shape = shape_set_get(shapes, k);
		bool has = shape->hole_count == 1 && shape_set_column(shapes, shape->column[0])->path.len == 0;

		for (uint32_t h = 0; h < shape->hole_count && !has; h++)
			has = shape->column[h] == column;
		if (!has)
			return false;
	}
	return field__has_no_whole_records(segment);
}

/* What can be told of a column whose values are not looked at. */
static void guess(struct catalog *c, const struct sighting *s, uint64_t *least)
{
	const struct segment *segment = c->source->segments[s->segment];
	uint32_t count = segment_column_dict_info(segment, s->column).count;

	c->at->exact = false;
	if (depth_of(s->path) < c->field->name_count)
		return;
	c->at->kinds |= s->is_string ? CATALOG_STRING : 0;
	if (s->is_string && is_in_all(segment, s->column))
		c->at->records += segment_next(segment) - segment_first(segment);
	else if (s->is_string)
		c->at->records += count ? count : 1;
	if (s->is_string && count > *least)
		*least = count;
}

static int look_at_segment(struct catalog *c, const struct sighting *s, uint64_t *least, struct err *err)
{
	struct segment *segment = c->source->segments[s->segment];
	struct dict_info info = segment_column_dict_info(segment, s->column);
	const struct dict *d;
	struct err found = ERR_INIT;
	int rc;

	if (!info.is_counted || info.count > CATALOG_DICT_MAX) {
		guess(c, s, least);
		return 0;
	}
	rc = segment_column_dict(segment, s->column, &d, &found);
	if (rc == E_CORRUPT) {
		guess(c, s, least);
		return 0;
	}
	if (rc < 0 && err)
		*err = found;
	for (uint32_t code = 0; rc == 0 && code < d->count; code++)
		if (d->rows[code])
			look_at(c, s, dict_get(d, code), d->rows[code]);
	return rc;
}

/* The sightings of a path: from *ret_from, as many as are returned. */
static size_t find_sightings(const struct catalog *c, struct span path, size_t *ret_from)
{
	size_t low = 0, high = c->sighting_count, n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_cmp(c->sighting[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + n < c->sighting_count && span_eq(c->sighting[low + n].path, path))
		n++;
	*ret_from = low;
	return n;
}

static int look_at_path(struct catalog *c, struct span path, uint64_t *least, struct err *err)
{
	bool is_above = path.len < c->field->path.len;
	size_t from, count = find_sightings(c, path, &from);
	int rc = 0;

	for (size_t k = from; k < from + count && rc == 0; k++) {
		const struct sighting *s = &c->sighting[k];

		if (is_above && s->is_string)
			continue;
		if (s->segment == SOURCE_TAIL)
			look_at_tail(c, s);
		else
			rc = look_at_segment(c, s, least, err);
	}
	return rc;
}

/* Fills in a field from the columns of its path, and from those above it that may hold arrays of objects. */
static int describe(struct catalog *c, const struct field *field, struct catalog_field *to, struct err *err)
{
	uint64_t least = 0;
	int rc = 0;

	c->field = field;
	c->at = to;
	to->exact = c->is_whole;
	value_table_reset(&c->values);
	for (uint32_t k = 0; k < field->name_count && rc == 0; k++) {
		const struct span *name = &field->name[k];

		rc = look_at_path(c, span_of(field->path.p, (size_t)(name->p - field->path.p) + name->len), &least,
				  err);
	}
	to->distinct = c->values.count > least ? c->values.count : least;
	if (to->distinct == 0 && to->records > 0)
		to->distinct = 1;
	if (rc == 0 && (c->values.failed || !buf_ok(&c->plain)))
		rc = no_memory(err);
	return rc;
}

/* ---- the list ---- */

static int list_field(struct catalog *c, struct span name, struct catalog_answer *a, struct err *err)
{
	struct catalog_field *to = &a->field[a->count++];
	struct field field;
	int rc = field_parse(name, &field, err);

	if (rc < 0)
		return rc;
	*to = (struct catalog_field){.name = span_of(NULL, name.len)}; /* where, when all are there */
	buf_put_span(&a->text, name);
	rc = describe(c, &field, to, err);
	field_release(&field);
	return rc;
}

static int list_fields(struct catalog *c, struct span prefix, uint32_t limit, struct catalog_answer *a, struct err *err)
{
	struct buf name = BUF_INIT;
	size_t from;
	int rc = 0;

	for (size_t k = 0; k < c->sighting_count && rc == 0 && !a->more;) {
		buf_reset(&name);
		field_print(c->sighting[k].path, &name);
		k += find_sightings(c, c->sighting[k].path, &from);
		if (!span_starts_with(buf_span(&name), prefix))
			continue;
		a->more = a->count == limit;
		if (!a->more)
			rc = list_field(c, buf_span(&name), a, err);
	}
	if (rc == 0 && (!buf_ok(&name) || !buf_ok(&a->text)))
		rc = no_memory(err);
	buf_release(&name);
	return rc;
}

static void place_names(struct catalog_answer *a)
{
	size_t at = 0;

	for (uint32_t k = 0; k < a->count; k++) {
		a->field[k].name.p = a->text.p + at;
		at += a->field[k].name.len;
	}
}

static void release(struct catalog *c)
{
	free(c->sighting);
	free(c->tail);
	shape_set_free(c->tail_shapes);
	value_table_release(&c->values);
	buf_release(&c->plain);
}

int catalog__run(const struct search_source *source, struct span prefix, uint32_t limit, struct catalog_answer *ret,
		 struct err *err)
{
	struct catalog c = {.source = source, .is_whole = source->gap_count == 0};
	struct catalog_answer a = CATALOG_ANSWER_INIT;
	uint64_t seed;
	int rc;

	must(limit > 0 && limit <= CATALOG_FIELDS_MAX);
	rand_bytes(&seed, sizeof(seed));
	value_table_init(&c.values, seed, 0, 0);
	a.field = xarray(limit, sizeof(*a.field));
	rc = collect(&c, err);
	if (rc == 0)
		rc = list_fields(&c, prefix, limit, &a, err);
	release(&c);
	if (rc < 0) {
		catalog_answer_release(&a);
		return rc;
	}
	place_names(&a);
	*ret = a;
	return 0;
}

int catalog_run(struct snapshot *s, struct span prefix, uint32_t limit, struct catalog_answer *ret, struct err *err)
{
	struct search_source source;

	search__source_of(s, NULL, &source);
	return catalog__run(&source, prefix, limit, ret, err);
}

void catalog_answer_release(struct catalog_answer *a)
{
	free(a->field);
	buf_release(&a->text);
	*a = (struct catalog_answer)CATALOG_ANSWER_INIT;
}
