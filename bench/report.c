/* Figures by name, for people and for table.py. */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

void report_add(struct report *r, const char *name, double value)
{
	struct report_figure *f = &r->figures[r->count];

	must(r->count < REPORT_FIGURES_MAX);
	must((size_t)snprintf(f->name, sizeof(f->name), "%s", name) < sizeof(f->name));
	f->value = value;
	r->count++;
}

void report_add_latency(struct report *r, const char *prefix, struct latency *l)
{
	static const struct {
		const char *name;
		double quantile;
	} points[] = {{"p50_ms", 0.50}, {"p95_ms", 0.95}, {"p99_ms", 0.99}, {"max_ms", 1.0}};
	char name[sizeof(r->figures[0].name)];

	latency_sort(l);
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", prefix, points[i].name);
		report_add(r, name, latency_ms(l, points[i].quantile));
	}
	snprintf(name, sizeof(name), "%smean_ms", prefix);
	report_add(r, name, latency_mean_ms(l));
}

static int decimals_of(double value)
{
	if (value == floor(value) || fabs(value) >= 10000)
		return 0;
	return fabs(value) >= 100 ? 1 : 3;
}

void report_print(const struct report *r, const char *label)
{
	printf("%s\n", label);
	for (size_t i = 0; i < r->count; i++)
		printf("  %-32s %16.*f\n", r->figures[i].name, decimals_of(r->figures[i].value), r->figures[i].value);
	fflush(stdout);
}

int report_append(const struct report *r, const char *label, const char *path, struct err *err)
{
	FILE *file = fopen(path, "a");

	if (!file)
		return err_errno(err, errno, "%s", path);
	fprintf(file, "{\"label\":\"%s\",\"figures\":{", label);
	for (size_t i = 0; i < r->count; i++)
		fprintf(file, "%s\"%s\":%.9g", i ? "," : "", r->figures[i].name, r->figures[i].value);
	fputs("}}\n", file);
	return fclose(file) == 0 ? 0 : err_errno(err, errno, "%s", path);
}
