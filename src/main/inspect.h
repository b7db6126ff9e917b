/* What `stele inspect` was asked for, and what it can show. */
#ifndef STELE_MAIN_INSPECT_H
#define STELE_MAIN_INSPECT_H

#include "main/options.h"

#include "base/buf.h"
#include "base/err.h"

#define INSPECT_ALL_BLOCKS UINT32_MAX

struct inspect_options {
	const char *path;
	const char *data;
	const char *master_key;
	uint32_t block;
	bool with_records;
	bool is_json;
};

/* The data folder: the one given, or `levels` above the file. Freed by the caller. */
char *inspect_data(const struct inspect_options *o, int levels);

int inspect_journal(const struct inspect_options *o, struct err *err);
int inspect_segment(const struct inspect_options *o, struct err *err);

/* A time as text with a NUL; "-" when it lies outside of what a record may have. */
#define INSPECT_TIME_MAX 28
void inspect_time(int64_t us, char to[INSPECT_TIME_MAX]);

#endif
