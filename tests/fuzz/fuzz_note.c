/* Notes, checkpoints, verifier keys from anywhere: what is read is written back the same, and noise is signed by
 * nobody. */
#include "crypto/checkpoint.h"

/* Nothing that this key has signed is among the seeds. */
#define VKEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_note(struct span in)
{
	struct note_vkey key;
	struct buf out = BUF_INIT;
	struct note n;

	if (note_parse(in, &n, NULL) < 0)
		return;
	must(note_begin(&out, n.text, NULL) == 0);
	for (size_t i = 0; i < n.signature_count; i++) {
		must(note_name_is_valid(n.signature[i].name));
		buf_put_span(&out, n.signature[i].line);
	}
	must(span_eq(buf_span(&out), in));
	buf_release(&out);
	must(note_vkey_parse(SPAN_LIT(VKEY), &key, NULL) == 0);
	key.id = n.signature[0].id;
	memset(key.name, 0, sizeof(key.name));
	memcpy(key.name, n.signature[0].name.p, n.signature[0].name.len);
	must(note_open(in, &key, 1, &n, NULL, NULL) == E_CRYPTO);
}

static void check_checkpoint(struct span in)
{
	struct buf out = BUF_INIT;
	struct checkpoint c;

	if (checkpoint_parse(in, &c, NULL) < 0)
		return;
	checkpoint_put(&out, &c);
	buf_put_span(&out, c.extensions);
	must(span_eq(buf_span(&out), in));
	buf_release(&out);
}

static void check_vkey(struct span in)
{
	struct buf out = BUF_INIT;
	struct note_vkey key;

	if (note_vkey_parse(in, &key, NULL) < 0)
		return;
	note_vkey_put(&out, &key);
	must(span_eq(buf_span(&out), in));
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);

	check_note(in);
	check_checkpoint(in);
	check_vkey(in);
	return 0;
}
