/*
 * Recursive descent; every level of recursion is a parenthesis or a NOT and is counted.
 *
 *	or      = and { "OR" and }
 *	and     = not { ["AND"] not }
 *	not     = ( "NOT" | "-" ) not | primary
 *	primary = "(" or ")" | [ path ":" ] ( "(" or ")" | value )
 *
 * and query_value.c reads values.
 *
 * Within the parentheses behind a path every value is of that path. AND within AND and OR within OR are one node, so
 * that a tree has one form.
 */
#include "base/mem.h"
#include "query/query_priv.h"

_Static_assert(QUERY_BYTES_MAX == 8192 && QUERY_DEPTH_MAX == 32 && QUERY_TERMS_MAX == 512, "the messages say so");

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

int query__fail(const struct query_parser *p, size_t at, const char *what)
{
	return fail_at(p->text, at, E_SYNTAX, what, p->err);
}

int query__fail_large(const struct query_parser *p, size_t at, const char *what)
{
	return fail_at(p->text, at, E_TOO_LARGE, what, p->err);
}

void query__skip_blanks(struct query_parser *p)
{
	while (!query__is_end(p) && query__is_blank(p->text.p[p->at]))
		p->at++;
}

/* An operator stands by itself; before a ':' it is a path. */
static bool is_operator(const struct query_parser *p, const char *name)
{
	size_t end = query__run_end(p->text, p->at);

	return span_eq_str(span_of(p->text.p + p->at, end - p->at), name);
}

static int enter(struct query_parser *p)
{
	if (++p->depth > QUERY_DEPTH_MAX)
		return query__fail_large(p, p->at,
					 "parentheses and NOT may be nested 32 deep, and here they are deeper");
	return 0;
}

int query__new_leaf(struct query_parser *p, enum query_kind kind, struct span path, size_t at, struct query_node **ret)
{
	if (++p->terms > QUERY_TERMS_MAX)
		return query__fail_large(p, at, "a query may have 512 terms, and here it has more");
	*ret = new_node(p->q, kind);
	(*ret)->path = path;
	(*ret)->column = (uint32_t)at + 1;
	return 0;
}

/* ---- grammar ---- */

static int parse_or(struct query_parser *p, struct query_node **ret);

static int parse_group(struct query_parser *p, struct span field, struct query_node **ret)
{
	struct span outer = p->field;
	size_t open = p->at++;
	int rc = enter(p);

	p->field = field;
	if (rc == 0)
		rc = parse_or(p, ret);
	if (rc == 0 && query__is_end(p))
		rc = query__fail(p, open, "expected a ')' for this '('");
	p->field = outer;
	p->depth--;
	if (rc < 0)
		return rc;
	p->at++;
	return query__check_follow(p);
}

static int parse_field(struct query_parser *p, struct span path, size_t at, struct query_node **ret)
{
	if (query__is_end(p) || query__is_blank(p->text.p[p->at]) || p->text.p[p->at] == ')')
		return query__fail(p, p->at, "expected a value right after ':'");
	if (p->text.p[p->at] == '(')
		return parse_group(p, path, ret);
	return query__read_value(p, path, true, at, ret);
}

static int parse_primary(struct query_parser *p, struct query_node **ret)
{
	size_t at = p->at, behind = 0;
	struct buf path = BUF_INIT;
	struct span owned;

	if (query__is_end(p) || p->text.p[at] == ')')
		return query__fail(p, at, "expected a term");
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
		return query__fail(
			p, at, "expected a term: AND and OR stand between terms; put them in quotes to search them");
	return query__read_value(p, p->field, false, at, ret);
}

static int parse_not(struct query_parser *p, struct query_node **ret)
{
	size_t at = p->at;
	bool is_word = is_operator(p, "NOT");
	struct query_node *n, *child = NULL;
	int rc;

	if (!is_word && (query__is_end(p) || p->text.p[at] != '-'))
		return parse_primary(p, ret);
	p->at += is_word ? 3 : 1;
	if (is_word)
		query__skip_blanks(p);
	if (query__is_end(p) || query__is_blank(p->text.p[p->at]))
		return query__fail(p, at, is_word ? "expected a term after NOT" : "expected a term right after '-'");
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
static struct query_node *join(struct query_parser *p, enum query_kind kind, struct children *c)
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

static bool ends_and(const struct query_parser *p)
{
	return query__is_end(p) || p->text.p[p->at] == ')' || is_operator(p, "OR");
}

static int parse_and(struct query_parser *p, struct query_node **ret)
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
		query__skip_blanks(p);
		if (is_operator(p, "AND")) {
			p->at += 3;
			query__skip_blanks(p);
			continue;
		}
		if (ends_and(p))
			break;
	} while (true);
	*ret = join(p, QUERY_AND, &c);
	return 0;
}

static int parse_or(struct query_parser *p, struct query_node **ret)
{
	struct children c = {NULL, 0, 0};
	struct query_node *n = NULL;
	int rc;

	query__skip_blanks(p);
	do {
		rc = parse_and(p, &n);
		if (rc < 0) {
			free(c.item);
			return rc;
		}
		add_child(&c, n);
		if (query__is_end(p) || !is_operator(p, "OR"))
			break;
		p->at += 2;
		query__skip_blanks(p);
	} while (true);
	*ret = join(p, QUERY_OR, &c);
	return 0;
}

/* ---- the query ---- */

static int parse(struct query_parser *p)
{
	int rc;

	query__skip_blanks(p);
	if (query__is_end(p)) {
		p->q->root = new_node(p->q, QUERY_ALL);
		return 0;
	}
	rc = parse_or(p, &p->q->root);
	if (rc == 0 && !query__is_end(p))
		rc = query__fail(p, p->at, "expected no ')' here: no '(' is open");
	return rc;
}

int query_parse(struct span text, int64_t now_us, struct query **ret, struct err *err)
{
	struct query_parser p = {.text = text, .now_us = now_us, .err = err};
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
	query__free_regexes(q);
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
