/*
 * How a search was done, for whoever asks why it took so long: the terms with what the index could do for them, what
 * was pruned, read and looked at, and where the time went. docs/api.md has the members.
 */
#include <inttypes.h>

#include "codec/json_text.h"
#include "query/page_priv.h"
#include "query/query_priv.h"

static void put_text(struct buf *to, const struct query_node *n)
{
	struct buf plain = BUF_INIT;

	query__print_node(n, &plain);
	buf_put_u8(to, '"');
	json_text_escape(to, buf_span(&plain));
	buf_put_u8(to, '"');
	if (!buf_ok(&plain))
		to->failed = true;
	buf_release(&plain);
}

static const char *kind_name(enum query_kind kind)
{
	switch (kind) {
	case QUERY_AND:
		return "and";
	case QUERY_OR:
		return "or";
	case QUERY_NOT:
		return "not";
	default:
		return "all";
	}
}

/* In the order in which the parts are looked at. */
static void put_plan(struct buf *to, const struct plan *p, const struct plan_node *n)
{
	if (n->child_count == 0 && n->kind != QUERY_ALL) {
		buf_put_str(to, "{\"term\":");
		put_text(to, p->leaf[n->leaf].node);
		buf_printf(to, ",\"index_keys\":%u,\"cost\":%u}", p->leaf[n->leaf].key_count, n->cost);
		return;
	}
	buf_printf(to, "{\"%s\":[", kind_name(n->kind));
	for (uint32_t k = 0; k < n->child_count; k++) {
		if (k > 0)
			buf_put_u8(to, ',');
		put_plan(to, p, &n->child[k]);
	}
	buf_put_str(to, "]}");
}

static void put_figures(struct buf *to, const struct search_figures *f)
{
	buf_printf(to, ",\"segments\":{\"all\":%u,\"pruned\":%u}", f->segments, f->segments_pruned);
	buf_printf(to, ",\"blocks\":{\"seen\":%u,\"pruned\":%u,\"read\":%" PRIu64 ",\"matched\":%" PRIu64 "}",
		   f->blocks, f->blocks_pruned, f->blocks_read, f->pieces_matched);
	buf_printf(to, ",\"rows\":{\"examined\":%" PRIu64 ",\"counted_free\":%" PRIu64 "}", f->rows_examined,
		   f->records_counted_free);
}

static void put_ms(struct buf *to, const char *name, int64_t ns)
{
	buf_printf(to, "\"%s\":%.3f", name, (double)ns / 1e6);
}

static void put_times(struct buf *to, const struct search_figures *f)
{
	buf_put_str(to, ",\"time_ms\":{");
	put_ms(to, "plan", f->plan_ns);
	buf_put_u8(to, ',');
	put_ms(to, "prune", f->prune_ns);
	buf_put_u8(to, ',');
	put_ms(to, "page", f->page_ns);
	buf_put_u8(to, ',');
	put_ms(to, "count", f->count_ns);
	buf_put_str(to, "},\"thread_ms\":{");
	put_ms(to, "match", f->match_ns);
	buf_put_u8(to, ',');
	put_ms(to, "rebuild", f->rebuild_ns);
	buf_put_u8(to, '}');
}

void explain__put(const struct search *q, struct buf *to)
{
	buf_put_str(to, "{\"query\":");
	put_text(to, query_root(q->r->query));
	buf_put_str(to, ",\"plan\":");
	put_plan(to, &q->scan.plan, &q->scan.plan.root);
	put_figures(to, &q->scan.figures);
	buf_printf(to, ",\"threads\":%u", team_size(q->scan.source->team));
	put_times(to, &q->scan.figures);
	buf_put_u8(to, '}');
}
