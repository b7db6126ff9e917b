/* What the files of the parser share. */
#ifndef STELE_QUERY_QUERY_PRIV_H
#define STELE_QUERY_QUERY_PRIV_H

#include "query/query.h"

struct query {
	struct query_node *root;
	void **owned; /* what query_free frees */
	size_t owned_count, owned_cap;
};

/* Hands `p` to the query and returns it. */
void *query__own(struct query *q, void *p);
struct span query__own_copy(struct query *q, struct span from);

/* ---- query_scan.c: the text's smallest parts ---- */

static inline bool query__is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Letters, digits, '_', '-', '@', '/', '$' and all beyond ASCII: what a path's segment holds without quotes. */
bool query__is_name_byte(uint8_t c);

/* Where the run of unquoted text that starts at `at` ends: before a blank, a parenthesis or a quote. */
size_t query__run_end(struct span text, size_t at);

/* Reads the quoted text whose quote is at `at`; `to` is what it means. Returns what is behind the closing quote, or 0
 * when there is none. */
size_t query__read_quoted(struct span text, size_t at, struct buf *to);

/* Reads `path:` at `at`, the path as a tree has it. Returns what is behind the colon; 0 when no such thing stands
 * there, `to` then being of no use. */
size_t query__read_path(struct span text, size_t at, struct buf *to);

/* Why an unquoted value is refused: it is written in a way that is to mean something one day. NULL when it is not. */
const char *query__refusal(struct span run);

/* ---- query_print.c ---- */

/* A tree or a part of one in the normal form. */
void query__print_node(const struct query_node *n, struct buf *to);

/* ---- query_leaf.c ---- */

/* Fill a leaf from `value`, which the query owns; false when there is no word in it. */
bool query__fill_phrase(struct query *q, struct query_node *n, struct span value, bool last_is_prefix);
void query__fill_exact(struct query *q, struct query_node *n, struct span value);

#endif
