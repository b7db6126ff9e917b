/* One event with its proof, offline. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/utf8.h"
#include "base/durable.h"
#include "codec/record.h"
#include "crypto/tlog_proof.h"
#include "main/exit_code.h"
#include "main/verify.h"

#define EVENT_BYTES_MAX (1u << 20) /* a record, however it was printed */

static void print_facts(const struct verify_options *o, const struct checkpoint *c, uint64_t index)
{
	struct buf line = BUF_INIT;

	if (o->is_json) {
		buf_put_str(&line, "{\"ok\":true,\"origin\":");
		utf8_put_json(&line, c->origin);
		buf_printf(&line, ",\"size\":%" PRIu64 ",\"index\":%" PRIu64 "}\n", c->size, index);
	} else {
		buf_printf(&line, "ok: record %" PRIu64 " of ", index);
		buf_put_span(&line, c->origin);
		buf_printf(&line, ", %" PRIu64 " records signed\n", c->size);
	}
	fwrite(line.p, 1, line.len, stdout);
	buf_release(&line);
}

/* The file may be a copy that was printed anew: what was hashed is its canonical form. */
static int check(const struct verify_options *o, const struct vkey_list *keys, struct span event, struct span text,
		 struct err *err)
{
	struct digest *d = digest_new();
	struct buf record = BUF_INIT;
	struct tlog_proof proof;
	struct checkpoint c;
	struct sha256 leaf;
	int rc = tlog_proof_get(text, &proof, err);

	if (rc < 0)
		err_set_field(err, o->proof, strlen(o->proof));
	else if ((rc = record_canonical(event, &record, err)) < 0)
		err_set_field(err, o->file, strlen(o->file));
	digest_leaf(d, buf_span(&record), &leaf);
	if (rc == 0)
		rc = tlog_proof_verify(d, &leaf, &proof, keys->key, keys->count, &c, err);
	if (rc == 0)
		print_facts(o, &c, proof.index);
	digest_free(d);
	buf_release(&record);
	return rc;
}

int verify_event(const struct verify_options *o, const struct vkey_list *keys)
{
	uint8_t *event = NULL, *proof = NULL;
	size_t event_len, proof_len;
	struct err err = ERR_INIT;
	int rc = durable_read(&io_posix, o->file, EVENT_BYTES_MAX, &event, &event_len, &err);

	if (rc == 0)
		rc = durable_read(&io_posix, o->proof, TLOG_PROOF_BYTES_MAX, &proof, &proof_len, &err);
	if (rc == 0)
		rc = check(o, keys, span_of(event, event_len), span_of(proof, proof_len), &err);
	free(event);
	free(proof);
	return rc < 0 ? verify_fail(o, &err) : EXIT_CODE_OK;
}
