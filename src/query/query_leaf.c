/* Leaves: the words of a phrase, and what can be told of a matching record without reading it closely. */
#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/token.h"
#include "query/query_priv.h"

#define UUID_LEN 36u

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Whether folded text can be the beginning of a UUID that is not there as a whole, and holds its first '-'. */
static bool begins_uuid(struct span s)
{
	if (s.len < 9 || s.len >= UUID_LEN)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? s.p[i] != '-' : !is_hex(s.p[i]))
			return false;
	}
	return true;
}

/* The same of a dotted quad, and holds its first '.'. */
static bool begins_quad(struct span s)
{
	unsigned dots = 0, digits = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '.' && digits > 0) {
			dots++;
			digits = 0;
		} else if (s.p[i] >= '0' && s.p[i] <= '9' && digits < 3) {
			digits++;
		} else {
			return false;
		}
	}
	return dots >= 1 && dots <= 3;
}

/* The longest run of ASCII in a word: folding turns other characters into other bytes. */
static struct span find_needle(const struct query_node *n)
{
	struct span best = span_of(NULL, 0);

	for (uint32_t k = 0; k < n->word_count; k++) {
		struct span word = n->word[k];

		for (size_t from = 0, i = 0; i <= word.len; i++) {
			if (i < word.len && word.p[i] < 0x80)
				continue;
			if (i - from > best.len)
				best = span_of(word.p + from, i - from);
			from = i + 1;
		}
	}
	return best;
}

struct span query__own_folded(struct query *q, struct span text)
{
	struct buf folded = BUF_INIT;
	struct span copy;

	token_fold(&folded, text);
	must(buf_ok(&folded));
	copy = query__own_copy(q, buf_span(&folded));
	buf_release(&folded);
	return copy;
}

bool query__fill_phrase(struct query *q, struct query_node *n, struct span value, bool last_is_prefix)
{
	struct span folded = query__own_folded(q, value), word;
	struct token_iter it = {folded, 0};

	while (token_next(&it, &word))
		n->word_count++;
	if (n->word_count == 0)
		return false;
	n->value = value;
	n->word = query__own(q, xarray(n->word_count, sizeof(*n->word)));
	it.at = 0;
	for (uint32_t k = 0; k < n->word_count && token_next(&it, &word); k++)
		n->word[k] = word;
	n->last_is_prefix = last_is_prefix;
	if (last_is_prefix && !span_eq(n->word[0], folded) && (begins_uuid(folded) || begins_quad(folded)))
		n->form = folded;
	n->needle = find_needle(n);
	return true;
}

struct span query__own_escaped(struct query *q, struct span text)
{
	struct buf escaped = BUF_INIT;
	struct span copy;

	json_text_escape(&escaped, text);
	must(buf_ok(&escaped));
	copy = query__own_copy(q, buf_span(&escaped));
	buf_release(&escaped);
	return copy;
}

void query__fill_exact(struct query *q, struct query_node *n, struct span value)
{
	n->value = value;
	n->needle = query__own_escaped(q, value);
}
