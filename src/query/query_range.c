/*
 * Ranges: [low TO high] and comparisons, whose ends say what is compared.
 *
 * A number compares with numbers, a time with times, an address with addresses; anything else is text, and so is
 * whatever stands in quotes. A date, a month or a year is all of it: > is behind it, <= goes to its end.
 */
#include "base/mem.h"
#include "codec/time_text.h"
#include "codec/timestamp.h"
#include "query/query_priv.h"
#include "query/range_priv.h"

static const char time_says[] =
	"expected a time: 2026-01-31T12:00:00Z, 2026-01-31, 2026-01, 2026, now or now-7d (units "
	"s, m, h, d, w)";
static const char range_says[] = "expected '[low TO high]', either of which may be '*'";

enum end_kind { END_OPEN, END_NUMBER, END_TIME, END_ADDRESS, END_TEXT, END_UNCLEAR };

/* One end as it is written. */
struct end {
	struct span text;
	size_t at;
	bool is_quoted, is_open, is_exclusive;
	int64_t from_us, to_us; /* END_TIME */
};

struct ends {
	struct end low, high;
};

bool query__is_time_path(struct span path)
{
	return span_eq_str(path, "time") || span_eq_str(path, "received");
}

bool query__is_range(uint8_t first)
{
	return first == '[' || first == '{' || first == '<' || first == '>';
}

/* ---- reading ---- */

static bool ends_bound(uint8_t c, bool in_brackets)
{
	return query__is_blank(c) || c == '(' || c == ')' || c == '"' || (in_brackets && (c == ']' || c == '}'));
}

static int read_end(struct query_parser *p, bool in_brackets, struct end *ret)
{
	size_t from = p->at;

	ret->at = from;
	if (query__is_at(p, '"')) {
		ret->is_quoted = true;
		return query__take_quoted(p, &ret->text);
	}
	while (!query__is_end(p) && !ends_bound(p->text.p[p->at], in_brackets))
		p->at++;
	ret->text = query__own_copy(p->q, span_of(p->text.p + from, p->at - from));
	ret->is_open = in_brackets && span_eq_str(ret->text, "*");
	if (ret->text.len == 0)
		return query__fail(p, from,
				   in_brackets ? range_says
					       : "expected a number, a time, an address or a text to "
						 "compare with");
	if (!ret->is_open && query__has_wildcard(ret->text))
		return query__fail(p, from,
				   "expected no '*' or '?' in the end of a range; put text that holds them in quotes");
	return 0;
}

static int read_brackets(struct query_parser *p, struct ends *ret)
{
	int rc;

	ret->low.is_exclusive = p->text.p[p->at++] == '{';
	query__skip_blanks(p);
	if ((rc = read_end(p, true, &ret->low)) < 0)
		return rc;
	query__skip_blanks(p);
	if (p->text.len - p->at < 3 || memcmp(p->text.p + p->at, "TO", 2) != 0 ||
	    !query__is_blank(p->text.p[p->at + 2]))
		return query__fail(p, p->at, range_says);
	p->at += 2;
	query__skip_blanks(p);
	if ((rc = read_end(p, true, &ret->high)) < 0)
		return rc;
	query__skip_blanks(p);
	if (!query__is_at(p, ']') && !query__is_at(p, '}'))
		return query__fail(p, p->at, "expected a ']' or '}' that ends the range");
	ret->high.is_exclusive = p->text.p[p->at++] == '}';
	return 0;
}

static int read_comparison(struct query_parser *p, struct ends *ret)
{
	bool is_low = p->text.p[p->at++] == '>', is_equal = query__is_at(p, '=');
	struct end *one = is_low ? &ret->low : &ret->high, *other = is_low ? &ret->high : &ret->low;

	p->at += is_equal;
	other->is_open = true;
	one->is_exclusive = !is_equal;
	return read_end(p, false, one);
}

/* ---- what is compared ---- */

