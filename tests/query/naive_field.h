/* The slow twin of what counts and sorts by fields: every value of a record is looked at in its tree. */
#ifndef STELE_TESTS_QUERY_NAIVE_FIELD_H
#define STELE_TESTS_QUERY_NAIVE_FIELD_H

#include "naive.h"

#define NAIVE_VALUES_MAX 2048

/* The values of a field (a path as a tree has it) in a record, in the order they stand in: those at the path, and in
 * arrays there. Strings plain. */
struct naive_values {
	struct {
		struct span text;
		bool is_number;
	} value[NAIVE_VALUES_MAX];
	uint32_t count;
};
void naive_values(const struct naive *n, uint32_t i, struct span path, struct naive_values *ret);

/* Whether record i matches a query in a period. */
bool naive_is_wanted(const struct naive *n, uint32_t i, const struct query *q, int64_t from_us, int64_t to_us);
int64_t naive_time(const struct naive *n, uint32_t i);

#endif
