/* Trees without text. They have the form the parser gives them: no AND within AND, no OR within OR. */
#include "query/query_build.h"

#include "base/mem.h"
#include "codec/shape.h"
#include "query/query_priv.h"
#include "query/range_priv.h"

struct query *query_new(void)
{
	struct query *q = xalloc(sizeof(*q));

	q->root = query_all(q);
	return q;
}

static struct query_node *new_node(struct query *q, enum query_kind kind)
{
	struct query_node *n = query__own(q, xalloc(sizeof(*n)));

	n->kind = kind;
	n->column = 1;
	return n;
}

static struct query_node *new_leaf(struct query *q, enum query_kind kind, const char *path)
{
	struct query_node *n = new_node(q, kind);
	struct span copy = query__own_copy(q, span_str(path));

	for (size_t i = 0; i < copy.len; i++)
		if (copy.p[i] == '.')
			((uint8_t *)(uintptr_t)copy.p)[i] = SHAPE_PATH_SEP;
	n->path = copy;
	return n;
}

/* ---- limits ---- */

static size_t count_leaves(const struct query_node *n)
{
	size_t count = n->child_count == 0;

	for (uint32_t k = 0; k < n->child_count; k++)
		count += count_leaves(n->child[k]);
	return count;
}

int query_set_root(struct query *q, struct query_node *root, struct err *err)
{
	size_t count = count_leaves(root);

	if (count > QUERY_TERMS_MAX)
		return err_set(err, E_TOO_LARGE, "a query may have %u terms, and this one comes to %zu; ask for less",
			       QUERY_TERMS_MAX, count);
	q->root = root;
	return 0;
}

/* ---- inner nodes ---- */

struct query_node *query_all(struct query *q)
{
	return new_node(q, QUERY_ALL);
}

struct query_node *query_not(struct query *q, struct query_node *node)
{
	struct query_node *n = new_node(q, QUERY_NOT);

	n->child = query__own(q, xarray(1, sizeof(struct query_node *)));
	n->child[0] = node;
	n->child_count = 1;
	return n;
}

struct query_node *query_none(struct query *q)
{
	return query_not(q, query_all(q));
}

/* The nodes as one of `kind`; those that are of it give their children. */
static struct query_node *join(struct query *q, enum query_kind kind, struct query_node *const *nodes, uint32_t count)
{
	struct query_node *n = new_node(q, kind);
	uint32_t total = 0;

	for (uint32_t k = 0; k < count; k++)
		total += nodes[k]->kind == kind ? nodes[k]->child_count : 1;
	n->child = query__own(q, xarray(total, sizeof(struct query_node *)));
	for (uint32_t k = 0; k < count; k++) {
		for (uint32_t i = 0; nodes[k]->kind == kind && i < nodes[k]->child_count; i++)
			n->child[n->child_count++] = nodes[k]->child[i];
		if (nodes[k]->kind != kind)
			n->child[n->child_count++] = nodes[k];
	}
	return n;
}

struct query_node *query_and(struct query *q, struct query_node *const *nodes, uint32_t count)
{
	if (count == 0)
		return query_all(q);
	return count == 1 ? nodes[0] : join(q, QUERY_AND, nodes, count);
}

struct query_node *query_or(struct query *q, struct query_node *const *nodes, uint32_t count)
{
	if (count == 0)
		return query_none(q);
	return count == 1 ? nodes[0] : join(q, QUERY_OR, nodes, count);
}

int query_add(struct query *q, struct query_node *const *nodes, uint32_t count, struct err *err)
{
	struct query_node *both[2] = {q->root, query_and(q, nodes, count)};

	if (count == 0)
		return 0;
	return query_set_root(q, q->root->kind == QUERY_ALL ? both[1] : query_and(q, both, 2), err);
}

/* ---- leaves ---- */

struct query_node *query_exact(struct query *q, const char *path, struct span value)
{
	struct query_node *n = new_leaf(q, QUERY_EXACT, path);

	query__fill_exact(q, n, query__own_copy(q, value));
	return n;
}

struct query_node *query_words(struct query *q, const char *path, struct span value)
{
	struct query_node *n = new_leaf(q, QUERY_PHRASE, path);

	return query__fill_phrase(q, n, query__own_copy(q, value), false) ? n : query_none(q);
}

