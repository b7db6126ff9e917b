/* The values of fields: in records as JSON text, and in the columns of a segment. */
#ifndef STELE_QUERY_FIELD_PRIV_H
#define STELE_QUERY_FIELD_PRIV_H

#include "query/field.h"
#include "query/row_set.h"
#include "store/segment.h"

/* A value of field number `field`: the inside of a string as it stands (escaped), or a number, true or false. What it
 * returns says whether to go on. Until the record ends or its bytes do. */
typedef bool field_value_fn(void *user, uint32_t field, struct span text, bool is_string);

/* Several fields in one walk over a canonical record, values in the order they stand in. Other bytes than a record's
 * give nothing of use, but nothing outside them is read. */
void field__walk_record(const struct field *fields, uint32_t count, struct span record, field_value_fn *visit,
			void *user);

/* ---- in a segment ---- */

/* A column that holds values of a field. Of one field a record has at most one of these. */
struct field_column {
	uint32_t column;
	bool is_record; /* whole records */
	bool is_string; /* the values are what they are; else raw JSON */
	uint32_t depth; /* names of the field that lead to the column */
};

struct field_columns {
	const struct field *field;
	struct field_column *at; /* owned */
	uint32_t count, cap;
};

/* Finds them. Whole records count as a column unless the segment is known to have none. */
void field_columns_find(struct field_columns *c, const struct field *field, const struct segment *segment);
void field_columns_release(struct field_columns *c);

/* Whether dictionaries tell that no record of the segment is stored whole. */
bool field__has_no_whole_records(const struct segment *segment);

/* The field's values in one value of the column. `number` is what `visit` gets for `field`. */
void field__walk_value(const struct field *field, uint32_t number, const struct field_column *c, struct span value,
		       field_value_fn *visit, void *user);

/* The texts of a column without a dictionary, in the rows of a block that are asked for: read all at once when many of
 * them are, else one by one. */
struct field_texts {
	struct block *block;
	uint32_t column;
	struct block_texts all; /* text NULL: one by one */
};
int field_texts_open(struct field_texts *t, struct block *b, uint32_t column, const struct block_values *values,
		     const struct row_set *rows, struct err *err) __attribute__((warn_unused_result));

/* The text of value i, borrowed from the block or from `scratch`. */
int field_texts_get(const struct field_texts *t, uint32_t i, struct buf *scratch, struct span *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
