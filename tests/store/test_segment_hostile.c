/*
 * Segments with good checksums and wrong content (segment_hostile.h): nothing may crash, read outside, go on without
 * end or take memory that the bytes do not account for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "segment_hostile.h"
#include "segment_sample.h"

/* A merge of full and short parts, with every kind of slot, raw records and texts that refer to texts. */
static void make_victim(struct rng *r, size_t rows, struct buf *to)
{
	struct merkle_frontier frontier = frontier_before(0);
	struct buf event = BUF_INIT;
	struct sample s;

	sample_start(&s, 0);
	for (size_t i = 0; i < rows; i++) {
		buf_reset(&event);
		if (pick(r, 50) == 0)
			put_random_event(r, &event);
		else
			put_audit_event(r, &event);
		(void)!sample_add(&s, buf_span(&event));
	}
	sample_number(&s, r, 40);
	sample_image(&s, 0, s.count, &frontier, to);
	buf_release(&event);
	sample_release(&s);
}

static void mutate(struct rng *r, uint8_t *p, size_t len)
{
	static const uint8_t corners[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 3, 2};

	for (uint64_t n = 1 + pick(r, 3); n > 0; n--) {
		size_t at = pick(r, 2) ? pick(r, len) : len - 1 - pick(r, len / 4 + 1);

		switch (pick(r, 4)) {
		case 0:
			p[at] ^= (uint8_t)(1u << pick(r, 8));
			break;
		case 1:
			p[at] = corners[pick(r, sizeof(corners))];
			break;
		case 2:
			p[at] = (uint8_t)(p[at] + (pick(r, 2) ? 1 : -1));
			break;
		default:
			for (size_t k = 0, from = pick(r, len); k < 8 && at + k < len && from + k < len; k++)
				p[at + k] = p[from + k];
		}
	}
}

static void test_segment__survives_wrong_content_under_good_checksums(void **state)
{
	const char *rounds = getenv("STELE_ROUNDS");
	unsigned long n = rounds ? strtoul(rounds, NULL, 10) : 1200;
	struct rng r = seeded_rng();

	(void)state;
	for (unsigned long i = 0; i < n;) {
		struct buf victim = BUF_INIT, copy = BUF_INIT;

		make_victim(&r, 5 + pick(&r, 60), &victim);
		hostile_try(buf_span(&victim));
		for (int k = 0; k < 200; k++, i++) {
			buf_reset(&copy);
			buf_put_span(&copy, buf_span(&victim));
			mutate(&r, copy.p, copy.len);
			hostile_try(buf_span(&copy));
		}
		buf_release(&victim);
		buf_release(&copy);
	}
}

/* ---- segments made by hand ---- */

/* A segment of one block of `rows` rows and columns that the caller describes. */
struct forged {
	struct buf dir_columns, dir_shape, slots, chunks;
	uint32_t columns, slot_count;
	uint64_t rows;
	struct buf dicts;
	uint32_t dict_count;
	struct buf pack;
};

static void forge_start(struct forged *f, uint64_t rows)
{
	static const char fixed[] = "\1\2id\1\4time\1\10received\0";

	memset(f, 0, sizeof(*f));
	f->rows = rows;
	buf_put(&f->dir_columns, fixed, sizeof(fixed));
	f->columns = COLUMN_FIXED_COUNT;
}

static uint32_t forge_column(struct forged *f, bool is_string)
{
	buf_put_u8(&f->dir_columns, is_string);
	buf_put_varint(&f->dir_columns, 4);
	buf_printf(&f->dir_columns, "c%03u", f->columns);
	return f->columns++;
}

static void forge_slot(struct forged *f, uint32_t column, enum slot_kind kind, const uint32_t *refs, size_t ref_count,
		       struct span chunk)
{
	buf_put_varint(&f->slots, column);
	buf_put_u8(&f->slots, (uint8_t)kind);
	if (kind == SLOT_TEMPLATE) {
		buf_put_varint(&f->slots, ref_count);
		for (size_t k = 0; k < ref_count; k++)
			buf_put_varint(&f->slots, refs[k]);
	}
	buf_put_varint(&f->slots, chunk.len);
	if (chunk.len <= SLOT_INLINE_MAX) {
		buf_put_span(&f->slots, chunk);
	} else {
		buf_put_u32(&f->slots, 0);
		buf_put_span(&f->chunks, chunk);
	}
	f->slot_count++;
}

