/*
 * The query language: text to tree. One language for console, API, CLI, alerts, scoped keys and dialects.
 *
 *   actor.id:u-1 action:(create OR delete) "exact phrase" -outcome.type:failure entity.name:pol* entity.type:="role"
 *
 * A term without a field searches all text of a record. Words compare folded (codec/token.h); `field:="value"` compares
 * the whole value exactly. Terms side by side are ANDed; AND, OR, NOT (upper case), '-', parentheses. A path's segments
 * are joined by '.', a segment with other characters than letters, digits, '_', '-', '@', '/' and '$' is quoted:
 * attributes."a.b".c. A path reaches through arrays: a.b finds b in each object of the array a. `outcome` and other
 * paths that name an object match any value below them. The words of a value are a phrase: they must stand side by
 * side. '*' and '?' stand for parts of a word, /…/ is a regular expression, [low TO high], '<' and '>' compare numbers,
 * times, addresses and texts, 10.0.0.0/8 is a network. docs/query-language.md.
 *
 * The text of a record is its values: strings, numbers, true and false, but not those of the members id, time and
 * received; null is no value, member names are no text. `id:` takes a whole id and is the only way to ask for it.
 *
 * Pure. A tree is immutable once parsed (and narrowed) and may be used by many threads.
 */
#ifndef STELE_QUERY_QUERY_H
#define STELE_QUERY_QUERY_H

#include "base/buf.h"
#include "base/err.h"
#include "query/limits.h"

enum query_kind {
	QUERY_ALL, /* matches every record */
	QUERY_AND,
	QUERY_OR,
	QUERY_NOT,
	QUERY_PHRASE,    /* words side by side in one value; the last may be a prefix */
	QUERY_EXACT,     /* the whole value, byte for byte; with the path "id": the record's id */
	QUERY_EXISTS,    /* field:* */
	QUERY_WILDCARD,  /* words side by side in one value, '*' and '?' within them */
	QUERY_GLOB,      /* the whole value, byte for byte, but for '*' and '?' */
	QUERY_REGEX,     /* a regular expression that matches somewhere in the value */
	QUERY_NUMBERS,   /* a number between two */
	QUERY_TEXTS,     /* a whole value between two texts, all folded */
	QUERY_ADDRESSES, /* an IP address between two */
	QUERY_TIMES,     /* a time in [from_us, to_us); of the paths "time" and "received": the record's own */
};

struct query_range; /* range_priv.h */
struct query_regex; /* regex_priv.h */

struct query_node {
	enum query_kind kind;
	struct query_node **child; /* AND, OR: child_count >= 2, none of the same kind; NOT: 1 */
	uint32_t child_count;

	/* leaves */
	struct span path;  /* escaped names joined by SHAPE_PATH_SEP; empty: all text (words, REGEX, ADDRESSES) */
	struct span value; /* plain text as written: EXACT, PHRASE, GLOB; WILDCARD: folded; REGEX: the pattern */
	struct span *word; /* PHRASE, WILDCARD: folded words, word_count >= 1 */
	uint32_t word_count;
	bool last_is_prefix; /* PHRASE */
	struct span form;    /* PHRASE, WILDCARD: the folded text when it can be (the beginning of) a UUID or a dotted
				quad,    which are one word: then a word that is (begins) so matches too */
	struct span needle;  /* bytes that, but for the case of ASCII letters, stand in every record that matches, as it
				is written (EXACT: the value, escaped); may be empty */
	int64_t from_us, to_us;          /* TIMES: INT64_MIN and INT64_MAX where an end is open */
	const struct query_range *range; /* NUMBERS, TEXTS, ADDRESSES */
	const struct query_regex *regex; /* REGEX */
	uint32_t column;                 /* where the leaf began in the text, in bytes from 1 */
};

struct query;

/* Parses; an empty text matches all. `now_us` is what "now" means in it. E_SYNTAX with err->offset (in bytes, from 0)
 * and what was expected; E_TOO_LARGE past limits.h. */
int query_parse(struct span text, int64_t now_us, struct query **ret, struct err *err)
	__attribute__((warn_unused_result));
struct query *query_free(struct query *q);
const struct query_node *query_root(const struct query *q);

/* Makes `q` match only what `by` matches too (NULL: all), before anybody uses it. It then points into `by`, which must
 * outlive it, and may have as many terms again. */
void query_narrow(struct query *q, const struct query *by);

/* The tree as text again, in one normal form: equal trees print equal, and the print parses to an equal tree. Cursors
 * are bound to it. "now" prints as the time it was. */
void query_print(const struct query *q, struct buf *to);

/* Whether a record (canonical JSON) matches; the definition of the language's meaning. A regular expression that gives
 * up on a value (REGEX_STEPS_MAX) does not match it: who has to tell uses match_priv.h. */
bool query_matches(const struct query_node *n, struct span record);

#endif
