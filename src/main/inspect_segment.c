/* A segment: its head, then one line a block; of one block, one line a column. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/utf8.h"
#include "base/mem.h"
#include "main/inspect.h"
#include "service/offline.h"
#include "store/segment.h"

/* The folder `levels` above a path; freed by the caller. */
static char *folder_above(const char *path, int levels)
{
	char *folder = realpath(path, NULL);

	while (folder && levels-- > 0) {
		char *slash = strrchr(folder, '/');

		if (!slash || slash == folder)
			break;
		*slash = '\0';
	}
	return folder ? folder : xstrdup(".");
}

/* <data>/segments/<ledger>/<first>-<next>.seg says the ledger; its key gives the records their ids. */
static uint32_t ledger_of(const char *folder)
{
	const char *name = strrchr(folder, '/');

	return (uint32_t)strtoul(name ? name + 1 : folder, NULL, 10);
}

static int open_segment(const struct inspect_options *o, struct segment **ret, struct err *err)
{
	char *folder = folder_above(o->path, 1);
	char *data = inspect_data(o, 3);
	struct offline offline = {.io = &io_posix, .folder = data, .master_key = o->master_key};
	const char *slash = strrchr(o->path, '/');
	struct object_store *objects = NULL;
	struct object *object = NULL;
	int rc;

	if ((rc = object_store_open_folder(&io_posix, folder, &objects, err)) < 0)
		goto out;
	if ((rc = object_open(objects, slash ? slash + 1 : o->path, &object, err)) < 0)
		goto out;
	rc = offline_segment(&offline, ledger_of(folder), object, ret, err);
out:
	object_store_close(objects);
	free(data);
	free(folder);
	return rc;
}

/* What is there for proofs alone: the roots of groups of 256, and the frontier. */
static uint64_t tree_bytes(const struct segment *s)
{
	uint64_t groups = segment_next(s) / MERKLE_GROUP - segment_first(s) / MERKLE_GROUP;

	return (groups + (uint64_t)__builtin_popcountll(segment_next(s))) * SHA256_LEN;
}

static void print_head(const struct inspect_options *o, const struct segment *s)
{
	char time_min[INSPECT_TIME_MAX], time_max[INSPECT_TIME_MAX], received[INSPECT_TIME_MAX];

	inspect_time(segment_time_min(s), time_min);
	inspect_time(segment_time_max(s), time_max);
	inspect_time(segment_received_max(s), received);
	printf(o->is_json ? "{\"ledger\":%u,\"first\":%" PRIu64 ",\"next\":%" PRIu64 ",\"bytes\":%" PRIu64
			    ",\"tree_bytes\":%" PRIu64
			    ",\"blocks\":%u,\"columns\":%u,\"time_min\":\"%s\",\"time_max\":\"%s\",\"received_max\":\"%"
			    "s\"}\n"
			  : "ledger %u, records %" PRIu64 " to below %" PRIu64 ", %" PRIu64 " bytes, %" PRIu64
			    " of them hashes, %u blocks, %u columns\ntime %s to %s, received up to %s\n",
	       segment_ledger(s), segment_first(s), segment_next(s), segment_bytes(s), tree_bytes(s),
	       segment_block_count(s), segment_column_count(s), time_min, time_max, received);
}

static void print_block(const struct inspect_options *o, const struct segment *s, uint32_t block)
{
	const struct segment_block_info *info = segment_block_info(s, block);
	char time_min[INSPECT_TIME_MAX], time_max[INSPECT_TIME_MAX];

	inspect_time(info->time_min, time_min);
	inspect_time(info->time_max, time_max);
	printf(o->is_json ? "{\"block\":%u,\"first\":%" PRIu64 ",\"rows\":%u,\"offset\":%" PRIu64
			    ",\"bytes\":%u,\"time_min\":\"%s\",\"time_max\":\"%s\"}\n"
			  : "block %-4u first %-10" PRIu64 " rows %-5u at %-10" PRIu64 " %8u bytes  %s to %s\n",
	       block, info->first, info->rows, info->off, info->bytes, time_min, time_max);
}

/* A path as queries write it: names joined by dots. */
static void put_path(struct buf *to, struct span path)
{
	for (size_t i = 0; i < path.len; i++)
		buf_put_u8(to, path.p[i] == SHAPE_PATH_SEP ? '.' : path.p[i]);
}

static void print_column(const struct inspect_options *o, const struct shape_column *column, uint32_t number,
			 const struct block_values *values)
{
	struct buf path = BUF_INIT;
	struct buf line = BUF_INIT;

	put_path(&path, column->path);
	if (o->is_json) {
		buf_printf(&line, "{\"column\":%u,\"path\":", number);
		utf8_put_json(&line, buf_span(&path));
		buf_printf(&line, ",\"string\":%s,\"rows\":%u,\"dictionary\":%u}\n",
			   column->is_string ? "true" : "false", values->count, values->dict ? values->dict->count : 0);
	} else {
		buf_printf(&line, "  column %-5u %-6s rows %-5u dictionary %-7u ", number,
			   column->is_string ? "string" : "raw", values->count, values->dict ? values->dict->count : 0);
		buf_put_span(&line, buf_span(&path));
		buf_put_u8(&line, '\n');
	}
	fwrite(line.p, 1, line.len, stdout);
	buf_release(&line);
	buf_release(&path);
}

static int print_columns(const struct inspect_options *o, struct segment *s, struct block *b, struct err *err)
{
	for (uint32_t i = 0; i < segment_column_count(s); i++) {
		const struct block_values *values = NULL;
		int rc = block_values(b, i, &values, err);

		if (rc < 0)
			return rc;
		if (values)
			print_column(o, segment_column(s, i), i, values);
	}
	return 0;
}

static int print_rows(struct block *b, uint32_t rows, struct err *err)
{
	struct buf record = BUF_INIT;
	int rc = 0;

	for (uint32_t row = 0; rc == 0 && row < rows; row++) {
		buf_reset(&record);
		if ((rc = block_record(b, row, &record, err)) == 0)
			printf("%.*s\n", (int)record.len, (const char *)record.p);
	}
	buf_release(&record);
	return rc;
}

static int show_block(const struct inspect_options *o, struct segment *s, uint32_t number, struct err *err)
{
	struct block *b = NULL;
	int rc;

	print_block(o, s, number);
	if (o->block == INSPECT_ALL_BLOCKS && !o->with_records)
		return 0;
	if ((rc = block_open(s, number, &b, err)) < 0)
		return rc;
	if (o->block != INSPECT_ALL_BLOCKS)
		rc = print_columns(o, s, b, err);
	if (rc == 0 && o->with_records)
		rc = print_rows(b, segment_block_info(s, number)->rows, err);
	block_close(b);
	return rc;
}

int inspect_segment(const struct inspect_options *o, struct err *err)
{
	struct segment *s = NULL;
	int rc;

	if ((rc = open_segment(o, &s, err)) < 0)
		return rc;
	print_head(o, s);
	if (o->block != INSPECT_ALL_BLOCKS && o->block >= segment_block_count(s))
		rc = err_set(err, E_INVALID, "there is no block %u; the segment has %u", o->block,
			     segment_block_count(s));
	else if (o->block != INSPECT_ALL_BLOCKS)
		rc = show_block(o, s, o->block, err);
	for (uint32_t i = 0; rc == 0 && o->block == INSPECT_ALL_BLOCKS && i < segment_block_count(s); i++)
		rc = show_block(o, s, i, err);
	segment_unref(s);
	return rc;
}
