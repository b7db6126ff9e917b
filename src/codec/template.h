/*
 * Text as templates: literal pieces, references to other columns of the same record, and holes.
 *
 *   "update role role-17 by Ada"  =  ‹action› " " ‹entity.type› " " ‹entity.id› " by " ‹actor.name›
 *   "role-17"                     =  ‹entity.type› "-" ⟨17⟩
 *
 * An encoder learns templates from the values it meets and matches the rest against them; the content of the holes
 * becomes columns of their own (column.h), so that numbers, hex and UUIDs inside text cost what they hold. A value that
 * no template fits is kept whole as the one hole of the escape template. docs/format/column.md.
 *
 * Values are the insides of canonical JSON strings, compared byte for byte; so rebuilding is exact by construction.
 */
#ifndef STELE_CODEC_TEMPLATE_H
#define STELE_CODEC_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/column.h"

#define TEMPLATE_REFS_MAX  24u /* candidates for references */
#define TEMPLATE_MAX       96u /* templates of a run; beyond it values escape */
#define TEMPLATE_PARTS_MAX 64u
#define TEMPLATE_REF_MIN   3u /* shorter values are found by accident */

/* What to encode. ref[k][i] is candidate k's value in the record of values[i]; its p is NULL when there is none. */
struct template_source {
	const struct span *values;
	size_t count; /* 1 … 65,536 */
	const struct span *const *ref;
	size_t ref_count; /* <= TEMPLATE_REFS_MAX */
};

/* The words that a run's templates hold besides those of the referenced columns; for the token index. */
struct template_words {
	bool complete;      /* false: tokenise the values themselves, the fields below are empty */
	struct buf literal; /* literal pieces, unescaped, separated by LF */
	struct buf holes;   /* spans (struct span) of the holes' contents, borrowed from values */
};

/*
 * Encodes when templates fit at least `fit_percent` of the values, else returns false and leaves `to` as it was. With
 * `refs_only` templates have no holes: every value but the escaped ones is determined by the record's other columns.
 * used[k] tells which candidates are referenced; references in `to` are numbers of candidates in the order of used
 * ones.
 */
bool template_encode(const struct template_source *s, bool refs_only, unsigned fit_percent, struct buf *to,
		     bool used[TEMPLATE_REFS_MAX], struct template_words *words);

/* ---- reading ---- */

struct template_run;

/* Opens a run of `n` values with `ref_count` referenced columns; takes all of `bytes`, which must outlive it. */
int template_open(struct span bytes, size_t n, size_t ref_count, struct template_run **ret, struct err *err)
	__attribute__((warn_unused_result));
struct template_run *template_close(struct template_run *r);

/* Appends the text of referenced column `ref` in the record of value i. */
typedef int template_ref_fn(void *user, size_t ref, size_t i, struct buf *to, struct err *err);
/* Appends value i. */
int template_get(struct template_run *r, size_t i, template_ref_fn *ref, void *user, struct buf *to, struct err *err)
	__attribute__((warn_unused_result));

/* Texts of a referenced column: that of value i is number[i], or i itself when `number` is NULL; TEMPLATE_REF_NONE when
 * there is none. COLUMN_SLACK bytes behind the last text may be read. */
#define TEMPLATE_REF_NONE UINT32_MAX
struct template_texts {
	const uint8_t *text;
	const uint32_t *offset;
	const uint32_t *number;
};

/*
 * Appends all values back to back; value i is offset[i] … offset[i + 1], counted from where `to` ended before.
 * COLUMN_SLACK bytes behind the last one may be read. Returns 1 when they take more than bytes_max, or one is longer
 * than a record: then they are to be read one by one. A text that is referred to and missing or empty is E_CORRUPT.
 */
int template_get_all(const struct template_run *r, const struct template_texts *refs, size_t bytes_max, struct buf *to,
		     uint32_t *offset, struct err *err) __attribute__((warn_unused_result));

/* What is known of a referenced column's texts: hit[number[i]], or hit[i], is not 0 when the needle may stand in that
 * of value i; `hit` is NULL when it stands in none. */
struct template_hits {
	const uint8_t *hit;
	const uint32_t *number;
};

/* Sets flags[i] of each value in which the needle may stand, without putting one together: it stands in a literal, in a
 * referenced text, in a hole, or across the ends of two of them. */
void template_hold(const struct template_run *r, const struct template_hits *refs, struct span needle, uint8_t *flags);

/* Bytes of memory that the run owns. */
size_t template_memory(const struct template_run *r);

#endif