/* Text that was meant to be more than text is refused rather than compared as such. */
static bool looks_like_more(struct span text)
{
	uint8_t c = text.p[0];

	return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' ||
	       (text.len > 3 && span_starts_with(text, SPAN_LIT("now")) && (text.p[3] == '-' || text.p[3] == '+'));
}

static enum end_kind find_kind(const struct query_parser *p, struct end *e)
{
	struct number number;
	uint8_t address[ADDRESS_LEN];

	if (e->is_open)
		return END_OPEN;
	if (e->is_quoted)
		return END_TEXT;
	if (number__parse(e->text, &number))
		return END_NUMBER;
	if (time_text_period(e->text, p->now_us, &e->from_us, &e->to_us))
		return END_TIME;
	if (address__parse(e->text, address))
		return END_ADDRESS;
	return looks_like_more(e->text) ? END_UNCLEAR : END_TEXT;
}

static int choose_kind(struct query_parser *p, struct ends *e, enum end_kind *ret)
{
	enum end_kind low = find_kind(p, &e->low), high = find_kind(p, &e->high);

	if (low == END_UNCLEAR || high == END_UNCLEAR)
		return query__fail(p, low == END_UNCLEAR ? e->low.at : e->high.at,
				   "expected a number, a time or an address; put other text in quotes");
	*ret = low == END_OPEN ? high : low;
	if ((e->low.is_quoted || e->high.is_quoted))
		*ret = END_TEXT;
	else if (low != high && low != END_OPEN && high != END_OPEN)
		return query__fail(p, e->high.at,
				   "expected two numbers, two times, two addresses or two texts; put text in quotes");
	return 0;
}

static int need_time(const struct query_parser *p, struct end *e)
{
	if (e->is_open || time_text_period(e->text, p->now_us, &e->from_us, &e->to_us))
		return 0;
	return query__fail(p, e->at, time_says);
}

/* ---- leaves ---- */

static void fill_times(struct query_node *n, const struct ends *e)
{
	n->kind = QUERY_TIMES;
	n->from_us = e->low.is_open ? INT64_MIN : e->low.is_exclusive ? e->low.to_us : e->low.from_us;
	n->to_us = e->high.is_open ? INT64_MAX : e->high.is_exclusive ? e->high.from_us : e->high.to_us;
}

static void fill_bound(struct query *q, struct query_bound *to, const struct end *from, enum end_kind kind)
{
	to->is_open = from->is_open;
	to->is_exclusive = from->is_exclusive && !from->is_open;
	to->text = kind == END_TEXT ? query__own_folded(q, from->text) : from->text;
	if (!from->is_open && kind == END_NUMBER)
		must(number__parse(to->text, &to->number));
	if (!from->is_open && kind == END_ADDRESS)
		must(address__parse(to->text, to->address));
}

/* The open end of a range of addresses is that of the kind its other end is of. */
static void open_addresses(struct query_range *r)
{
	const struct query_bound *known = r->low.is_open ? &r->high : &r->low;
	size_t same = address__is_v4(known->address) ? ADDRESS_LEN - 4 : 0;
	struct query_bound *open = r->low.is_open ? &r->low : &r->high;

	if (!open->is_open)
		return;
	memcpy(open->address, known->address, same);
	memset(open->address + same, open == &r->low ? 0 : 0xff, ADDRESS_LEN - same);
	open->is_open = false;
}

static void fill_range(struct query *q, struct query_node *n, const struct ends *e, enum end_kind kind)
{
	struct query_range *r = query__own(q, xalloc(sizeof(*r)));

	n->kind = kind == END_NUMBER ? QUERY_NUMBERS : kind == END_ADDRESS ? QUERY_ADDRESSES : QUERY_TEXTS;
	fill_bound(q, &r->low, &e->low, kind);
	fill_bound(q, &r->high, &e->high, kind);
	if (kind == END_ADDRESS)
		open_addresses(r);
	n->range = r;
}

static int add_times(struct query_parser *p, struct ends *e, struct query_node *n)
{
	int rc = need_time(p, &e->low);

	if (rc == 0)
		rc = need_time(p, &e->high);
	if (rc == 0)
		fill_times(n, e);
	return rc;
}

