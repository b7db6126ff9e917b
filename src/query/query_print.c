/* The normal form: values folded and quoted, names quoted where they must be, AND left out. */
#include "codec/json_text.h"
#include "codec/shape.h"
#include "codec/timestamp.h"
#include "codec/token.h"
#include "query/query_priv.h"
#include "query/range_priv.h"
#include "query/regex_priv.h"

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

static void put_regex(struct buf *to, const struct query_node *n)
{
	buf_put_u8(to, '/');
	for (size_t i = 0; i < n->value.len; i++) {
		if (n->value.p[i] == '/')
			buf_put_u8(to, '\\');
		buf_put_u8(to, n->value.p[i]);
		if (n->value.p[i] == '\\' && i + 1 < n->value.len)
			buf_put_u8(to, n->value.p[++i]);
	}
	buf_put_str(to, n->regex->any_case ? "/i" : "/");
}

static void put_bound(struct buf *to, const struct query_bound *bound, enum query_kind kind)
{
	char address[ADDRESS_TEXT_LEN];

	if (bound->is_open) {
		buf_put_u8(to, '*');
	} else if (kind == QUERY_TEXTS) {
		put_quoted(to, bound->text);
	} else if (kind == QUERY_NUMBERS) {
		buf_put_span(to, bound->text);
	} else {
		address__format(bound->address, address);
		buf_put_str(to, address);
	}
}

static void put_range(struct buf *to, const struct query_node *n)
{
	buf_put_u8(to, n->range->low.is_exclusive ? '{' : '[');
	put_bound(to, &n->range->low, n->kind);
	buf_put_str(to, " TO ");
	put_bound(to, &n->range->high, n->kind);
	buf_put_u8(to, n->range->high.is_exclusive ? '}' : ']');
}

static void put_instant(struct buf *to, int64_t us)
{
	uint8_t text[TIMESTAMP_LEN];

	timestamp_format(us, text);
	buf_put(to, text, sizeof(text));
}

/* [from TO to}; an end past the last time there is is written with the other bracket and that time. */
static void put_times(struct buf *to, const struct query_node *n)
{
	bool is_past = n->from_us > TIMESTAMP_MAX_US, ends_past = n->to_us > TIMESTAMP_MAX_US;

	buf_put_u8(to, is_past ? '{' : '[');
	if (n->from_us == INT64_MIN)
		buf_put_u8(to, '*');
	else
		put_instant(to, is_past ? TIMESTAMP_MAX_US : n->from_us);
	buf_put_str(to, " TO ");
	if (n->to_us == INT64_MAX)
		buf_put_u8(to, '*');
	else
		put_instant(to, ends_past ? TIMESTAMP_MAX_US : n->to_us);
	buf_put_u8(to, ends_past ? ']' : '}');
}

static void put_value(struct buf *to, const struct query_node *n)
{
	switch (n->kind) {
	case QUERY_PHRASE:
		put_phrase(to, n);
		return;
	case QUERY_EXACT:
		buf_put_u8(to, '=');
		put_quoted(to, n->value);
		return;
	case QUERY_GLOB:
		buf_put_u8(to, '=');
		buf_put_span(to, n->value);
		return;
	case QUERY_WILDCARD:
		buf_put_span(to, n->value);
		return;
	case QUERY_REGEX:
		put_regex(to, n);
		return;
	case QUERY_TIMES:
		put_times(to, n);
		return;
	case QUERY_NUMBERS:
	case QUERY_TEXTS:
	case QUERY_ADDRESSES:
		put_range(to, n);
		return;
	default: /* ALL, EXISTS */
		buf_put_u8(to, '*');
	}
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
	put_value(to, n);
}

void query__print_node(const struct query_node *n, struct buf *to)
{
	put_node(to, n);
}

void query_print(const struct query *q, struct buf *to)
{
	put_node(to, q->root);
}