/* Between two ends; NULL: open. */
static struct query_node *new_texts(struct query *q, const char *path, const struct span *low, const struct span *high,
				    bool is_inclusive)
{
	struct query_range *r = query__own(q, xalloc(sizeof(*r)));
	struct query_node *n = new_leaf(q, QUERY_TEXTS, path);

	r->low.is_open = !low;
	r->high.is_open = !high;
	r->low.is_exclusive = low && !is_inclusive;
	r->high.is_exclusive = high && !is_inclusive;
	if (low)
		r->low.text = query__own_folded(q, *low);
	if (high)
		r->high.text = query__own_folded(q, *high);
	n->range = r;
	return n;
}

struct query_node *query_before(struct query *q, const char *path, struct span text, bool is_inclusive)
{
	return new_texts(q, path, NULL, &text, is_inclusive);
}

struct query_node *query_behind(struct query *q, const char *path, struct span text, bool is_inclusive)
{
	return new_texts(q, path, &text, NULL, is_inclusive);
}

/* Its words are what the index knows. */
struct query_node *query_same(struct query *q, const char *path, struct span value)
{
	struct query_node *both[] = {query_words(q, path, value), new_texts(q, path, &value, &value, true)};

	return both[0]->kind == QUERY_PHRASE ? query_and(q, both, 2) : both[1];
}

/* A pattern that matches `text` alone. */
static struct span own_pattern(struct query *q, struct span text)
{
	struct buf pattern = BUF_INIT;
	struct span copy;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];

		if (c < 0x80 && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
			buf_put_u8(&pattern, '\\');
		buf_put_u8(&pattern, c);
	}
	must(buf_ok(&pattern));
	copy = query__own_copy(q, buf_span(&pattern));
	buf_release(&pattern);
	return copy;
}

int query_holds(struct query *q, const char *path, struct span text, struct query_node **ret, struct err *err)
{
	int error;

	if (text.len == 0) {
		*ret = query_exists(q, path);
		return 0;
	}
	if (text.len > PATTERN_BYTES_MAX)
		return err_set(err, E_TOO_LARGE, "a text to look for may have %u bytes, and this one has %zu",
			       PATTERN_BYTES_MAX, text.len);
	*ret = new_leaf(q, QUERY_REGEX, path);
	switch (query__fill_regex(q, *ret, own_pattern(q, text), true, &error)) {
	case 0:
		return 0;
	case E_SYNTAX:
		return err_set(err, E_INVALID, "a text to look for is not UTF-8");
	default:
		return err_set(err, E_TOO_LARGE, "a search may look for %u different parts of texts; ask for less",
			       REGEX_COUNT_MAX);
	}
}

struct query_node *query_exists(struct query *q, const char *path)
{
	return new_leaf(q, QUERY_EXISTS, path);
}

struct query_node *query_times(struct query *q, const char *path, int64_t from_us, int64_t to_us)
{
	struct query_node *n = new_leaf(q, QUERY_TIMES, path);

	n->from_us = from_us;
	n->to_us = to_us;
	return n;
}

/* ---- changing ---- */

struct query_node *query_leaf_at(struct query *q, const struct query_node *leaf, const char *path)
{
	struct query_node *n = new_leaf(q, leaf->kind, path);
	struct span at = n->path;

	*n = *leaf; /* what it points to is the query's */
	n->path = at;
	return n;
}

bool query_leaf_is(const struct query_node *leaf, const char *path)
{
	size_t len = strlen(path);

	if (leaf->path.len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (leaf->path.p[i] != (path[i] == '.' ? SHAPE_PATH_SEP : (uint8_t)path[i]))
			return false;
	}
	return true;
}

/* Recursion is as deep as the tree, which the parser bounds. */
static struct query_node *change_node(struct query *q, struct query_node *n, query_change_fn *change, void *user)
{
	struct query_node *changed;

	if (n->child_count == 0) {
		changed = change(q, n, user);
		return changed ? changed : n;
	}
	for (uint32_t k = 0; k < n->child_count; k++)
		n->child[k] = change_node(q, n->child[k], change, user);
	return n->kind == QUERY_NOT ? n : join(q, n->kind, n->child, n->child_count);
}

int query_change(struct query *q, query_change_fn *change, void *user, struct err *err)
{
	return query_set_root(q, change_node(q, q->root, change, user), err);
}