static void forge_block(const struct forged *f, struct buf *to, size_t *ret_header)
{
	struct buf h = BUF_INIT;
	const uint8_t zero[2] = {0, 0}; /* ints: constant 0 */

	buf_put_u64(&h, 0);
	buf_put_varint(&h, f->rows);
	buf_put_varint(&h, 1);
	buf_put_varint(&h, 0);
	for (int k = 0; k < 2; k++) {
		buf_put_varint(&h, sizeof(zero));
		buf_put_u32(&h, 0);
	}
	buf_put_varint(&h, f->slot_count);
	buf_put_span(&h, buf_span(&f->slots));
	put_u32le(h.p + 4, (uint32_t)h.len);
	*ret_header = h.len;
	buf_put_span(to, buf_span(&h));
	buf_put(to, zero, sizeof(zero));
	buf_put(to, zero, sizeof(zero));
	buf_put_span(to, buf_span(&f->chunks));
	buf_release(&h);
}

static void forge_shape(const struct forged *f, struct buf *dir)
{
	buf_put_varint(dir, 1);
	buf_put_varint(dir, f->columns - COLUMN_FIXED_COUNT);
	for (uint32_t c = COLUMN_FIXED_COUNT; c < f->columns; c++)
		buf_put_varint(dir, c);
	for (uint32_t c = COLUMN_FIXED_COUNT; c <= f->columns; c++)
		buf_put_varint(dir, 0);
}

static void forge_directory(const struct forged *f, uint64_t block_bytes, uint64_t header, struct buf *dir)
{
	struct merkle_frontier frontier = frontier_before(f->rows);
	struct buf table = BUF_INIT;

	buf_put_varint(dir, f->columns);
	buf_put_span(dir, buf_span(&f->dir_columns));
	forge_shape(f, dir);
	buf_put_varint(dir, 1);
	buf_put_varint(dir, f->rows);
	buf_put_u64(dir, 0);
	buf_put_u64(dir, 0);
	buf_put_varint(dir, SEGMENT_HEADER_BYTES);
	buf_put_varint(dir, block_bytes);
	buf_put_varint(dir, header);
	buf_put_varint(dir, f->pack.len ? 1 : 0);
	if (f->pack.len) {
		buf_put_varint(dir, SEGMENT_HEADER_BYTES + block_bytes);
		buf_put_varint(dir, f->pack.len);
		buf_put_varint(dir, f->pack.len);
		buf_put_u32(dir, 0);
	}
	buf_put_varint(dir, f->dict_count);
	buf_put_span(dir, buf_span(&f->dicts));
	buf_put(&table, "\20\1\0\0", 4);
	buf_put_varint(dir, 0);
	buf_put_varint(dir, 0);
	buf_put_varint(dir, table.len);
	buf_put_span(dir, buf_span(&table));
	buf_put_varint(dir, 0);
	buf_put_varint(dir, f->rows / MERKLE_GROUP);
	buf_put_u32(dir, 0);
	merkle_frontier_put(dir, &frontier);
	buf_release(&table);
}

static void forge_finish(struct forged *f, struct buf *to)
{
	uint8_t header[SEGMENT_HEADER_BYTES] = SEGMENT_MAGIC, footer[SEGMENT_FOOTER_BYTES] = {0};
	struct buf dir = BUF_INIT;
	size_t block_header, block_bytes;

	header[SEGMENT_MAGIC_LEN] = SEGMENT_VERSION;
	buf_put(to, header, sizeof(header));
	forge_block(f, to, &block_header);
	block_bytes = to->len - sizeof(header);
	buf_put_span(to, buf_span(&f->pack));
	forge_directory(f, block_bytes, block_header, &dir);
	put_u16le(footer, SEGMENT_VERSION);
	put_u64le(footer + 16, f->rows);
	put_u64le(footer + 48, to->len);
	put_u32le(footer + 56, (uint32_t)dir.len);
	put_u32le(footer + 60, (uint32_t)dir.len);
	memcpy(footer + 72, SEGMENT_MAGIC, SEGMENT_MAGIC_LEN);
	buf_put_span(to, buf_span(&dir));
	buf_put(to, footer, sizeof(footer));
	buf_release(&dir);
	buf_release(&f->dir_columns);
	buf_release(&f->slots);
	buf_release(&f->chunks);
	buf_release(&f->dicts);
	buf_release(&f->pack);
}

