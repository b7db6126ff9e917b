/* An evidence bundle, offline. */
#include <inttypes.h>
#include <stdio.h>

#include "api/utf8.h"
#include "main/exit_code.h"
#include "main/verify.h"
#include "service/bundle.h"

static void print_json(const struct bundle_facts *f)
{
	struct buf line = BUF_INIT;

	buf_put_str(&line, "{\"ok\":true,\"origin\":");
	utf8_put_json(&line, span_str(f->origin));
	buf_printf(&line, ",\"size\":%" PRIu64 ",\"first\":%" PRIu64 ",\"next\":%" PRIu64, f->size, f->first, f->next);
	buf_printf(&line, ",\"shown\":%" PRIu64 ",\"withheld\":%" PRIu64 ",\"record_bytes\":%" PRIu64 "}\n", f->shown,
		   f->withheld, f->record_bytes);
	fwrite(line.p, 1, line.len, stdout);
	buf_release(&line);
}

static void print_text(const struct bundle_facts *f)
{
	if (f->first == f->next)
		printf("ok: %s, %" PRIu64 " records signed; the bundle is about none of them\n", f->origin, f->size);
	else
		printf("ok: %s, %" PRIu64 " records signed; of records %" PRIu64 " to %" PRIu64 ", %" PRIu64
		       " are shown as they were logged and %" PRIu64 " withheld\n",
		       f->origin, f->size, f->first, f->next - 1, f->shown, f->withheld);
}

int verify_bundle(const struct verify_options *o, const struct vkey_list *keys)
{
	struct bundle_facts facts;
	struct err err = ERR_INIT;

	if (bundle_verify(o->file, keys->key, keys->count, &facts, &err) < 0)
		return verify_fail(o, &err);
	if (o->is_json)
		print_json(&facts);
	else
		print_text(&facts);
	return EXIT_CODE_OK;
}
