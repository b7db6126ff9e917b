/*
 * One JSON value out of a longer text.
 *
 * yyjson would copy all the text that is left for each value, or put strings back into it in place. So the text is
 * copied here once, piece by piece, and parsed in place; a value that is cut off by the piece's end is loaded again
 * from its start. Bytes behind a value are not touched by its parse.
 *
 * The values' memory has a fixed size that holds any event within the limits: an event that needs more is refused
 * before it is complete, and no input makes the parser's memory grow.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "codec/record_priv.h"

/* Integers that no 64-bit integer holds keep their digits; so do numbers that overflow a double, which are refused
 * later, by name. */
#define READ_FLAGS (YYJSON_READ_INSITU | YYJSON_READ_STOP_WHEN_DONE | YYJSON_READ_BIGNUM_AS_RAW)

/* Pieces are zero past their end for yyjson's sake, and readable for the copying loops' and the prefixes'. */
#define TEXT_SLACK 64

static void *arena_alloc(void *user, size_t size)
{
	struct record_parser *p = user;
	size_t rounded = (size + 15) & ~(size_t)15;
	void *block = p->values + p->values_used;

	if (rounded < size || p->values_cap - p->values_used < rounded)
		return NULL;
	p->values_used += rounded;
	return block;
}

static void arena_free(void *user, void *block)
{
	(void)user;
	(void)block;
}

/* yyjson has one block to grow, which is the last one; another is moved. */
static void *arena_realloc(void *user, void *block, size_t old_size, size_t size)
{
	struct record_parser *p = user;
	size_t used = p->values_used;
	void *to;

	if ((uint8_t *)block + ((old_size + 15) & ~(size_t)15) == p->values + p->values_used)
		p->values_used = (size_t)((uint8_t *)block - p->values);
	to = arena_alloc(p, size);
	if (!to)
		p->values_used = used;
	else if (to != block)
		memcpy(to, block, old_size < size ? old_size : size);
	return to;
}

struct record_parser *record__parser_new(size_t memory)
{
	struct record_parser *p = xalloc(sizeof(*p));

	/* Not zeroed, because that would touch all of it. */
	p->values = xrealloc(NULL, memory);
	p->values_cap = memory;
	return p;
}

void record_parser_require(struct record_parser *p, record_require_fn *check, void *user)
{
	p->require = check;
	p->require_user = user;
}

struct record_parser *record_parser_new(void)
{
	return record__parser_new(RECORD_MEMORY);
}

struct record_parser *record_parser_free(struct record_parser *p)
{
	if (p) {
		free(p->values);
		free(p->text.p);
		free(p);
	}
	return NULL;
}

int record__load(struct record_parser *p, struct span text, struct err *err)
{
	struct record_text *t = &p->text;

	if (t->cap < text.len + TEXT_SLACK || !t->p) {
		uint8_t *grown = try_alloc(text.len + TEXT_SLACK);

		if (!grown)
			return err_set(err, E_NO_MEMORY, "not enough memory for %zu bytes of events", text.len);
		free(t->p);
		t->p = grown;
		t->cap = text.len + TEXT_SLACK;
	}
	if (text.len)
		memcpy(t->p, text.p, text.len);
	memset(t->p + text.len, 0, TEXT_SLACK);
	t->len = text.len;
	return 0;
}

static enum record_read explain(const yyjson_read_err *problem, size_t off, struct err *err)
{
	if (problem->code == YYJSON_READ_ERROR_UNEXPECTED_END)
		return RECORD_READ_CUT;
	if (problem->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
		err_set(err, E_TOO_LARGE, "an event may hold at most %u values", RECORD_VALUES_MAX);
	else
		err_set(err, E_SYNTAX, "this is not valid JSON: %s", problem->msg);
	if (err)
		err->offset = (int64_t)(off + problem->pos);
	return RECORD_READ_FAILED;
}

enum record_read record__read(struct record_parser *p, size_t off, yyjson_val **ret_root, size_t *ret_end,
			      struct err *err)
{
	yyjson_alc alc = {arena_alloc, arena_realloc, arena_free, p};
	yyjson_read_err problem;
	yyjson_doc *doc;
	size_t end;

	p->values_used = 0;
	if (off == p->text.len)
		return RECORD_READ_CUT;
	doc = yyjson_read_opts((char *)p->text.p + off, p->text.len - off, READ_FLAGS, &alc, &problem);
	if (!doc)
		return explain(&problem, off, err);
	end = off + yyjson_doc_get_read_size(doc);
	/* A number has no end of its own: the rest of it may lie behind the piece's. */
	if (end == p->text.len && !yyjson_is_ctn(doc->root))
		return RECORD_READ_CUT;
	*ret_root = doc->root;
	*ret_end = end;
	return RECORD_READ_OK;
}
