/* Limits of queries, each with its reason. docs/limits.md has a row for each. */
#ifndef STELE_QUERY_LIMITS_H
#define STELE_QUERY_LIMITS_H

#define QUERY_BYTES_MAX 8192u  /* more than a person writes, little enough to parse at once */
#define QUERY_DEPTH_MAX 32u    /* nesting of parentheses and NOT; bounds recursion */
#define QUERY_TERMS_MAX 512u   /* leaves of the tree */
#define PAGE_MAX        10000u /* events of one answer */
#define PAGE_DEFAULT    100u
/* Rows examined beyond the page to make a total exact when it was not asked for: about a millisecond. */
#define COUNT_ROWS_MAX 100000u

#endif
