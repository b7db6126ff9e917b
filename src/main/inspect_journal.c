/* A journal file: one line a frame. Ids and received times of its records are '0's: the store fills them in. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "codec/timestamp.h"
#include "main/inspect.h"
#include "service/offline.h"
#include "store/journal_inspect.h"

void inspect_time(int64_t us, char to[INSPECT_TIME_MAX])
{
	if (us < TIMESTAMP_MIN_US || us > TIMESTAMP_MAX_US) {
		to[0] = '-';
		to[1] = '\0';
		return;
	}
	timestamp_format(us, (uint8_t *)to);
	to[TIMESTAMP_LEN] = '\0';
}

static const char *kind_name(enum journal_kind kind)
{
	static const char *const names[] = {"unknown", "records", "keys", "checkpoints"}; /* enum journal_kind */

	return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : names[0];
}

static void print_frame(const struct inspect_options *o, uint64_t off, const struct journal_frame *f, size_t len)
{
	char received[INSPECT_TIME_MAX];

	inspect_time(f->received_us, received);
	if (o->is_json)
		printf("{\"offset\":%" PRIu64 ",\"sequence\":%" PRIu64
		       ",\"kind\":\"%s\",\"ledger\":%u,\"first\":%" PRIu64
		       ",\"count\":%u,\"received\":\"%s\",\"keyed\":%s,\"payload_bytes\":%zu}\n",
		       off, f->sequence, kind_name(f->kind), f->ledger, f->first, f->count, received,
		       f->has_idempotency ? "true" : "false", len);
	else
		printf("%10" PRIu64 "  frame %-8" PRIu64 " %-8s ledger %-4u first %-10" PRIu64
		       " count %-6u %s%s  %zu bytes\n",
		       off, f->sequence, kind_name(f->kind), f->ledger, f->first, f->count, received,
		       f->has_idempotency ? "  keyed" : "", len);
}

static int print_records(const struct journal_frame *f, struct span payload, struct err *err)
{
	struct record_batch batch = RECORD_BATCH_INIT;
	int rc = journal_decode(payload, f->count, &batch);

	if (rc < 0)
		rc = err_set(err, rc, "frame %" PRIu64 " does not decode", f->sequence);
	for (size_t i = 0; rc == 0 && i < batch.count; i++)
		printf("%.*s\n", (int)batch.refs[i].len, (const char *)batch.bytes.p + batch.refs[i].off);
	record_batch_release(&batch);
	return rc;
}

static int on_frame(void *user, uint64_t off, const struct journal_frame *frame, struct span payload, struct err *err)
{
	const struct inspect_options *o = user;

	print_frame(o, off, frame, payload.len);
	if (!o->with_records || frame->kind != JOURNAL_RECORDS)
		return 0;
	return print_records(frame, payload, err);
}

int inspect_journal(const struct inspect_options *o, struct err *err)
{
	char *data = inspect_data(o, 2);
	struct offline offline = {.io = &io_posix, .folder = data, .master_key = o->master_key};
	struct journal_inspection found;
	struct err why = ERR_INIT;
	struct key key;
	bool has_key = offline_node_key(&offline, &key, &why) == 0;
	int rc =
		journal_inspect(&io_posix, o->path, has_key ? &key : NULL, on_frame, (void *)(uintptr_t)o, &found, err);

	if (rc == E_CRYPTO && !has_key && err)
		*err = why; /* a plain journal needs no key, so it is asked for only now */
	mem_wipe(&key, sizeof(key));
	free(data);
	if (rc < 0)
		return rc;
	if (o->is_json)
		printf("{\"file\":%" PRIu64 ",\"sequence\":%" PRIu64 ",\"frames\":%" PRIu64 ",\"end\":%" PRIu64
		       ",\"bytes\":%" PRIu64 "}\n",
		       found.number, found.sequence, found.frame_count, found.end, found.size_bytes);
	else
		printf("journal file %" PRIu64 ": %" PRIu64 " frames from %" PRIu64 ", %" PRIu64 " of %" PRIu64
		       " bytes used\n",
		       found.number, found.frame_count, found.sequence, found.end, found.size_bytes);
	return 0;
}
