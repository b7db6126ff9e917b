/*
 * Two sides. An even first byte: the rest is a run of templates as stored, for a number of values and references; it is
 * opened and read. An odd one: the rest is lines that alternate between values and what they may refer to; what is
 * encoded must be read back byte for byte.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "codec/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VALUES_MAX 256u
#define REFS       3u

struct source {
	struct span value[VALUES_MAX];
	struct span ref[REFS][VALUES_MAX];
	uint32_t of[REFS]; /* candidate of each reference of the run */
	size_t count;
};

static int put_ref(void *user, size_t ref, size_t i, struct buf *to, struct err *err)
{
	const struct source *s = user;

	(void)err;
	must(ref < REFS && i < s->count);
	buf_put_span(to, s->ref[s->of[ref]][i]);
	return 0;
}

/* All at once, each reference to one text: nothing but within bounds, and with room behind. */
static void read_all(struct template_run *run, size_t n)
{
	static const uint8_t text[3 + COLUMN_SLACK] = "ref";
	static const uint32_t ends[2] = {0, 3}, number[VALUES_MAX];
	struct template_texts refs[REFS + 1];
	uint32_t offset[VALUES_MAX + 1];
	struct buf all = BUF_INIT;

	for (size_t k = 0; k <= REFS; k++)
		refs[k] = (struct template_texts){text, ends, number};
	if (template_get_all(run, refs, 1 << 20, &all, offset, NULL) == 0)
		must(offset[n] == all.len && all.cap >= all.len + COLUMN_SLACK);
	buf_release(&all);
}

static void read_any(const uint8_t *data, size_t size)
{
	static struct source s;
	struct template_run *run;
	struct buf to = BUF_INIT;
	uint8_t *copy;

	if (size < 2)
		return;
	s.count = data[0] % VALUES_MAX + 1;
	copy = xalloc(size);
	copy = xrealloc(copy, size - 2 ? size - 2 : 1);
	memcpy(copy, data + 2, size - 2);
	if (template_open(span_of(copy, size - 2), s.count, data[1] % (REFS + 1), &run, NULL) == 0) {
		for (size_t i = 0; i < s.count; i++) {
			buf_reset(&to);
			(void)!template_get(run, i, put_ref, &s, &to, NULL);
		}
		read_all(run, s.count);
		template_close(run);
	}
	free(copy);
	buf_release(&to);
}

static void read_lines(const uint8_t *data, size_t size, struct source *s)
{
	memset(s, 0, sizeof(*s));
	for (size_t k = 0; size && s->count < VALUES_MAX; k++) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;
		struct span line = len == 1 && *data == '-' ? span_of(NULL, 0) : span_of(data, len);

		if (k % (REFS + 1) == 0)
			s->value[s->count++] = span_of(data, len);
		else
			s->ref[k % (REFS + 1) - 1][s->count - 1] = line;
		data += end ? len + 1 : len;
		size -= end ? len + 1 : len;
	}
}

static void check_run(struct source *s, const struct buf *bytes, const bool *used)
{
	struct template_run *run;
	struct buf to = BUF_INIT;
	uint32_t refs = 0;

	for (uint32_t k = 0; k < REFS; k++)
		if (used[k])
			s->of[refs++] = k;
	must(template_open(buf_span(bytes), s->count, refs, &run, NULL) == 0);
	for (size_t i = 0; i < s->count; i++) {
		buf_reset(&to);
		must(template_get(run, i, put_ref, s, &to, NULL) == 0);
		must(span_eq(buf_span(&to), s->value[i]));
	}
	template_close(run);
	buf_release(&to);
}

static void encode_lines(const uint8_t *data, size_t size, bool refs_only)
{
	static struct source s;
	const struct span *ref[REFS] = {s.ref[0], s.ref[1], s.ref[2]};
	struct template_words words = {false, BUF_INIT, BUF_INIT};
	struct buf bytes = BUF_INIT;
	bool used[TEMPLATE_REFS_MAX] = {false};

	read_lines(data, size, &s);
	if (s.count) {
		struct template_source source = {s.value, s.count, ref, REFS};

		if (template_encode(&source, refs_only, 0, &bytes, used, &words))
			check_run(&s, &bytes, used);
	}
	buf_release(&bytes);
	buf_release(&words.literal);
	buf_release(&words.holes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 2)
		encode_lines(data + 1, size - 1, data[0] & 2);
	else
		read_any(data + 1, size - 1);
	return 0;
}
