/*
 * Numbers as text, compared exactly: records keep integers beyond 2^53 and fractions as they were written, and so does
 * a comparison. What is a number is what JSON takes for one.
 */
#ifndef STELE_QUERY_NUMBER_PRIV_H
#define STELE_QUERY_NUMBER_PRIV_H

#include "base/span.h"

struct number {
	bool is_negative; /* zero never is */
	bool is_small;    /* an integer of few digits, which `small` is */
	int64_t small;
	struct span digits; /* from the first that is not 0 to the last, with the point if it is among them; borrowed */
	int64_t top;        /* the value is 0.digits × 10^top */
};

/* False when the text is no number, or one with more than six digits of exponent. */
bool number__parse(struct span text, struct number *ret);

/* Negative, 0 or positive. */
int number__compare(const struct number *a, const struct number *b);

#endif
