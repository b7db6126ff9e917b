/* Reading a run of templates: the hole columns are opened once, a value is put together from its template's parts. */
#include "base/mem.h"
#include "codec/template_priv.h"

struct read_template {
	uint32_t part_count;
	uint32_t hole_count;
	struct template_part *part;
	struct column *hole;
	uint32_t opened; /* hole columns to release */
	uint32_t uses;   /* values of this template */
};

struct template_run {
	size_t n;
	size_t count;
	struct read_template *template;
	uint16_t *number; /* per value: its template */
	uint16_t *rank;   /* per value: its place among the values of its template */
};

struct template_run *template_close(struct template_run *r)
{
	if (!r)
		return NULL;
	for (size_t t = 0; r->template && t < r->count; t++) {
		for (uint32_t h = 0; h < r->template[t].opened; h++)
			column_release(&r->template[t].hole[h]);
		free(r->template[t].hole);
		free(r->template[t].part);
	}
	free(r->template);
	free(r->number);
	free(r->rank);
	free(r);
	return NULL;
}

static int read_part(struct reader *from, size_t ref_count, struct template_part *part)
{
	uint8_t kind = reader_u8(from);

	if (kind >= PART_REST)
		return E_CORRUPT;
	part->kind = (enum part_kind)kind;
	if (kind == PART_REF)
		part->ref = reader_u8(from);
	else if (kind == PART_LITERAL)
		part->literal = reader_bytes(from, reader_varint(from));
	return from->failed || part->ref >= (ref_count ? ref_count : 1) ? E_CORRUPT : 0;
}

static int read_template(struct reader *from, size_t ref_count, struct read_template *t)
{
	uint64_t parts = reader_varint(from);

	if (from->failed || parts == 0 || parts > TEMPLATE_PARTS_MAX)
		return E_CORRUPT;
	t->part = xarray(parts, sizeof(*t->part));
	t->part_count = (uint32_t)parts;
	for (uint64_t k = 0; k < parts; k++) {
		int rc = read_part(from, ref_count, &t->part[k]);

		if (rc < 0 || (t->part[k].kind == PART_REF && ref_count == 0))
			return E_CORRUPT;
		t->hole_count += t->part[k].kind >= PART_DIGITS;
	}
	return 0;
}

static int read_templates(struct template_run *r, struct reader *from, size_t ref_count)
{
	uint64_t count = reader_varint(from);

	if (from->failed || count == 0 || count > TEMPLATE_MAX)
		return E_CORRUPT;
	r->count = (size_t)count;
	r->template = xarray(r->count, sizeof(*r->template));
	r->template[0].part = xarray(1, sizeof(struct template_part));
	r->template[0].part[0].kind = PART_REST;
	r->template[0].part_count = r->template[0].hole_count = 1;
	for (size_t t = 1; t < r->count; t++)
		if (read_template(from, ref_count, &r->template[t]) < 0)
			return E_CORRUPT;
	return 0;
}

static int read_numbers(struct template_run *r, struct reader *from, struct err *err)
{
	struct ints numbers;
	int64_t *value;
	int rc = 0;

	if (r->count == 1) {
		for (size_t i = 0; i < r->n; i++)
			r->rank[i] = (uint16_t)i;
		r->template[0].uses = (uint32_t)r->n;
		return 0;
	}
	rc = ints_open(&numbers, from, r->n, err);
	if (rc < 0)
		return rc;
	value = xarray(r->n, sizeof(*value));
	ints_read(&numbers, 0, r->n, value);
	for (size_t i = 0; i < r->n && rc == 0; i++) {
		if (value[i] < 0 || (uint64_t)value[i] >= r->count) {
			rc = E_CORRUPT;
			break;
		}
		r->number[i] = (uint16_t)value[i];
		r->rank[i] = (uint16_t)r->template[value[i]].uses++;
	}
	free(value);
	ints_release(&numbers);
	return rc;
}

static int open_holes(struct template_run *r, struct reader *from, struct err *err)
{
	for (size_t t = 0; t < r->count; t++) {
		struct read_template *rt = &r->template[t];

		if (rt->uses == 0)
			continue;
		rt->hole = xarray(rt->hole_count + 1, sizeof(*rt->hole));
		for (uint32_t h = 0; h < rt->hole_count; h++) {
			int rc = column_open(&rt->hole[h], from, rt->uses, err);

			if (rc < 0)
				return rc;
			rt->opened++;
		}
	}
	return 0;
}

int template_open(struct span bytes, size_t n, size_t ref_count, struct template_run **ret, struct err *err)
{
	struct reader from = reader_of(bytes);
	struct template_run *r = xalloc(sizeof(*r));
	int rc;

	must(n <= 65536);
	r->n = n;
	r->number = xarray(n, sizeof(*r->number));
	r->rank = xarray(n, sizeof(*r->rank));
	rc = read_templates(r, &from, ref_count);
	if (rc == 0)
		rc = read_numbers(r, &from, err);
	if (rc == 0)
		rc = open_holes(r, &from, err);
	if (rc == 0 && reader_left(&from) != 0)
		rc = E_CORRUPT;
	if (rc < 0) {
		template_close(r);
		return rc == E_CORRUPT ? err_corrupt(err, 0, "a run of templates is damaged") : rc;
	}
	*ret = r;
	return 0;
}

int template_get(const struct template_run *r, size_t i, template_ref_fn *ref, void *user, struct buf *to,
		 struct err *err)
{
	const struct read_template *t;
	uint32_t hole = 0;

	must(i < r->n);
	t = &r->template[r->number[i]];
	for (uint32_t k = 0; k < t->part_count; k++) {
		const struct template_part *part = &t->part[k];
		int rc = 0;

		if (part->kind == PART_LITERAL)
			buf_put_span(to, part->literal);
		else if (part->kind == PART_REF)
			rc = ref(user, part->ref, i, to, err);
		else
			column_get(&t->hole[hole++], r->rank[i], to);
		if (rc < 0)
			return rc;
	}
	return 0;
}
