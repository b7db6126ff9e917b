/* Values between two ends. What is no number, time or address is not between any. */
#include "codec/time_text.h"
#include "codec/timestamp.h"
#include "query/match_priv.h"
#include "query/range_priv.h"

/* Given how a value compares with both ends. */
static bool is_within(const struct query_range *r, int with_low, int with_high)
{
	return (r->low.is_open || with_low > 0 || (with_low == 0 && !r->low.is_exclusive)) &&
	       (r->high.is_open || with_high < 0 || (with_high == 0 && !r->high.is_exclusive));
}

static bool test_number(const struct query_range *r, struct span text)
{
	struct number n;

	if (text.len == 0 || text.p[0] > '9' || !number__parse(text, &n))
		return false;
	return is_within(r, r->low.is_open ? 0 : number__compare(&n, &r->low.number),
			 r->high.is_open ? 0 : number__compare(&n, &r->high.number));
}

static bool test_folded(const struct query_range *r, struct span folded)
{
	return is_within(r, r->low.is_open ? 0 : span_cmp(folded, r->low.text),
			 r->high.is_open ? 0 : span_cmp(folded, r->high.text));
}

static bool test_address(const struct query_range *r, struct span text)
{
	uint8_t address[ADDRESS_LEN];

	return address__parse(text, address) && memcmp(address, r->low.address, ADDRESS_LEN) >= r->low.is_exclusive &&
	       memcmp(r->high.address, address, ADDRESS_LEN) >= r->high.is_exclusive;
}

/* RFC 3339; a date or a month is its first instant, a number no year. */
static bool read_time(struct span text, int64_t *ret_us)
{
	int64_t to_us;

	if (text.len < 7 || text.p[0] < '0' || text.p[0] > '9' || text.p[4] != '-')
		return false;
	if (text.len == TIMESTAMP_LEN && timestamp_parse_canonical(text.p, ret_us))
		return true;
	return timestamp_parse(text, ret_us) || time_text_calendar(text, ret_us, &to_us);
}

static bool test_time(const struct query_node *leaf, struct span text)
{
	int64_t us;

	return read_time(text, &us) && us >= leaf->from_us && (us < leaf->to_us || leaf->to_us == INT64_MAX);
}

bool match__range(const struct query_node *leaf, struct span text)
{
	switch (leaf->kind) {
	case QUERY_NUMBERS:
		return test_number(leaf->range, text);
	case QUERY_TEXTS:
		return test_folded(leaf->range, text);
	case QUERY_ADDRESSES:
		return test_address(leaf->range, text);
	default:
		return test_time(leaf, text);
	}
}
