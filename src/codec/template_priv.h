/* What the files of templates share. */
#ifndef STELE_CODEC_TEMPLATE_PRIV_H
#define STELE_CODEC_TEMPLATE_PRIV_H

#include "codec/template.h"

enum part_kind {
	PART_LITERAL = 0,
	PART_REF = 1,
	PART_DIGITS = 2, /* hole: a maximal run of decimal digits */
	PART_HEX = 3,    /* hole: a maximal run of lower-case hex digits */
	PART_UUID = 4,   /* hole: 36 bytes */
	PART_REST = 5,   /* hole: everything to the end; the escape template's only part */
};

struct template_part {
	enum part_kind kind;
	uint32_t ref;        /* PART_REF: candidate */
	struct span literal; /* PART_LITERAL: borrowed from the value it was learnt from */
};

struct text_template {
	uint32_t part_count;
	uint32_t hole_count;
	struct template_part part[TEMPLATE_PARTS_MAX];
};

/* ---- writing ---- */

/* Learns a template from value i. False when it would have no reference and no hole (unless the value is to be a
 * literal), or too many parts. */
bool template__learn(const struct template_source *s, size_t i, bool refs_only, struct text_template *ret);

/* Matches value i; the holes' contents, in order, go into ret_holes[hole_count]. */
bool template__match(const struct text_template *t, const struct template_source *s, size_t i, struct span *ret_holes);

/* ---- reading ---- */

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
	uint8_t *literals; /* all of them, with COLUMN_SLACK behind */
	uint8_t *number;   /* per value: its template */
	uint16_t *rank;    /* per value: its place among the values of its template; made when many are asked for */
	uint32_t ranks_asked;
};

#endif
