/*
 * Regular expressions on values. Going back is bounded from each place that a match may begin at, so a pattern that
 * explodes on a value ends soon; then the search has no answer, because "no match" might be wrong.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "query/match_priv.h"
#include "query/regex_priv.h"

#define STACK_START (32u << 10)

struct match_regex {
	pcre2_match_context *context;
	pcre2_match_data *data;
	pcre2_jit_stack *stack;
	unsigned values; /* looked at since the clock was asked */
};

/* Asking the clock takes as long as a short match. */
#define VALUES_PER_CLOCK 32u

void match__release_regex(struct match_regex *r)
{
	if (!r)
		return;
	pcre2_match_data_free(r->data);
	pcre2_match_context_free(r->context);
	pcre2_jit_stack_free(r->stack);
	free(r);
}

static struct match_regex *new_regex(void)
{
	struct match_regex *r = xalloc(sizeof(*r));

	r->context = pcre2_match_context_create(NULL);
	r->data = pcre2_match_data_create(1, NULL); /* whether, not where */
	r->stack = pcre2_jit_stack_create(STACK_START, REGEX_STACK_MAX, NULL);
	if (!r->context || !r->data || !r->stack) {
		match__release_regex(r);
		return NULL;
	}
	pcre2_set_match_limit(r->context, REGEX_STEPS_MAX);
	pcre2_set_depth_limit(r->context, REGEX_DEPTH_MAX);
	pcre2_set_heap_limit(r->context, REGEX_HEAP_KIB_MAX);
	pcre2_jit_stack_assign(r->context, NULL, r->stack);
	return r;
}

static bool is_ascii(struct span text)
{
	uint8_t all = 0;

	for (size_t i = 0; i < text.len; i++)
		all |= text.p[i];
	return all < 0x80;
}

static bool fail(struct match_scratch *scratch, struct span pattern, int code)
{
	scratch->failure = code;
	scratch->failed = pattern;
	return false;
}

static bool is_late(const struct match_scratch *scratch)
{
	if (scratch->deadline_ns == 0 || ++scratch->regex->values < VALUES_PER_CLOCK)
		return false;
	scratch->regex->values = 0;
	return clock_mono_ns() > scratch->deadline_ns;
}

bool match__regex(const struct query_node *leaf, struct span text, struct match_scratch *scratch)
{
	const uint8_t *p = text.len ? text.p : (const uint8_t *)"";
	int rc;

	if (scratch->failure)
		return false;
	if (!scratch->regex && !(scratch->regex = new_regex()))
		return fail(scratch, leaf->value, E_NO_MEMORY);
	if (is_late(scratch))
		return fail(scratch, leaf->value, E_TIMEOUT);
	/* What is not UTF-8 is no record; PCRE2 sees to it that nothing is read outside. */
	rc = pcre2_match(leaf->regex->code, p, text.len, 0, is_ascii(text) ? PCRE2_NO_UTF_CHECK : 0,
			 scratch->regex->data, scratch->regex->context);
	if (rc >= 0)
		return true;
	if (rc == PCRE2_ERROR_NOMATCH || (rc <= PCRE2_ERROR_UTF8_ERR1 && rc >= PCRE2_ERROR_UTF8_ERR21))
		return false;
	return fail(scratch, leaf->value, rc == PCRE2_ERROR_NOMEMORY ? E_NO_MEMORY : E_TOO_LARGE);
}