static int add_ends(struct query_parser *p, struct ends *e, struct query_node *n)
{
	enum end_kind kind = END_OPEN;
	int rc = choose_kind(p, e, &kind);

	if (rc < 0)
		return rc;
	if (kind == END_OPEN)
		n->kind = QUERY_EXISTS;
	else if (kind == END_TIME)
		fill_times(n, e);
	else
		fill_range(p->q, n, e, kind);
	return 0;
}

static int read_range(struct query_parser *p, struct span path, size_t at, struct query_node **ret)
{
	struct ends e = {0};
	bool has_brackets = query__is_at(p, '[') || query__is_at(p, '{');
	int rc = has_brackets ? read_brackets(p, &e) : read_comparison(p, &e);

	if (rc == 0)
		rc = query__new_leaf(p, QUERY_TIMES, path, at, ret);
	if (rc < 0)
		return rc;
	return query__is_time_path(path) ? add_times(p, &e, *ret) : add_ends(p, &e, *ret);
}

/* All text has no order, but an address is one wherever it stands. */
int query__read_range(struct query_parser *p, struct span path, size_t at, struct query_node **ret)
{
	size_t from = p->at;
	int rc;

	if (span_eq_str(path, "id"))
		return query__fail(p, from, "expected a whole id, 32 hexadecimal digits");
	rc = read_range(p, path, at, ret);
	if (path.len || rc == E_TOO_LARGE || (rc == 0 && (*ret)->kind == QUERY_ADDRESSES))
		return rc;
	return query__fail(p, from,
			   "expected a field before a range: field:[10 TO 20], field:>=10; put text that begins with a "
			   "bracket, '<' or '>' in quotes");
}

int query__read_time(struct query_parser *p, struct span path, size_t at, struct query_node **ret)
{
	struct ends e = {0};
	int rc;

	p->at += query__is_at(p, '=');
	e.low.at = p->at;
	if (query__is_at(p, '"')) {
		rc = query__take_quoted(p, &e.low.text);
	} else {
		p->at = query__run_end(p->text, p->at);
		e.low.text = span_of(p->text.p + e.low.at, p->at - e.low.at);
		rc = 0;
	}
	e.high = e.low;
	if (rc == 0)
		rc = query__new_leaf(p, QUERY_TIMES, path, at, ret);
	return rc < 0 ? rc : add_times(p, &e, *ret);
}

/* ---- addresses by themselves ---- */

/* Digits, points and colons before a '/', and digits behind it: nobody writes a text so. */
static bool looks_like_network(struct span run)
{
	size_t dots = 0, colons = 0, at = 0, digits = 0;

	for (; at < run.len && run.p[at] != '/'; at++) {
		uint8_t c = run.p[at];

		dots += c == '.';
		colons += c == ':';
		if (c != '.' && c != ':' && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
			return false;
	}
	for (; at + 1 + digits < run.len; digits++)
		if (run.p[at + 1 + digits] < '0' || run.p[at + 1 + digits] > '9')
			return false;
	return digits > 0 && (dots == 3 || colons >= 2);
}

int query__make_address(struct query_parser *p, struct span path, struct span run, size_t at_run, size_t at,
			struct query_node **ret)
{
	struct query_range *r = query__own(p->q, xalloc(sizeof(*r)));
	bool is_network = looks_like_network(run);
	int rc;

	if (is_network && !address__parse_network(run, r->low.address, r->high.address))
		return query__fail(p, at_run,
				   "expected a network: 10.0.0.0/8, 2001:db8::/32; put other text in quotes");
	if (!is_network && (!memchr(run.p, ':', run.len) || !address__parse(run, r->low.address)))
		return 0;
	if (!is_network)
		memcpy(r->high.address, r->low.address, ADDRESS_LEN);
	rc = query__new_leaf(p, QUERY_ADDRESSES, path, at, ret);
	if (rc == 0)
		(*ret)->range = r;
	return rc;
}
