/*
 * Recursive descent; every level of recursion is a parenthesis or a NOT and is counted.
 *
 *	or      = and { "OR" and }
 *	and     = not { ["AND"] not }
 *	not     = ( "NOT" | "-" ) not | primary
 *	primary = "(" or ")" | [ path ":" ] ( "(" or ")" | value )
 *	value   = "*" | "=" text | text [ "*" ]
 *	text    = quoted | run
 *
 * Within the parentheses behind a path every value is of that path. AND within AND and OR within OR are one node, so
 * that a tree has one form.
 */
#include "base/mem.h"
#include "query/query_priv.h"

_Static_assert(QUERY_BYTES_MAX == 8192 && QUERY_DEPTH_MAX == 32 && QUERY_TERMS_MAX == 512, "the messages say so");

struct parser {
	struct query *q;
	struct span text;
	size_t at;
	struct span field; /* of the parentheses around; empty: none */
	uint32_t depth;
	uint32_t terms;
	struct err *err;
};

struct children {
	struct query_node **item;
	uint32_t count, cap;
};

void *query__own(struct query *q, void *p)
{
	if (q->owned_count == q->owned_cap) {
		q->owned_cap = q->owned_cap ? q->owned_cap * 2 : 16;
		q->owned = xrealloc(q->owned, q->owned_cap * sizeof(*q->owned));
	}
	q->owned[q->owned_count++] = p;
	return p;
}

struct span query__own_copy(struct query *q, struct span from)
{
	uint8_t *p = query__own(q, xalloc(from.len + 1));

	if (from.len)
		memcpy(p, from.p, from.len);
	return span_of(p, from.len);
}

static struct query_node *new_node(struct query *q, enum query_kind kind)
{
	struct query_node *n = query__own(q, xalloc(sizeof(*n)));

	n->kind = kind;
	return n;
}

/* Fills err for what stands at byte `at` of the text; `what` follows the column. */
static int fail_at(struct span text, size_t at, int code, const char *what, struct err *err)
{
	size_t column = 1;

	for (size_t i = 0; i < at && i < text.len; i++)
		column += (text.p[i] & 0xc0) != 0x80;
	err_set(err, code, "column %zu: %s", column, what);
	if (err)
		err->offset = (int64_t)at;
	return code;
}

static int fail(struct parser *p, size_t at, const char *what)
{
	return fail_at(p->text, at, E_SYNTAX, what, p->err);
}

static bool is_end(const struct parser *p)
{
	return p->at >= p->text.len;
}

static void skip_blanks(struct parser *p)
{
	while (!is_end(p) && query__is_blank(p->text.p[p->at]))
		p->at++;
}

/* An operator stands by itself; before a ':' it is a path. */
static bool is_operator(const struct parser *p, const char *name)
{
	size_t end = query__run_end(p->text, p->at);

	return span_eq_str(span_of(p->text.p + p->at, end - p->at), name);
}

static int enter(struct parser *p)
{
	if (++p->depth > QUERY_DEPTH_MAX)
		return fail_at(p->text, p->at, E_TOO_LARGE,
			       "parentheses and NOT may be nested 32 deep, and here they are deeper", p->err);
	return 0;
}

/* ---- values ---- */

static int new_leaf(struct parser *p, enum query_kind kind, struct span path, size_t at, struct query_node **ret)
{
	if (++p->terms > QUERY_TERMS_MAX)
		return fail_at(p->text, at, E_TOO_LARGE, "a query may have 512 terms, and here it has more", p->err);
	*ret = new_node(p->q, kind);
	(*ret)->path = path;
	(*ret)->column = (uint32_t)at + 1;
	return 0;
}

static bool is_hex_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static int fill_id(struct parser *p, struct query_node *n, struct span value, bool is_prefix, size_t at)
{
	uint8_t lower[32];
	bool fits = value.len == sizeof(lower) && !is_prefix;

	for (size_t i = 0; fits && i < sizeof(lower); i++) {
		fits = is_hex_byte(value.p[i]);
		lower[i] = value.p[i] | 0x20; /* digits have the bit set */
	}
	if (!fits)
		return fail(p, at, "expected a whole id, 32 hexadecimal digits");
	n->kind = QUERY_EXACT;
	query__fill_exact(p->q, n, query__own_copy(p->q, span_of(lower, sizeof(lower))));
	return 0;
}

static int add_text(struct parser *p, struct span path, struct span value, bool is_exact, bool is_prefix, size_t at,
		    struct query_node **ret)
{
	int rc = new_leaf(p, is_exact ? QUERY_EXACT : QUERY_PHRASE, path, at, ret);

	if (rc < 0)
		return rc;
	if (span_eq_str(path, "id"))
		return fill_id(p, *ret, value, is_prefix, at);
	if (is_exact)
		query__fill_exact(p->q, *ret, value);
	else if (!query__fill_phrase(p->q, *ret, value, is_prefix))
		return fail(p, at, "expected a letter or a digit: there is no word in this text");
	return 0;
}

