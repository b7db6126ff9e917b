/* What the files of the parser share. */
#ifndef STELE_QUERY_QUERY_PRIV_H
#define STELE_QUERY_QUERY_PRIV_H

#include "query/query.h"

struct query {
	struct query_node *root;
	struct query_regex *regex; /* a list */
	uint32_t regex_count;
	size_t regex_bytes; /* of all, compiled */
	void **owned;       /* what query_free frees */
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

/* ---- query_parse.c: where the parser is ---- */

struct query_parser {
	struct query *q;
	struct span text;
	int64_t now_us;
	size_t at;
	struct span field; /* of the parentheses around; empty: none */
	uint32_t depth;
	uint32_t terms;
	struct err *err;
};

static inline bool query__is_end(const struct query_parser *p)
{
	return p->at >= p->text.len;
}

static inline bool query__is_at(const struct query_parser *p, uint8_t c)
{
	return p->at < p->text.len && p->text.p[p->at] == c;
}

void query__skip_blanks(struct query_parser *p);

/* Fail for what stands at byte `at`: by E_SYNTAX with what was expected, or by E_TOO_LARGE. */
int query__fail(const struct query_parser *p, size_t at, const char *what);
int query__fail_large(const struct query_parser *p, size_t at, const char *what);

/* A leaf that began at byte `at`; E_TOO_LARGE when there are too many. */
int query__new_leaf(struct query_parser *p, enum query_kind kind, struct span path, size_t at, struct query_node **ret)
	__attribute__((warn_unused_result));

/* ---- values: each reads one at p->at and makes its leaf; `at` is where the term began ---- */

/* query_value.c: any value. Right behind a path (`may_have_colon`) it may hold a ':'. */
int query__read_value(struct query_parser *p, struct span path, bool may_have_colon, size_t at, struct query_node **ret)
	__attribute__((warn_unused_result));

/* What stands behind a value must part it from what follows. */
int query__check_follow(const struct query_parser *p) __attribute__((warn_unused_result));

/* Reads quoted text; the query owns what it means. */
int query__take_quoted(struct query_parser *p, struct span *ret) __attribute__((warn_unused_result));

/* Whether it is one of the record's own times, "time" and "received", which compare with times alone. */
bool query__is_time_path(struct span path);

/* query_range.c: [low TO high], {low TO high}, >low, >=low, <high, <=high; a time the record's own is compared with. */
bool query__is_range(uint8_t first);
int query__read_range(struct query_parser *p, struct span path, size_t at, struct query_node **ret)
	__attribute__((warn_unused_result));
int query__read_time(struct query_parser *p, struct span path, size_t at, struct query_node **ret)
	__attribute__((warn_unused_result));

/* query_range.c: the network or IPv6 address that the run at `at_run` is, as a leaf; *ret stays when it is neither. */
int query__make_address(struct query_parser *p, struct span path, struct span run, size_t at_run, size_t at,
			struct query_node **ret) __attribute__((warn_unused_result));

/* query_regex.c: /…/ and /…/i. */
int query__read_regex(struct query_parser *p, struct span path, size_t at, struct query_node **ret)
	__attribute__((warn_unused_result));
void query__free_regexes(struct query *q);

/* Makes `n` a leaf of a pattern that the query owns. E_SYNTAX, with PCRE2's error; E_TOO_LARGE past limits.h. */
int query__fill_regex(struct query *q, struct query_node *n, struct span pattern, bool any_case, int *ret_error)
	__attribute__((warn_unused_result));

/* query_wildcard.c: a run with '*' or '?', whose stars that follow each other are one; `at_run` is where it stands. */
bool query__has_wildcard(struct span run);
struct span query__merge_stars(struct query *q, struct span run);
int query__make_wildcard(struct query_parser *p, struct query_node *n, struct span run, size_t at_run)
	__attribute__((warn_unused_result));
int query__make_glob(struct query_parser *p, struct query_node *n, struct span run, size_t at_run)
	__attribute__((warn_unused_result));

/* ---- query_print.c ---- */

/* A tree or a part of one in the normal form. */
void query__print_node(const struct query_node *n, struct buf *to);

/* ---- query_leaf.c ---- */

/* Fill a leaf from `value`, which the query owns; false when there is no word in it. */
bool query__fill_phrase(struct query *q, struct query_node *n, struct span value, bool last_is_prefix);
void query__fill_exact(struct query *q, struct query_node *n, struct span value);

/* The text folded, and escaped as JSON strings are. */
struct span query__own_folded(struct query *q, struct span text);
struct span query__own_escaped(struct query *q, struct span text);

#endif
