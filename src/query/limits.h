/* Limits of queries, each with its reason. docs/limits.md has a row for each. */
#ifndef STELE_QUERY_LIMITS_H
#define STELE_QUERY_LIMITS_H

#define QUERY_BYTES_MAX    8192u /* more than a person writes, little enough to parse at once */
#define QUERY_DEPTH_MAX    32u   /* nesting of parentheses and NOT; bounds recursion */
#define QUERY_TERMS_MAX    512u  /* leaves of the tree */
#define PATTERN_BYTES_MAX  1024u /* of a regular expression or a term with wildcards: they are matched in steps */
#define WILDCARDS_MAX      64u   /* '*' and '?' of a term: bounds what matching goes back over */
#define REGEX_COUNT_MAX    16u   /* of a query: each is compiled */
#define REGEX_NEST_MAX     32u   /* parentheses in one; bounds the compiler's recursion */
#define REGEX_COMPILED_MAX (256u << 10) /* bytes of all of a query's as programs and machine code */
#define REGEX_STEPS_MAX    20000u       /* of matching from one place in a value: some tens of microseconds */
#define REGEX_DEPTH_MAX    1000u        /* of going back, where there is no machine code */
#define REGEX_HEAP_KIB_MAX 1024u        /* memory of matching, likewise */
#define REGEX_STACK_MAX    (256u << 10) /* bytes a thread's matching may take for going back */
#define PATHS_MAX          64u          /* of a list of paths, such as the columns of a table */
#define SCAN_SECONDS_MAX   30           /* a search that takes longer is given up: its threads are for others too */
#define PAGE_MAX           10000u       /* events of one answer */
#define PAGE_DEFAULT       100u
/* Rows examined beyond the page to make a total exact when it was not asked for: about a millisecond. */
#define COUNT_ROWS_MAX 100000u

#define FIELDS_MAX      16u /* of one facet request: each is counted for itself */
#define FIELD_NAMES_MAX 32u /* of a field's path; a record is less deep */

/* Values counted at once, all fields of a request together, and their bytes: each field has its share. What is rarer
 * is dropped beyond it, and the answer says by how much it may be off. */
#define FACET_VALUES_MAX 524288u
#define FACET_BYTES_MAX  (64u << 20)
#define FACET_VALUE_MAX  1024u /* bytes a value counts by; longer ones that begin alike are counted as one */
#define FACET_LIMIT_MAX  1000u /* values listed of a field */
#define FACET_LIMIT      10u
/* A thread's own counts go to those of all threads when they are so many or take so much: few locks, little memory. */
#define FACET_SHARE_VALUES 16384u
#define FACET_SHARE_BYTES  (1u << 20)

#define HISTOGRAM_BUCKETS_MAX 10000u /* of one histogram: more than a screen shows, an answer of a megabyte */
#define HISTOGRAM_BUCKETS     60u
#define HISTOGRAM_SPLIT_MAX   10u /* values a histogram is split by; the rest is one */

#define SORT_KEY_MAX 256u /* bytes of a text that sorting looks at; those that begin alike are in order of arrival */

#define CATALOG_FIELDS_MAX      1000u    /* fields listed at once */
#define CATALOG_COLUMNS_MAX     262144u  /* columns looked at, of all segments together; about ten megabytes */
#define CATALOG_DICT_MAX        4096u    /* values of a dictionary that is read for it; larger ones stay unread */
#define CATALOG_TAIL_VALUES_MAX 1000000u /* values of records that are not in a segment yet; 32 MB */

#endif
