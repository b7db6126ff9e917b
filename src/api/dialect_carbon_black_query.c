/*
 * The `query` of a search, which is written as Lucene has it: its signs are turned into those of our language, which
 * is close to it, the result is parsed, and then the vendor's fields in the tree become ours. So `description:Logged
 * in`, unquoted, is Logged in the description and "in" anywhere.
 *
 * What is Lucene's alone: && || ! and + for AND, OR, NOT and nothing, backslashes before signs, a blank behind a
 * field's colon, and boosts and distances (^2, ~3), which are left out.
 */
#include <string.h>
#include <strings.h>

#include "api/dialect_carbon_black.h"
#include "query/query_build.h"

/* ---- signs ---- */

struct lucene_text {
	struct span in;
	size_t at;
	struct buf *to;
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_at(const struct lucene_text *r, const char *text)
{
	return span_starts_with(span_from(r->in, r->at), span_str(text));
}

static bool ends_word(uint8_t c)
{
	return is_blank(c) || c == '(' || c == ')' || c == '"';
}

/* "^2", "~", "~0.5" */
static void skip_boost(struct lucene_text *r)
{
	if (r->at >= r->in.len || (r->in.p[r->at] != '^' && r->in.p[r->at] != '~'))
		return;
	r->at++;
	while (r->at < r->in.len && ((r->in.p[r->at] >= '0' && r->in.p[r->at] <= '9') || r->in.p[r->at] == '.'))
		r->at++;
}

static void put_quoted_byte(struct buf *to, uint8_t c)
{
	if (c == '"' || c == '\\')
		buf_put_u8(to, '\\');
	buf_put_u8(to, c);
}

/* Through the closing quote, or to the end: then the parser says what is missing. */
static void copy_quoted(struct lucene_text *r)
{
	buf_put_u8(r->to, '"');
	for (r->at++; r->at < r->in.len && r->in.p[r->at] != '"'; r->at++) {
		if (r->in.p[r->at] == '\\' && r->at + 1 < r->in.len)
			r->at++;
		put_quoted_byte(r->to, r->in.p[r->at]);
	}
	if (r->at < r->in.len) {
		buf_put_u8(r->to, '"');
		r->at++;
	}
	skip_boost(r);
}

/* A range through its bracket, a regular expression through its slash. */
static void copy_until(struct lucene_text *r, const char *ends)
{
	do {
		if (r->in.p[r->at] == '\\' && r->at + 1 < r->in.len)
			buf_put_u8(r->to, r->in.p[r->at++]);
		buf_put_u8(r->to, r->in.p[r->at++]);
	} while (r->at < r->in.len && !strchr(ends, r->in.p[r->at]));
	if (r->at < r->in.len)
		buf_put_u8(r->to, r->in.p[r->at++]);
}

/* Where a word ends, and whether a backslash is in it. With `colon` it ends before one, too. */
static size_t word_end(const struct lucene_text *r, bool colon, bool *ret_escaped)
{
	size_t at = r->at;

	*ret_escaped = false;
	while (at < r->in.len && !ends_word(r->in.p[at]) && !(colon && r->in.p[at] == ':')) {
		if (r->in.p[at] == '\\' && at + 1 < r->in.len) {
			*ret_escaped = true;
			at++;
		}
		at++;
	}
	return at;
}

/* A word's end without its boost: "^2", "~". */
static size_t boost_start(const struct lucene_text *r, size_t end)
{
	size_t at = end;

	while (at > r->at && ((r->in.p[at - 1] >= '0' && r->in.p[at - 1] <= '9') || r->in.p[at - 1] == '.'))
		at--;
	if (at > r->at + 1 && (r->in.p[at - 1] == '^' || r->in.p[at - 1] == '~'))
		return at - 1;
	return end;
}

/* A word with backslashes in it becomes a quoted one: whatever they stood before is a sign no more. */
static void copy_word(struct lucene_text *r, size_t end, bool is_escaped)
{
	size_t stop = boost_start(r, end);

	if (is_escaped)
		buf_put_u8(r->to, '"');
	for (; r->at < stop; r->at++) {
		if (r->in.p[r->at] == '\\' && r->at + 1 < stop)
			r->at++;
		if (is_escaped)
			put_quoted_byte(r->to, r->in.p[r->at]);
		else
			buf_put_u8(r->to, r->in.p[r->at]);
	}
	if (is_escaped)
		buf_put_u8(r->to, '"');
	r->at = end;
}

static void copy_value(struct lucene_text *r)
{
	bool is_escaped;
	size_t end;

	while (r->at < r->in.len && is_blank(r->in.p[r->at])) /* behind a colon */
		r->at++;
	if (r->at >= r->in.len || r->in.p[r->at] == '(' || r->in.p[r->at] == ')') {
		return;
	}
	if (r->in.p[r->at] == '"') {
		copy_quoted(r);
	} else if (r->in.p[r->at] == '[' || r->in.p[r->at] == '{') {
		copy_until(r, "]}");
	} else if (r->in.p[r->at] == '/') {
		copy_until(r, "/");
		buf_put_u8(r->to, 'i'); /* Lucene's are held against words in lower case */
	} else {
		end = word_end(r, false, &is_escaped);
		copy_word(r, end, is_escaped);
	}
}

/* Times are read as such only where our name for them stands. */
static void copy_field(struct lucene_text *r, size_t end)
{
	struct span name = span_of(r->in.p + r->at, end - r->at);

	if (span_eq_str(name, "create_time") || span_eq_str(name, "eventTime"))
		name = SPAN_LIT("time");
	if (!span_eq_str(name, "*")) { /* of "*:*", all there is */
		buf_put_span(r->to, name);
		buf_put_u8(r->to, ':');
	}
	r->at = end + 1;
	copy_value(r);
}

static void copy_term(struct lucene_text *r)
{
	bool is_escaped;
	size_t end = word_end(r, true, &is_escaped);

	if (end > r->at && end < r->in.len && r->in.p[end] == ':' && !is_escaped)
		copy_field(r, end);
	else
		copy_value(r);
}

static bool copy_operator(struct lucene_text *r)
{
	static const char *const signs[][2] = {{"&&", " AND "}, {"||", " OR "}, {"!", " NOT "}, {"+", ""}};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (is_at(r, signs[i][0])) {
			buf_put_str(r->to, signs[i][1]);
			r->at += strlen(signs[i][0]);
			return true;
		}
	}
	return false;
}

