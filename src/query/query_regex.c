/* Regular expressions: /…/ and /…/i; within, a '/' is written '\/'. Compiled here, once for all threads. */
#include <stdio.h>

#include "base/mem.h"
#include "query/query_priv.h"
#include "query/regex_priv.h"

_Static_assert(PATTERN_BYTES_MAX == 1024 && REGEX_COUNT_MAX == 16 && REGEX_COMPILED_MAX == 256 << 10,
	       "the messages say so");

/* Where the '/' that closes is; 0 when there is none. Takes the backslash off each '/'. */
static size_t read_pattern(struct span text, size_t at, struct buf *to)
{
	for (at++; at < text.len && text.p[at] != '/'; at++) {
		if (text.p[at] == '\\' && at + 1 < text.len && text.p[++at] != '/')
			buf_put_u8(to, '\\');
		buf_put_u8(to, text.p[at]);
	}
	return at < text.len ? at : 0;
}

/* Without PCRE2's optimizations of where to start: the machine code of 10.42 misses matches by them (/f(x|[^x]|).+?o/
 * in "foo"), and needles do their work. */
static pcre2_code *compile(struct span pattern, bool any_case, int *ret_error, size_t *ret_offset)
{
	uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_START_OPTIMIZE |
			   (any_case ? PCRE2_CASELESS : 0);
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *code;

	must(context);
	pcre2_set_parens_nest_limit(context, REGEX_NEST_MAX);
	code = pcre2_compile(pattern.p, pattern.len, options, ret_error, ret_offset, context);
	pcre2_compile_context_free(context);
	if (code)
		pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* where it cannot, matching is slower */
	return code;
}

static size_t compiled_bytes(const pcre2_code *code)
{
	size_t program = 0, machine = 0;

	pcre2_pattern_info(code, PCRE2_INFO_SIZE, &program);
	pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &machine);
	return program + machine;
}

static int fail_compile(const struct query_parser *p, size_t at, int error)
{
	char message[ERR_MESSAGE_MAX], says[ERR_MESSAGE_MAX / 2] = "";

	pcre2_get_error_message(error, (PCRE2_UCHAR *)says, sizeof(says));
	snprintf(message, sizeof(message), "expected a regular expression: %s; put text that begins with '/' in quotes",
		 says);
	return error == PCRE2_ERROR_PATTERN_TOO_LARGE || error == PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP
		       ? query__fail_large(p, at, message)
		       : query__fail(p, at, message);
}

static void fill_needle(struct query *q, struct query_node *n)
{
	struct buf literal = BUF_INIT;

	regex__literal(n->value, n->regex->any_case, &literal);
	must(buf_ok(&literal));
	n->needle = query__own_escaped(q, buf_span(&literal));
	buf_release(&literal);
}

int query__fill_regex(struct query *q, struct query_node *n, struct span pattern, bool any_case, int *ret_error)
{
	struct query_regex *regex;
	size_t offset = 0;
	pcre2_code *code = compile(pattern, any_case, ret_error, &offset);

	if (!code)
		return E_SYNTAX;
	regex = xalloc(sizeof(*regex));
	*regex = (struct query_regex){code, any_case, q->regex};
	q->regex = regex;
	q->regex_count++;
	q->regex_bytes += compiled_bytes(code);
	n->value = pattern;
	n->regex = regex;
	fill_needle(q, n);
	return q->regex_count > REGEX_COUNT_MAX || q->regex_bytes > REGEX_COMPILED_MAX ? E_TOO_LARGE : 0;
}

static int add_regex(struct query_parser *p, struct query_node *n, struct span pattern, bool any_case, size_t at)
{
	int error = 0;
	int rc = query__fill_regex(p->q, n, pattern, any_case, &error);

	if (rc == E_SYNTAX)
		return fail_compile(p, at, error);
	if (rc < 0)
		return query__fail_large(p, at,
					 "the regular expressions of a query may take 256 KiB compiled, and "
					 "with this one they take more; use smaller repetition counts");
	return 0;
}

int query__read_regex(struct query_parser *p, struct span path, size_t at, struct query_node **ret)
{
	struct buf plain = BUF_INIT;
	size_t from = p->at, end = read_pattern(p->text, from, &plain);
	struct span pattern;
	bool any_case;
	int rc;

	must(buf_ok(&plain));
	pattern = query__own_copy(p->q, buf_span(&plain));
	buf_release(&plain);
	if (end == 0 || pattern.len == 0)
		return query__fail(p, from,
				   "expected a regular expression, /…/; put text that begins with '/' in quotes");
	if (span_eq_str(path, "id"))
		return query__fail(p, from, "expected a whole id, 32 hexadecimal digits");
	if (pattern.len > PATTERN_BYTES_MAX)
		return query__fail_large(p, from, "a regular expression may have 1024 bytes, and this one is longer");
	if (p->q->regex_count == REGEX_COUNT_MAX)
		return query__fail_large(p, from, "a query may have 16 regular expressions, and here it has more");
	p->at = end + 1;
	any_case = query__is_at(p, 'i');
	p->at += any_case;
	rc = query__new_leaf(p, QUERY_REGEX, path, at, ret);
	if (rc < 0)
		return rc;
	return add_regex(p, *ret, pattern, any_case, from);
}

void query__free_regexes(struct query *q)
{
	while (q->regex) {
		struct query_regex *next = q->regex->next;

		pcre2_code_free(q->regex->code);
		free(q->regex);
		q->regex = next;
	}
}