/* A run of templates of one value: `refs` references to the slot's first column. */
static void forge_refs(struct buf *to, unsigned refs)
{
	buf_reset(to);
	buf_put_varint(to, 2);
	buf_put_varint(to, refs);
	for (unsigned k = 0; k < refs; k++)
		buf_put(to, "\1\0", 2);
	buf_put(to, "\0\2", 2); /* the value's template: constant 1, zigzag */
}

static int read_only_record(struct buf *bytes, struct buf *record, struct err *err)
{
	struct segment *s = hostile_open(buf_span(bytes));
	struct block *b;
	int rc;

	assert_non_null(s);
	rc = block_open(s, 0, &b, err);
	if (rc == 0)
		rc = block_record(b, 0, record, err);
	if (rc == 0 || err->code)
		block_close(b);
	segment_unref(s);
	return rc;
}

/* The hand-made segment is one: without this the tests below could pass for a wrong reason. */
static void test_segment__reads_a_segment_made_by_hand(void **state)
{
	struct buf bytes = BUF_INIT, chunk = BUF_INIT, record = BUF_INIT;
	struct err err = ERR_INIT;
	struct forged f;
	uint32_t a, b;

	(void)state;
	forge_start(&f, 1);
	a = forge_column(&f, true);
	b = forge_column(&f, true);
	forge_refs(&chunk, 3);
	forge_slot(&f, a, SLOT_COLUMN, NULL, 0, span_of("\0\2ab", 4));
	forge_slot(&f, b, SLOT_TEMPLATE, &a, 1, buf_span(&chunk));
	forge_finish(&f, &bytes);
	if (read_only_record(&bytes, &record, &err) < 0)
		fail_msg("%s", err.message);
	assert_true(span_eq_str(buf_span(&record), "abababab"));
	buf_release(&bytes);
	buf_release(&chunk);
	buf_release(&record);
}

/* So many rows that all have one long value: 60,000 bytes for a few bytes each. */
static struct segment *forge_long_texts(uint64_t rows)
{
	struct buf bytes = BUF_INIT, chunk = BUF_INIT;
	struct segment *s;
	struct forged f;
	uint32_t a;

	buf_put_u8(&chunk, COLUMN_CONST);
	buf_put_varint(&chunk, 60000);
	memset(buf_room(&chunk, 60000), 'x', 60000);
	buf_commit(&chunk, 60000);
	forge_start(&f, rows);
	a = forge_column(&f, true);
	forge_slot(&f, a, SLOT_COLUMN, NULL, 0, buf_span(&chunk));
	forge_finish(&f, &bytes);
	s = hostile_open(buf_span(&bytes));
	assert_non_null(s);
	buf_release(&bytes);
	buf_release(&chunk);
	return s;
}

/* Up to BLOCK_TEXTS_BYTES_MAX all at once; beyond it one by one. */
static void test_segment__lays_out_no_more_texts_than_it_may(void **state)
{
	static const uint64_t rows[] = {BLOCK_TEXTS_BYTES_MAX / 60000 - 100, BLOCK_TEXTS_BYTES_MAX / 60000 + 1};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct segment *s = forge_long_texts(rows[k]);
		struct block_texts texts;
		struct buf text = BUF_INIT;
		struct block *b;

		assert_int_equal(block_open(s, 0, &b, NULL), 0);
		assert_int_equal(block_texts(b, COLUMN_FIXED_COUNT, &texts, NULL), 0);
		assert_int_equal(texts.text != NULL, k == 0);
		assert_int_equal(block_value_text(b, COLUMN_FIXED_COUNT, (uint32_t)rows[k] - 1, &text, NULL), 0);
		assert_int_equal(text.len, 60000);
		if (texts.text)
			assert_int_equal(texts.offset[texts.count], rows[k] * 60000);
		block_close(b);
		segment_unref(s);
		buf_release(&text);
	}
}

