/*
 * What one measurement found: figures in the order they were added, printed as a table for people and appended as one
 * line of JSON to a file that table.py reads.
 */
#ifndef STELE_BENCH_REPORT_H
#define STELE_BENCH_REPORT_H

#include "base/err.h"
#include "latency.h"

#define REPORT_FIGURES_MAX 192

struct report_figure {
	char name[40]; /* snake_case, unit last */
	double value;
};

struct report {
	struct report_figure figures[REPORT_FIGURES_MAX];
	size_t count;
};

#define REPORT_INIT                                                                                                    \
	{                                                                                                              \
		.count = 0                                                                                             \
	}

void report_add(struct report *r, const char *name, double value);

/* Adds <prefix>p50_ms, p95, p99, max and mean; sorts `l`. */
void report_add_latency(struct report *r, const char *prefix, struct latency *l);

/* Prints to standard output under the heading `label`. */
void report_print(const struct report *r, const char *label);

/* Appends {"label":…,"figures":{…}} to the file at `path`. */
int report_append(const struct report *r, const char *label, const char *path, struct err *err)
	__attribute__((warn_unused_result));

#endif
