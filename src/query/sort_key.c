/* Keys of sorting. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/json_text.h"
#include "codec/token.h"
#include "query/sort_priv.h"

#define NUMBER_TEXT_MAX 400 /* a double has at most 309 digits before the point */

/* An integer of up to 18 digits. */
static bool read_whole(struct span text, int64_t *ret)
{
	bool is_negative = text.len > 0 && text.p[0] == '-';
	int64_t n = 0;

	if (text.len == is_negative || text.len > 18u + is_negative)
		return false;
	for (size_t i = is_negative; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		n = n * 10 + (text.p[i] - '0');
	}
	*ret = is_negative ? -n : n;
	return true;
}

static double read_double(struct span text)
{
	char copy[NUMBER_TEXT_MAX];

	snprintf(copy, sizeof(copy), "%.*s", (int)(text.len < sizeof(copy) ? text.len : sizeof(copy) - 1),
		 (const char *)text.p);
	return strtod(copy, NULL);
}

static void set_number(struct sort_key *key, struct span text)
{
	key->kind = SORT_NUMBER;
	key->whole = 0;
	key->text = span_of(NULL, 0);
	if (read_whole(text, &key->whole)) {
		key->number = (double)key->whole;
		return;
	}
	key->number = read_double(text);
	key->text = text;
	if (key->text.len > SORT_KEY_MAX)
		key->text.len = SORT_KEY_MAX;
}

static struct span cut(struct span text)
{
	if (text.len <= SORT_KEY_MAX)
		return text;
	text.len = SORT_KEY_MAX;
	while (text.len > 0 && (text.p[text.len] & 0xc0) == 0x80)
		text.len--;
	return text;
}

void sort_key_of_value(struct sort_key *key, struct span text, bool is_string, struct buf *scratch)
{
	size_t len;

	if (!is_string && text.len > 0 && (text.p[0] == '-' || (text.p[0] >= '0' && text.p[0] <= '9'))) {
		set_number(key, text);
		return;
	}
	key->kind = SORT_TEXT;
	key->number = 0;
	key->whole = 0;
	buf_reset(scratch);
	if (is_string && text.len > 0 && memchr(text.p, '\\', text.len))
		json_text_unescape(scratch, text);
	else
		buf_put_span(scratch, cut(text));
	len = cut(buf_span(scratch)).len;
	scratch->len = len;
	if (buf_room(scratch, len)) /* folding must not move what it reads */
		token_fold(scratch, span_of(scratch->p, len));
	key->text = span_of(scratch->p, len);
	key->folded = span_of(len ? scratch->p + len : scratch->p, scratch->len - len);
}

static struct span copy(uint8_t *to, struct span text)
{
	if (text.len > 0)
		memcpy(to, text.p, text.len);
	return span_of(to, text.len);
}

void sort_key_copy(const struct sort_key *key, uint8_t to[SORT_KEY_BYTES], struct sort_key *ret)
{
	struct sort_key copied = *key;

	copied.text = copy(to, key->text);
	copied.folded = copy(to + key->text.len, key->folded);
	*ret = copied;
}

/* By value; 0 when both are the same. */
static int compare_numbers(const struct sort_key *a, const struct sort_key *b)
{
	int by_text;

	if (a->number < b->number || a->number > b->number)
		return a->number < b->number ? -1 : 1;
	if (a->whole != b->whole)
		return a->whole < b->whole ? -1 : 1;
	by_text = a->text.len != b->text.len ? (a->text.len < b->text.len ? -1 : 1) : span_cmp(a->text, b->text);
	return a->number < 0 ? -by_text : by_text;
}

static int compare(const struct sort_key *a, const struct sort_key *b)
{
	int c;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == SORT_NUMBER)
		return compare_numbers(a, b);
	if (a->kind == SORT_NONE)
		return 0;
	c = span_cmp(a->folded, b->folded);
	return c ? c : span_cmp(a->text, b->text);
}

bool sort_key_is_same(const struct sort_key *a, const struct sort_key *b)
{
	return compare(a, b) == 0;
}

bool sort_key_is_before(const struct sort_key *a, const struct sort_key *b, bool ascending)
{
	int c = compare(a, b);

	if (c == 0)
		return ascending ? a->index < b->index : a->index > b->index;
	if (a->kind == SORT_NONE || b->kind == SORT_NONE)
		return b->kind == SORT_NONE;
	return ascending ? c < 0 : c > 0;
}
