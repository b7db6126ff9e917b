/* The normal form: values folded and quoted, names quoted where they must be, AND left out. */
#include "codec/json_text.h"
#include "codec/shape.h"
#include "codec/token.h"
#include "query/query_priv.h"

static void put_quoted(struct buf *to, struct span text)
{
	buf_put_u8(to, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_put_u8(to, '\\');
		buf_put_u8(to, text.p[i]);
	}
	buf_put_u8(to, '"');
}

static void put_name(struct buf *to, struct span escaped)
{
	struct buf plain = BUF_INIT;
	bool is_bare;

	json_text_unescape(&plain, escaped);
	is_bare = plain.len > 0 && plain.p[0] != '-' && plain.p[0] != '/';
	for (size_t i = 0; i < plain.len; i++)
		is_bare = is_bare && query__is_name_byte(plain.p[i]);
	if (is_bare)
		buf_put_span(to, buf_span(&plain));
	else
		put_quoted(to, buf_span(&plain));
	if (!buf_ok(&plain))
		to->failed = true;
	buf_release(&plain);
}

static void put_path(struct buf *to, struct span path)
{
	size_t from = 0;

	if (path.len == 0)
		return;
	for (size_t i = 0; i <= path.len; i++) {
		if (i < path.len && path.p[i] != SHAPE_PATH_SEP)
			continue;
		put_name(to, span_of(path.p + from, i - from));
		buf_put_u8(to, i < path.len ? '.' : ':');
		from = i + 1;
	}
}

static void put_phrase(struct buf *to, const struct query_node *n)
{
	struct buf folded = BUF_INIT;

	token_fold(&folded, n->value);
	put_quoted(to, buf_span(&folded));
	if (n->last_is_prefix)
		buf_put_u8(to, '*');
	if (!buf_ok(&folded))
		to->failed = true;
	buf_release(&folded);
}

static void put_node(struct buf *to, const struct query_node *n);

static void put_child(struct buf *to, const struct query_node *n, bool in_parentheses)
{
	if (in_parentheses)
		buf_put_u8(to, '(');
	put_node(to, n);
	if (in_parentheses)
		buf_put_u8(to, ')');
}

static bool has_children(const struct query_node *n)
{
	return n->kind == QUERY_AND || n->kind == QUERY_OR;
}

static void put_children(struct buf *to, const struct query_node *n, const char *between)
{
	for (uint32_t k = 0; k < n->child_count; k++) {
		if (k > 0)
			buf_put_str(to, between);
		put_child(to, n->child[k], n->child[k]->kind == QUERY_OR);
	}
}

static void put_node(struct buf *to, const struct query_node *n)
{
	switch (n->kind) {
	case QUERY_AND:
		put_children(to, n, " ");
		return;
	case QUERY_OR:
		put_children(to, n, " OR ");
		return;
	case QUERY_NOT:
		buf_put_str(to, "NOT ");
		put_child(to, n->child[0], has_children(n->child[0]));
		return;
	default:
		break;
	}
	put_path(to, n->path);
	if (n->kind == QUERY_ALL || n->kind == QUERY_EXISTS)
		buf_put_u8(to, '*');
	else if (n->kind == QUERY_PHRASE)
		put_phrase(to, n);
	if (n->kind == QUERY_EXACT) {
		buf_put_u8(to, '=');
		put_quoted(to, n->value);
	}
}

void query__print_node(const struct query_node *n, struct buf *to)
{
	put_node(to, n);
}

void query_print(const struct query *q, struct buf *to)
{
	put_node(to, q->root);
}
