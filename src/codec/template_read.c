/* Reading a run of templates: the hole columns are opened once, a value is put together from its template's parts. */
#include <emmintrin.h>

#include "base/mem.h"
#include "codec/template_priv.h"

_Static_assert(TEMPLATE_MAX <= 256, "a template's number is a byte");

#define RANKS_BY_COUNT 16u /* so many ranks are counted out; then all are made, which takes as long as so many */
#define COUNT_STEP     512u

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
	free(r->literals);
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

/* Copies the literals to where reading may go past the end. */
static int keep_literals(struct template_run *r, struct err *err)
{
	size_t len = 0;
	uint8_t *to;

	for (size_t t = 0; t < r->count; t++)
		for (uint32_t k = 0; k < r->template[t].part_count; k++)
			len += r->template[t].part[k].literal.len;
	to = r->literals = try_alloc(len + COLUMN_SLACK);
	if (!to)
		return err_set(err, E_NO_MEMORY, "no memory for the templates of a column");
	for (size_t t = 0; t < r->count; t++) {
		for (uint32_t k = 0; k < r->template[t].part_count; k++) {
			struct span *literal = &r->template[t].part[k].literal;

			if (literal->len)
				memcpy(to, literal->p, literal->len);
			literal->p = to;
			to += literal->len;
		}
	}
	memset(to, 0, COLUMN_SLACK);
	return 0;
}

/* Neighbours are often of one template: four counts side by side, so that none waits for the one before. */
static void count_uses(struct template_run *r)
{
	uint32_t seen[4][TEMPLATE_MAX] = {{0}};
	size_t i = 0;

	for (; i + 4 <= r->n; i += 4)
		for (size_t k = 0; k < 4; k++)
			seen[k][r->number[i + k]]++;
	for (; i < r->n; i++)
		seen[0][r->number[i]]++;
	for (size_t t = 0; t < r->count; t++)
		r->template[t].uses = seen[0][t] + seen[1][t] + seen[2][t] + seen[3][t];
}

static int read_numbers(struct template_run *r, struct reader *from, struct err *err)
{
	uint16_t some[COUNT_STEP], max = 0;
	uint8_t *number = r->number;
	struct ints numbers;
	int rc;

	if (r->count == 1) {
		r->template[0].uses = (uint32_t)r->n;
		return 0;
	}
	rc = ints_open(&numbers, from, r->n, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < r->n; i += COUNT_STEP) {
		size_t len = r->n - i < COUNT_STEP ? r->n - i : COUNT_STEP;

		ints_read_u16(&numbers, i, len, some);
		for (size_t k = 0; k < len; k++) {
			max = some[k] > max ? some[k] : max;
			number[i + k] = (uint8_t)some[k];
		}
	}
	ints_release(&numbers);
	if (max >= r->count)
		return E_CORRUPT;
	count_uses(r);
	return 0;
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
	rc = read_templates(r, &from, ref_count);
	if (rc == 0)
		rc = keep_literals(r, err);
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

/* ---- one value ---- */

static void decode_holes(struct template_run *r)
{
	for (size_t t = 0; t < r->count; t++)
		for (uint32_t h = 0; h < r->template[t].opened; h++)
			column_decode(&r->template[t].hole[h]);
}

static void make_ranks(struct template_run *r)
{
	uint32_t next[TEMPLATE_MAX] = {0};

	decode_holes(r);
	r->rank = xarray(r->n, sizeof(*r->rank));
	for (size_t i = 0; i < r->n; i++)
		r->rank[i] = (uint16_t)next[r->number[i]]++;
}

static size_t count_equal(const uint8_t *p, size_t n, uint8_t what)
{
	const __m128i wanted = _mm_set1_epi8((char)what), one = _mm_set1_epi8(1);
	__m128i sum = _mm_setzero_si128();
	size_t i = 0, count;

	for (; i + 16 <= n; i += 16) {
		__m128i is = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + i)), wanted);

		sum = _mm_add_epi64(sum, _mm_sad_epu8(_mm_and_si128(is, one), _mm_setzero_si128()));
	}
	count = (size_t)_mm_cvtsi128_si64(_mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum)));
	for (; i < n; i++)
		count += p[i] == what;
	return count;
}

/* The place of value i among the values of its template. */
static size_t find_rank(struct template_run *r, size_t i)
{
	if (!r->rank && ++r->ranks_asked <= RANKS_BY_COUNT)
		return count_equal(r->number, i, r->number[i]);
	if (!r->rank)
		make_ranks(r);
	return r->rank[i];
}

int template_get(struct template_run *r, size_t i, template_ref_fn *ref, void *user, struct buf *to, struct err *err)
{
	const struct read_template *t;
	uint32_t hole = 0;
	size_t rank;

	must(i < r->n);
	t = &r->template[r->number[i]];
	rank = t->hole_count ? find_rank(r, i) : 0;
	for (uint32_t k = 0; k < t->part_count; k++) {
		const struct template_part *part = &t->part[k];
		int rc = 0;

		if (part->kind == PART_LITERAL)
			buf_put_span(to, part->literal);
		else if (part->kind == PART_REF)
			rc = ref(user, part->ref, i, to, err);
		else
			column_get(&t->hole[hole++], rank, to);
		if (rc < 0)
			return rc;
	}
	return 0;
}

size_t template_memory(const struct template_run *r)
{
	size_t bytes = r->n * (sizeof(*r->number) + (r->rank ? sizeof(*r->rank) : 0));

	for (size_t t = 0; t < r->count; t++) {
		bytes += r->template[t].part_count * sizeof(struct template_part);
		for (uint32_t h = 0; h < r->template[t].opened; h++)
			bytes += sizeof(struct column) + column_memory(&r->template[t].hole[h]);
	}
	return bytes;
}