/* What stands behind a value must part it from what follows. */
static int check_follow(struct parser *p)
{
	if (is_end(p) || query__is_blank(p->text.p[p->at]) || p->text.p[p->at] == ')')
		return 0;
	return fail(p, p->at, "expected a blank, ')' or the end");
}

static int read_quoted(struct parser *p, struct span path, bool is_exact, size_t at, struct query_node **ret)
{
	struct buf plain = BUF_INIT;
	size_t end = query__read_quoted(p->text, p->at, &plain);
	bool is_prefix;
	struct span value;

	must(buf_ok(&plain));
	value = query__own_copy(p->q, buf_span(&plain));
	buf_release(&plain);
	if (end == 0)
		return fail(p, p->at, "expected a closing quote for this one");
	is_prefix = !is_exact && end < p->text.len && p->text.p[end] == '*';
	p->at = end + is_prefix;
	return add_text(p, path, value, is_exact, is_prefix, at, ret);
}

/* A term on its own, or within a path's parentheses, holds no ':'; right behind a path it may. */
static int check_colon(struct parser *p, struct span run, size_t at, bool may_have_colon)
{
	const uint8_t *colon = may_have_colon ? NULL : memchr(run.p, ':', run.len);

	if (!colon)
		return 0;
	at += (size_t)(colon - run.p);
	return fail(p, at,
		    p->field.len ? "expected no field within a field's parentheses; put text that holds ':' in quotes"
				 : "expected a field before this ':'; put text that holds ':' in quotes");
}

static int read_exact_run(struct parser *p, struct span path, size_t at, struct query_node **ret)
{
	size_t from = p->at, end = query__run_end(p->text, from);
	struct span run = span_of(p->text.p + from, end - from);

	if (run.len == 0)
		return fail(p, from, "expected a value after '='");
	if (memchr(run.p, '*', run.len) || memchr(run.p, '?', run.len))
		return fail(p, from, "expected a whole value after '='; put one that holds '*' or '?' in quotes");
	p->at = end;
	return add_text(p, path, query__own_copy(p->q, run), true, false, at, ret);
}

static int read_run(struct parser *p, struct span path, bool may_have_colon, size_t at, struct query_node **ret)
{
	size_t from = p->at, end = query__run_end(p->text, from);
	struct span run = span_of(p->text.p + from, end - from);
	const char *refusal;
	bool is_prefix;
	int rc;

	if (run.len == 0)
		return fail(p, from, "expected a value");
	if (span_eq_str(run, "*")) {
		p->at = end;
		return new_leaf(p, path.len && !span_eq_str(path, "id") ? QUERY_EXISTS : QUERY_ALL,
				span_eq_str(path, "id") ? span_of(NULL, 0) : path, at, ret);
	}
	refusal = query__refusal(run);
	if (refusal)
		return fail(p, from, refusal);
	rc = check_colon(p, run, from, may_have_colon);
	if (rc < 0)
		return rc;
	is_prefix = run.p[run.len - 1] == '*';
	p->at = end;
	return add_text(p, path, query__own_copy(p->q, span_of(run.p, run.len - is_prefix)), false, is_prefix, at, ret);
}

static int read_value(struct parser *p, struct span path, bool may_have_colon, size_t at, struct query_node **ret)
{
	bool is_exact = p->text.p[p->at] == '=';
	int rc;

	if (is_exact && path.len == 0)
		return fail(p, p->at, "expected a field before '=': field:=\"value\"");
	p->at += is_exact;
	if (!is_end(p) && p->text.p[p->at] == '"')
		rc = read_quoted(p, path, is_exact, at, ret);
	else if (is_exact)
		rc = read_exact_run(p, path, at, ret);
	else
		rc = read_run(p, path, may_have_colon, at, ret);
	return rc < 0 ? rc : check_follow(p);
}

/* ---- grammar ---- */

static int parse_or(struct parser *p, struct query_node **ret);

static int parse_group(struct parser *p, struct span field, struct query_node **ret)
{
	struct span outer = p->field;
	size_t open = p->at++;
	int rc = enter(p);

	p->field = field;
	if (rc == 0)
		rc = parse_or(p, ret);
	if (rc == 0 && is_end(p))
		rc = fail(p, open, "expected a ')' for this '('");
	p->field = outer;
	p->depth--;
	if (rc < 0)
		return rc;
	p->at++;
	return check_follow(p);
}

static int parse_field(struct parser *p, struct span path, size_t at, struct query_node **ret)
{
	if (span_eq_str(path, "time") || span_eq_str(path, "received"))
		return fail(p, at, "expected another field: for times use the parameters 'from' and 'to'");
	if (is_end(p) || query__is_blank(p->text.p[p->at]) || p->text.p[p->at] == ')')
		return fail(p, p->at, "expected a value right after ':'");
	if (p->text.p[p->at] == '(')
		return parse_group(p, path, ret);
	return read_value(p, path, true, at, ret);
}