/* Our text for one of Lucene's. */
static void translate(struct span in, struct buf *to)
{
	struct lucene_text r = {in, 0, to};

	while (r.at < in.len) {
		uint8_t c = in.p[r.at];

		if (is_blank(c) || c == '(' || c == ')' || c == '-') {
			buf_put_u8(to, c);
			r.at++;
			if (c == ')')
				skip_boost(&r);
		} else if (!copy_operator(&r)) {
			copy_term(&r);
		}
	}
}

/* ---- fields ---- */

/* A leaf at the first of the paths, or at a later one. */
static struct query_node *at_either(struct query *q, const struct query_node *leaf, const char *const *paths,
				    uint32_t count)
{
	struct query_node *nodes[3];

	for (uint32_t i = 0; i < count; i++)
		nodes[i] = query_leaf_at(q, leaf, paths[i]);
	return query_or(q, nodes, count);
}

static bool says(const struct query_node *leaf, const char *word)
{
	return leaf->value.len == strlen(word) && strncasecmp((const char *)leaf->value.p, word, leaf->value.len) == 0;
}

/* A boolean of the vendor's is a word of ours. */
static struct query_node *as_word(struct query *q, const struct query_node *leaf, const char *path, const char *word)
{
	struct query_node *n = query_exact(q, path, span_str(word));

	if (leaf->kind == QUERY_EXISTS)
		return query_all(q);
	if (says(leaf, "true"))
		return n;
	return says(leaf, "false") ? query_not(q, n) : query_none(q);
}

static struct query_node *change(struct query *q, const struct query_node *leaf, void *user)
{
	static const char *const actor[] = {"actor.email", "actor.name", "actor.id"};
	static const char *const ip[] = {"context.ip"};
	static const char *const url[] = {"context.url"};
	const char *org_key = user;

	if (query_leaf_is(leaf, "actor") || query_leaf_is(leaf, "loginName"))
		return at_either(q, leaf, actor, 3);
	if (query_leaf_is(leaf, "actor_ip") || query_leaf_is(leaf, "clientIp"))
		return at_either(q, leaf, ip, 1);
	if (query_leaf_is(leaf, "request_url") || query_leaf_is(leaf, "requestUrl"))
		return at_either(q, leaf, url, 1);
	if (query_leaf_is(leaf, "flagged"))
		return as_word(q, leaf, "outcome.type", "failure");
	if (query_leaf_is(leaf, "verbose"))
		return as_word(q, leaf, "severity", "verbose");
	if (query_leaf_is(leaf, "org_key"))
		return leaf->kind == QUERY_EXISTS || says(leaf, org_key) ? query_all(q) : query_none(q);
	return NULL;
}

static int name_field(struct err *err, int rc)
{
	err_set_field(err, "query", strlen("query"));
	return rc;
}

int carbon_black__query_parse(struct span text, int64_t now_us, const char *org_key, struct query **ret,
			      struct err *err)
{
	struct buf ours = BUF_INIT;
	struct query *q = NULL;
	int rc;

	if (text.len > QUERY_BYTES_MAX)
		return name_field(err, err_set(err, E_TOO_LARGE, "a query may have %u bytes", QUERY_BYTES_MAX));
	translate(text, &ours);
	rc = buf_ok(&ours) ? query_parse(buf_span(&ours), now_us, &q, err)
			   : err_set(err, E_NO_MEMORY, "not enough memory for a query");
	buf_release(&ours);
	if (rc == 0 && (rc = query_change(q, change, (void *)(uintptr_t)org_key, err)) < 0)
		query_free(q);
	if (rc < 0)
		return name_field(err, rc);
	*ret = q;
	return 0;
}
