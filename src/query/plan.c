/* Making a query ready: index keys, ids looked up, children cheapest first. */
#include "base/mem.h"
#include "codec/token.h"
#include "query/match_priv.h"
#include "query/plan_priv.h"

/* What a row costs, roughly: by number, by the values of one path, of a whole record. */
#define COST_ID   0u /* and by time */
#define COST_PATH 4u
#define COST_TEXT 64u

/* A regular expression takes so many times what words do. */
#define COST_REGEX 8u

static void add_key(struct plan_leaf *leaf, struct span text)
{
	leaf->key = xrealloc(leaf->key, (leaf->key_count + 1) * sizeof(*leaf->key));
	leaf->key[leaf->key_count++] = token_hash(text);
}

/* Longer words are rarer. */
static void add_longest_first(struct plan_leaf *leaf, struct span *word, uint32_t count)
{
	for (uint32_t k = 1; k < count; k++) {
		struct span w = word[k];
		uint32_t at = k;

		for (; at > 0 && word[at - 1].len < w.len; at--)
			word[at] = word[at - 1];
		word[at] = w;
	}
	for (uint32_t k = 0; k < count; k++)
		add_key(leaf, word[k]);
}

static void add_phrase_keys(struct plan_leaf *leaf)
{
	const struct query_node *n = leaf->node;
	uint32_t whole = n->word_count - n->last_is_prefix;
	struct span *word = xarray(n->word_count, sizeof(*word));

	memcpy(word, n->word, n->word_count * sizeof(*word));
	if (n->form.len == 0) /* else it may be one word that none of these is */
		add_longest_first(leaf, word, whole);
	free(word);
}

/* Words without wildcards stand in a match as they are. */
static void add_wildcard_keys(struct plan_leaf *leaf)
{
	const struct query_node *n = leaf->node;
	struct span *word = xarray(n->word_count, sizeof(*word));
	uint32_t count = 0;

	for (uint32_t k = 0; k < n->word_count && n->form.len == 0; k++)
		if (!memchr(n->word[k].p, '*', n->word[k].len) && !memchr(n->word[k].p, '?', n->word[k].len))
			word[count++] = n->word[k];
	add_longest_first(leaf, word, count);
	free(word);
}

/* Whole values are in the index up to a length, but not those of descriptions (docs/format/segment.md). */
static bool has_whole_key(const struct query_node *n)
{
	return n->value.len > 0 && n->value.len <= TOKEN_VALUE_MAX && !span_eq_str(n->path, "description");
}

static void add_exact_keys(struct plan_leaf *leaf)
{
	struct token_iter it = {leaf->node->value, 0};
	struct span *list = NULL, word;
	uint32_t count = 0;

	if (has_whole_key(leaf->node)) {
		add_key(leaf, leaf->node->value);
		return;
	}
	while (token_next(&it, &word)) {
		list = xrealloc(list, (count + 1) * sizeof(*list));
		list[count++] = word;
	}
	add_longest_first(leaf, list, count);
	free(list);
}

static void fill_leaf(struct plan_leaf *leaf, struct plan_node *to, const struct search_source *source)
{
	const struct query_node *n = leaf->node;

	switch (n->kind) {
	case QUERY_EXACT:
		leaf->is_id = span_eq_str(n->path, "id");
		if (!leaf->is_id)
			add_exact_keys(leaf);
		else if (!source->index_of_id(source->user, n->value, &leaf->index))
			leaf->index = UINT64_MAX;
		break;
	case QUERY_PHRASE:
		add_phrase_keys(leaf);
		break;
	case QUERY_WILDCARD:
		add_wildcard_keys(leaf);
		break;
	case QUERY_REGEX:
		to->cost *= COST_REGEX;
		break;
	case QUERY_TIMES:
		leaf->is_time = span_eq_str(n->path, "time");
		leaf->is_received = span_eq_str(n->path, "received");
		break;
	default:
		break;
	}
	if (leaf->is_id || leaf->is_time || leaf->is_received)
		to->cost = COST_ID;
}

static void make_leaf(struct plan *p, struct plan_node *to, const struct query_node *n,
		      const struct search_source *source)
{
	struct plan_leaf *leaf;

	if (p->leaf_count == p->leaf_cap) {
		p->leaf_cap = p->leaf_cap ? p->leaf_cap * 2 : 8;
		p->leaf = xrealloc(p->leaf, p->leaf_cap * sizeof(*p->leaf));
	}
	to->leaf = p->leaf_count;
	to->cost = n->path.len ? COST_PATH : COST_TEXT;
	leaf = &p->leaf[p->leaf_count++];
	*leaf = (struct plan_leaf){.node = n, .index = UINT64_MAX};
	fill_leaf(leaf, to, source);
}

static void make_node(struct plan *p, struct plan_node *to, const struct query_node *n,
		      const struct search_source *source);

static void make_children(struct plan *p, struct plan_node *to, const struct query_node *n,
			  const struct search_source *source)
{
	to->child = xarray(n->child_count, sizeof(*to->child));
	to->child_count = n->child_count;
	for (uint32_t k = 0; k < n->child_count; k++) {
		struct plan_node child = {0};
		uint32_t at = k;

		make_node(p, &child, n->child[k], source);
		to->cost += child.cost;
		for (; at > 0 && to->child[at - 1].cost > child.cost; at--)
			to->child[at] = to->child[at - 1];
		to->child[at] = child;
	}
}

static void make_node(struct plan *p, struct plan_node *to, const struct query_node *n,
		      const struct search_source *source)
{
	*to = (struct plan_node){.kind = n->kind};
	if (n->child_count)
		make_children(p, to, n, source);
	else if (n->kind != QUERY_ALL)
		make_leaf(p, to, n, source);
}

void plan__make(struct plan *p, const struct query_node *root, const struct search_source *source)
{
	memset(p, 0, sizeof(*p));
	make_node(p, &p->root, root, source);
}

static void release_node(struct plan_node *n)
{
	for (uint32_t k = 0; k < n->child_count; k++)
		release_node(&n->child[k]);
	free(n->child);
}

void plan__release(struct plan *p)
{
	release_node(&p->root);
	for (uint32_t k = 0; k < p->leaf_count; k++)
		free(p->leaf[k].key);
	free(p->leaf);
	memset(p, 0, sizeof(*p));
}

bool plan__matches(const struct plan *p, const struct plan_node *n, uint64_t index, struct span record,
		   struct match_scratch *scratch)
{
	bool any = n->kind == QUERY_OR;

	switch (n->kind) {
	case QUERY_ALL:
		return true;
	case QUERY_NOT:
		return !plan__matches(p, &n->child[0], index, record, scratch);
	case QUERY_AND:
	case QUERY_OR:
		for (uint32_t k = 0; k < n->child_count; k++)
			if (plan__matches(p, &n->child[k], index, record, scratch) == any)
				return any;
		return !any;
	default:
		return p->leaf[n->leaf].is_id ? p->leaf[n->leaf].index == index
					      : match__record(p->leaf[n->leaf].node, record, scratch);
	}
}