static int parse_primary(struct parser *p, struct query_node **ret)
{
	size_t at = p->at, behind = 0;
	struct buf path = BUF_INIT;
	struct span owned;

	if (is_end(p) || p->text.p[at] == ')')
		return fail(p, at, "expected a term");
	if (p->text.p[at] == '(')
		return parse_group(p, p->field, ret);
	if (p->field.len == 0 && p->text.p[at] != '/')
		behind = query__read_path(p->text, at, &path);
	must(buf_ok(&path));
	owned = behind ? query__own_copy(p->q, buf_span(&path)) : span_of(NULL, 0);
	buf_release(&path);
	if (behind) {
		p->at = behind;
		return parse_field(p, owned, at, ret);
	}
	if (is_operator(p, "AND") || is_operator(p, "OR"))
		return fail(p, at,
			    "expected a term: AND and OR stand between terms; put them in quotes to search them");
	return read_value(p, p->field, false, at, ret);
}

static int parse_not(struct parser *p, struct query_node **ret)
{
	size_t at = p->at;
	bool is_word = is_operator(p, "NOT");
	struct query_node *n, *child = NULL;
	int rc;

	if (!is_word && (is_end(p) || p->text.p[at] != '-'))
		return parse_primary(p, ret);
	p->at += is_word ? 3 : 1;
	if (is_word)
		skip_blanks(p);
	if (is_end(p) || query__is_blank(p->text.p[p->at]))
		return fail(p, at, is_word ? "expected a term after NOT" : "expected a term right after '-'");
	rc = enter(p);
	if (rc == 0)
		rc = parse_not(p, &child);
	p->depth--;
	if (rc < 0)
		return rc;
	n = new_node(p->q, QUERY_NOT);
	n->child = query__own(p->q, xarray(1, sizeof(struct query_node *)));
	n->child[0] = child;
	n->child_count = 1;
	*ret = n;
	return 0;
}

static void add_child(struct children *c, struct query_node *n)
{
	if (c->count == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 4;
		c->item = xrealloc(c->item, c->cap * sizeof(struct query_node *));
	}
	c->item[c->count++] = n;
}

/* The children as one node; frees the list. */
static struct query_node *join(struct parser *p, enum query_kind kind, struct children *c)
{
	struct children flat = {NULL, 0, 0};
	struct query_node *n = c->item[0];

	if (c->count > 1) {
		for (uint32_t k = 0; k < c->count; k++) {
			if (c->item[k]->kind != kind)
				add_child(&flat, c->item[k]);
			for (uint32_t i = 0; c->item[k]->kind == kind && i < c->item[k]->child_count; i++)
				add_child(&flat, c->item[k]->child[i]);
		}
		n = new_node(p->q, kind);
		n->child = query__own(p->q, flat.item);
		n->child_count = flat.count;
	}
	free(c->item);
	return n;
}

static bool ends_and(const struct parser *p)
{
	return is_end(p) || p->text.p[p->at] == ')' || is_operator(p, "OR");
}

static int parse_and(struct parser *p, struct query_node **ret)
{
	struct children c = {NULL, 0, 0};
	struct query_node *n = NULL;
	int rc;

	do {
		rc = parse_not(p, &n);
		if (rc < 0) {
			free(c.item);
			return rc;
		}
		add_child(&c, n);
		skip_blanks(p);
		if (is_operator(p, "AND")) {
			p->at += 3;
			skip_blanks(p);
			continue;
		}
		if (ends_and(p))
			break;
	} while (true);
	*ret = join(p, QUERY_AND, &c);
	return 0;
}

static int parse_or(struct parser *p, struct query_node **ret)
{
	struct children c = {NULL, 0, 0};
	struct query_node *n = NULL;
	int rc;

	skip_blanks(p);
	do {
		rc = parse_and(p, &n);
		if (rc < 0) {
			free(c.item);
			return rc;
		}
		add_child(&c, n);
		if (is_end(p) || !is_operator(p, "OR"))
			break;
		p->at += 2;
		skip_blanks(p);
	} while (true);
	*ret = join(p, QUERY_OR, &c);
	return 0;
}

/* ---- the query ---- */

static int parse(struct parser *p)
{
	int rc;

	skip_blanks(p);
	if (is_end(p)) {
		p->q->root = new_node(p->q, QUERY_ALL);
		return 0;
	}
	rc = parse_or(p, &p->q->root);
	if (rc == 0 && !is_end(p))
		rc = fail(p, p->at, "expected no ')' here: no '(' is open");
	return rc;
}

int query_parse(struct span text, struct query **ret, struct err *err)
{
	struct parser p = {NULL, text, 0, {NULL, 0}, 0, 0, err};
	int rc;

	if (text.len > QUERY_BYTES_MAX)
		return fail_at(text, QUERY_BYTES_MAX, E_TOO_LARGE, "a query may have 8192 bytes, and it is longer",
			       err);
	p.q = xalloc(sizeof(*p.q));
	rc = parse(&p);
	if (rc < 0)
		query_free(p.q);
	else
		*ret = p.q;
	return rc;
}

struct query *query_free(struct query *q)
{
	if (!q)
		return NULL;
	for (size_t i = 0; i < q->owned_count; i++)
		free(q->owned[i]);
	free(q->owned);
	free(q);
	return NULL;
}

const struct query_node *query_root(const struct query *q)
{
	return q->root;
}
