/*
 * What stands in every match of a regular expression, read off its text.
 *
 * The pattern is known to compile. Whatever is not understood for certain ends the reading with nothing: to say less
 * costs time, to say too much would lose matches. Groups are passed over whole, a repeated character is only taken
 * where it must be there, and an alternative outside of groups leaves nothing certain.
 */
#include "query/regex_priv.h"

struct reading {
	struct span pattern;
	size_t at;
	bool any_case;
	size_t from, len;           /* the run of literals in `text` */
	size_t best_from, best_len; /* the longest one */
	size_t last_len;            /* bytes of the run's last character */
	struct buf *text;           /* all literals read */
};

static void end_run(struct reading *r)
{
	if (r->len > r->best_len) {
		r->best_from = r->from;
		r->best_len = r->len;
	}
	r->from += r->len;
	r->len = 0;
	r->last_len = 0;
}

/* In any case 'k' and 's' also match signs beyond ASCII (U+212A, U+017F), and what is beyond it matches others. */
static bool is_sure(const struct reading *r, uint8_t c)
{
	return !r->any_case || (c < 0x80 && (c | 0x20) != 'k' && (c | 0x20) != 's');
}

static void take_char(struct reading *r)
{
	size_t len = 1;

	while (r->at + len < r->pattern.len && (r->pattern.p[r->at + len] & 0xc0) == 0x80)
		len++;
	if (is_sure(r, r->pattern.p[r->at])) {
		buf_put(r->text, r->pattern.p + r->at, len);
		r->len += len;
		r->last_len = len;
	} else {
		end_run(r);
	}
	r->at += len;
}

/* The character before may be missing. */
static void drop_last(struct reading *r)
{
	size_t last = r->last_len;

	r->len -= last;
	end_run(r);
	r->from += last;
}

/* An escape at r->at: a sign that stands for itself, or a class or place that is known to hold no literal text. */
static bool read_escape(struct reading *r, bool may_take)
{
	uint8_t c;

	if (++r->at >= r->pattern.len)
		return false;
	c = r->pattern.p[r->at];
	if (c >= 0x80)
		return false;
	if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
		if (!strchr("dDsSwWbBAzZntrfvVhHaeRX", c))
			return false;
		r->at++;
		if (may_take)
			end_run(r);
		return true;
	}
	if (may_take)
		take_char(r);
	else
		r->at++;
	return true;
}

/* Over [...]; false for what has brackets of its own in it. */
static bool skip_class(struct reading *r)
{
	struct span p = r->pattern;

	r->at++;
	r->at += r->at < p.len && p.p[r->at] == '^';
	r->at += r->at < p.len && p.p[r->at] == ']';
	while (r->at < p.len && p.p[r->at] != ']') {
		if (p.p[r->at] == '[')
			return false;
		if (p.p[r->at] != '\\')
			r->at++;
		else if (!read_escape(r, false))
			return false;
	}
	return r->at++ < p.len;
}

/* What follows "(?" in a group that changes nothing of how the rest is read. */
static bool is_plain_group(struct span behind)
{
	static const char *const begins[] = {":", "=", "!", "<", ">", "|", "P<", "'"};

	for (size_t k = 0; k < sizeof(begins) / sizeof(begins[0]); k++)
		if (span_starts_with(behind, span_str(begins[k])))
			return true;
	return false;
}

/* Over a group and all within. */
static bool skip_group(struct reading *r)
{
	struct span p = r->pattern;
	size_t depth = 0;

	do {
		uint8_t c = r->at < p.len ? p.p[r->at] : 0;

		if (r->at >= p.len)
			return false;
		if (c == '[' || c == '\\') {
			if (c == '[' ? !skip_class(r) : !read_escape(r, false))
				return false;
			continue;
		}
		r->at++;
		depth += c == '(';
		depth -= c == ')';
		if (c == '(' && r->at < p.len && p.p[r->at] == '*')
			return false;
		if (c == '(' && r->at < p.len && p.p[r->at] == '?' && !is_plain_group(span_from(p, r->at + 1)))
			return false;
	} while (depth > 0);
	return true;
}

/* {n}, {n,}, {n,m}; false for anything else. */
static bool skip_count(struct reading *r)
{
	struct span p = r->pattern;
	size_t at = r->at + 1;

	while (at < p.len && ((p.p[at] >= '0' && p.p[at] <= '9') || p.p[at] == ',' || p.p[at] == ' '))
		at++;
	if (at == p.len || p.p[at] != '}')
		return false;
	r->at = at + 1;
	return true;
}

/* One item; false when the pattern does not tell. */
static bool read_item(struct reading *r)
{
	switch (r->pattern.p[r->at]) {
	case '|':
		return false;
	case '\\':
		return read_escape(r, true);
	case '(':
		end_run(r);
		return skip_group(r);
	case '[':
		end_run(r);
		return skip_class(r);
	case '{':
		drop_last(r);
		return skip_count(r);
	case '*':
	case '?':
		drop_last(r);
		r->at++;
		return true;
	case '+':
	case '.':
	case '^':
	case '$':
		end_run(r);
		r->at++;
		return true;
	default:
		take_char(r);
		return true;
	}
}

void regex__literal(struct span pattern, bool any_case, struct buf *to)
{
	struct buf text = BUF_INIT;
	struct reading r = {.pattern = pattern, .any_case = any_case, .text = &text};
	bool is_certain = true;

	while (r.at < pattern.len && is_certain)
		is_certain = read_item(&r);
	end_run(&r);
	if (is_certain && r.best_len > 0 && buf_ok(&text))
		buf_put(to, text.p + r.best_from, r.best_len);
	buf_release(&text);
}