static void check_refused(struct forged *f)
{
	struct buf bytes = BUF_INIT, record = BUF_INIT;
	struct err err = ERR_INIT;

	forge_finish(f, &bytes);
	assert_int_equal(read_only_record(&bytes, &record, &err), E_CORRUPT);
	assert_true(err.offset >= 0);
	assert_string_equal(err.field, "memory");
	assert_int_equal(record.len, 0);
	hostile_try(buf_span(&bytes));
	buf_release(&bytes);
	buf_release(&record);
}

static void test_segment__refuses_references_in_circles(void **state)
{
	struct buf chunk = BUF_INIT;
	struct forged f;
	uint32_t a, b;

	(void)state;
	forge_refs(&chunk, 1);
	forge_start(&f, 1);
	a = forge_column(&f, true);
	b = forge_column(&f, true);
	forge_slot(&f, a, SLOT_TEMPLATE, &b, 1, buf_span(&chunk));
	forge_slot(&f, b, SLOT_TEMPLATE, &a, 1, buf_span(&chunk));
	check_refused(&f);
	forge_start(&f, 1);
	a = forge_column(&f, true);
	forge_slot(&f, a, SLOT_TEMPLATE, &a, 1, buf_span(&chunk));
	check_refused(&f);
	buf_release(&chunk);
}

/* Each column is 64 times the one before: the tenth would have 2^60 times the first one's bytes, or none at all in as
 * many steps. */
static void test_segment__refuses_references_that_multiply(void **state)
{
	const struct span first[] = {span_of("\0\2ab", 4), span_of("\0\0", 2)};
	struct buf chunk = BUF_INIT;

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct forged f;
		uint32_t last;

		forge_start(&f, 1);
		last = forge_column(&f, true);
		forge_slot(&f, last, SLOT_COLUMN, NULL, 0, first[k]);
		forge_refs(&chunk, TEMPLATE_PARTS_MAX);
		for (int i = 0; i < 10; i++) {
			uint32_t column = forge_column(&f, true);

			forge_slot(&f, column, SLOT_TEMPLATE, &last, 1, buf_span(&chunk));
			last = column;
		}
		check_refused(&f);
	}
	buf_release(&chunk);
}

static void test_segment__refuses_references_to_nothing(void **state)
{
	struct buf chunk = BUF_INIT;
	const uint32_t nothing[] = {9999, COLUMN_ID};

	(void)state;
	forge_refs(&chunk, 1);
	for (size_t k = 0; k < 2; k++) {
		struct forged f;
		uint32_t a;

		forge_start(&f, 1);
		a = forge_column(&f, true);
		forge_slot(&f, a, SLOT_TEMPLATE, &nothing[k], 1, buf_span(&chunk));
		check_refused(&f);
	}
	buf_release(&chunk);
}

/* Counts that the bytes do not account for are refused before memory is taken. */
static void test_segment__refuses_dictionaries_larger_than_their_text(void **state)
{
	struct buf bytes = BUF_INIT;
	struct forged f;
	uint32_t a;

	(void)state;
	forge_start(&f, 1);
	a = forge_column(&f, true);
	forge_slot(&f, a, SLOT_DICT, NULL, 0, span_of("\0\0", 2));
	buf_put(&f.pack, "\0\2ab", 4);
	buf_put_varint(&f.dicts, a);
	buf_put_varint(&f.dicts, 0);
	buf_put_varint(&f.dicts, 0);
	buf_put_varint(&f.dicts, 16000000); /* values */
	buf_put_varint(&f.dicts, 2);
	buf_put_u8(&f.dicts, SEGMENT_DICT_PARTIAL);
	f.dict_count = 1;
	forge_finish(&f, &bytes);
	assert_null(hostile_open(buf_span(&bytes)));
	buf_release(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment__reads_a_segment_made_by_hand),
		cmocka_unit_test(test_segment__lays_out_no_more_texts_than_it_may),
		cmocka_unit_test(test_segment__refuses_references_in_circles),
		cmocka_unit_test(test_segment__refuses_references_that_multiply),
		cmocka_unit_test(test_segment__refuses_references_to_nothing),
		cmocka_unit_test(test_segment__refuses_dictionaries_larger_than_their_text),
		cmocka_unit_test(test_segment__survives_wrong_content_under_good_checksums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
