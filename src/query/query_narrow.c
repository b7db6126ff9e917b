/* Two queries as one: the children of both under one AND. */
#include "base/mem.h"
#include "query/query_priv.h"

/* Adds a node, or what is under it when it is an AND: ANDs within ANDs are one node. Returns the new count. */
static uint32_t add(struct query_node **to, uint32_t count, struct query_node *n)
{
	if (n->kind != QUERY_AND) {
		to[count] = n;
		return count + 1;
	}
	memcpy(to + count, n->child, n->child_count * sizeof(struct query_node *));
	return count + n->child_count;
}

static uint32_t width(const struct query_node *n)
{
	return n->kind == QUERY_AND ? n->child_count : 1;
}

void query_narrow(struct query *q, const struct query *by)
{
	struct query_node *n;

	if (!by || by->root->kind == QUERY_ALL)
		return;
	if (q->root->kind == QUERY_ALL) {
		q->root = by->root;
		return;
	}
	n = query__own(q, xalloc(sizeof(*n)));
	n->kind = QUERY_AND;
	n->child = query__own(q, xarray(width(by->root) + width(q->root), sizeof(struct query_node *)));
	n->child_count = add(n->child, 0, by->root);
	n->child_count = add(n->child, n->child_count, q->root);
	q->root = n;
}
