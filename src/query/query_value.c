/*
 * Values: what stands behind a field, or by itself.
 *
 *	value  = "*" | "/" regex "/" [ "i" ] | range | "=" text | text
 *	range  = ( "[" | "{" ) end "TO" end ( "]" | "}" ) | ( "<" | "<=" | ">" | ">=" ) end
 *	text   = quoted [ "*" ] | run
 *	end    = "*" | quoted | run
 *
 * A run with wildcards is a pattern, one that is a network or an IPv6 address stands for addresses, any other for the
 * words in it. The record's own times have ranges and single times only.
 */
#include "base/mem.h"
#include "query/query_priv.h"

static bool is_hex_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static int fill_id(struct query_parser *p, struct query_node *n, struct span value, bool is_prefix, size_t at)
{
	uint8_t lower[32];
	bool fits = value.len == sizeof(lower) && !is_prefix;

	for (size_t i = 0; fits && i < sizeof(lower); i++) {
		fits = is_hex_byte(value.p[i]);
		lower[i] = value.p[i] | 0x20; /* digits have the bit set */
	}
	if (!fits)
		return query__fail(p, at, "expected a whole id, 32 hexadecimal digits");
	n->kind = QUERY_EXACT;
	query__fill_exact(p->q, n, query__own_copy(p->q, span_of(lower, sizeof(lower))));
	return 0;
}

static int add_text(struct query_parser *p, struct span path, struct span value, bool is_exact, bool is_prefix,
		    size_t at, struct query_node **ret)
{
	int rc = query__new_leaf(p, is_exact ? QUERY_EXACT : QUERY_PHRASE, path, at, ret);

	if (rc < 0)
		return rc;
	if (span_eq_str(path, "id"))
		return fill_id(p, *ret, value, is_prefix, at);
	if (is_exact)
		query__fill_exact(p->q, *ret, value);
	else if (!query__fill_phrase(p->q, *ret, value, is_prefix))
		return query__fail(p, at, "expected a letter or a digit: there is no word in this text");
	return 0;
}

int query__check_follow(const struct query_parser *p)
{
	if (query__is_end(p) || query__is_blank(p->text.p[p->at]) || p->text.p[p->at] == ')')
		return 0;
	return query__fail(p, p->at, "expected a blank, ')' or the end");
}

int query__take_quoted(struct query_parser *p, struct span *ret)
{
	struct buf plain = BUF_INIT;
	size_t end = query__read_quoted(p->text, p->at, &plain);

	must(buf_ok(&plain));
	*ret = query__own_copy(p->q, buf_span(&plain));
	buf_release(&plain);
	if (end == 0)
		return query__fail(p, p->at, "expected a closing quote for this one");
	p->at = end;
	return 0;
}

static int read_quoted(struct query_parser *p, struct span path, bool is_exact, size_t at, struct query_node **ret)
{
	struct span value;
	bool is_prefix;
	int rc = query__take_quoted(p, &value);

	if (rc < 0)
		return rc;
	is_prefix = !is_exact && query__is_at(p, '*');
	p->at += is_prefix;
	return add_text(p, path, value, is_exact, is_prefix, at, ret);
}

/* A term on its own, or within a path's parentheses, holds no ':'; right behind a path it may. */
static int check_colon(const struct query_parser *p, struct span run, size_t at, bool may_have_colon)
{
	const uint8_t *colon = may_have_colon ? NULL : memchr(run.p, ':', run.len);

	if (!colon)
		return 0;
	at += (size_t)(colon - run.p);
	return query__fail(p, at,
			   p->field.len
				   ? "expected no field within a field's parentheses; put text that holds ':' in quotes"
				   : "expected a field before this ':'; put text that holds ':' in quotes");
}

static struct span take_run(struct query_parser *p)
{
	size_t from = p->at;

	p->at = query__run_end(p->text, from);
	return span_of(p->text.p + from, p->at - from);
}

static int read_exact_run(struct query_parser *p, struct span path, size_t at, struct query_node **ret)
{
	size_t from = p->at;
	struct span run = query__own_copy(p->q, take_run(p));
	int rc;

	if (run.len == 0)
		return query__fail(p, from, "expected a value after '='");
	if (!query__has_wildcard(run) || span_eq_str(path, "id"))
		return add_text(p, path, run, true, false, at, ret);
	rc = query__new_leaf(p, QUERY_GLOB, path, at, ret);
	return rc < 0 ? rc : query__make_glob(p, *ret, query__merge_stars(p->q, run), from);
}

/* A star alone asks for any value; every record has an id and its times. */
static int add_star(struct query_parser *p, struct span path, size_t at, struct query_node **ret)
{
	bool is_sure = path.len == 0 || span_eq_str(path, "id") || query__is_time_path(path);

	return query__new_leaf(p, is_sure ? QUERY_ALL : QUERY_EXISTS, is_sure ? span_of(NULL, 0) : path, at, ret);
}

/* A run whose only wildcard is a star at its end is text whose last word is a prefix. */
static int add_run(struct query_parser *p, struct span path, struct span run, size_t at_run, size_t at,
		   struct query_node **ret)
{
	struct span head;
	bool is_prefix;
	int rc;

	run = query__merge_stars(p->q, run);
	is_prefix = run.p[run.len - 1] == '*';
	head = span_of(run.p, run.len - is_prefix);
	if (!query__has_wildcard(head) || span_eq_str(path, "id"))
		return add_text(p, path, head, false, is_prefix, at, ret);
	rc = query__new_leaf(p, QUERY_WILDCARD, path, at, ret);
	return rc < 0 ? rc : query__make_wildcard(p, *ret, run, at_run);
}

static int read_run(struct query_parser *p, struct span path, bool may_have_colon, size_t at, struct query_node **ret)
{
	size_t from = p->at;
	struct span run = take_run(p);
	int rc;

	if (run.len == 0)
		return query__fail(p, from, "expected a value");
	if (span_eq_str(query__merge_stars(p->q, run), "*"))
		return add_star(p, path, at, ret);
	*ret = NULL;
	rc = query__make_address(p, path, run, from, at, ret);
	if (rc < 0 || *ret)
		return rc;
	rc = check_colon(p, run, from, may_have_colon);
	return rc < 0 ? rc : add_run(p, path, run, from, at, ret);
}

static bool is_star(const struct query_parser *p)
{
	return query__is_at(p, '*') && query__run_end(p->text, p->at) == p->at + 1;
}

static int read_any(struct query_parser *p, struct span path, bool may_have_colon, size_t at, struct query_node **ret)
{
	bool is_exact = query__is_at(p, '=');

	if (is_exact && path.len == 0)
		return query__fail(p, p->at, "expected a field before '=': field:=\"value\"");
	if (query__is_range(p->text.p[p->at]))
		return query__read_range(p, path, at, ret);
	if (query__is_time_path(path) && !is_star(p))
		return query__read_time(p, path, at, ret);
	if (query__is_at(p, '/'))
		return query__read_regex(p, path, at, ret);
	p->at += is_exact;
	if (query__is_at(p, '"'))
		return read_quoted(p, path, is_exact, at, ret);
	return is_exact ? read_exact_run(p, path, at, ret) : read_run(p, path, may_have_colon, at, ret);
}

int query__read_value(struct query_parser *p, struct span path, bool may_have_colon, size_t at, struct query_node **ret)
{
	int rc = read_any(p, path, may_have_colon, at, ret);

	return rc < 0 ? rc : query__check_follow(p);
}
