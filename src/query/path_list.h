/*
 * Lists of paths as clients write them: `actor.id,attributes."a.b",time`. Names as in a query, lists comma separated,
 * blanks around commas allowed.
 */
#ifndef STELE_QUERY_PATH_LIST_H
#define STELE_QUERY_PATH_LIST_H

#include "base/buf.h"
#include "base/err.h"
#include "query/limits.h"

struct path_item {
	struct span text; /* as written */
	struct span path; /* as a query tree has it: escaped names joined by SHAPE_PATH_SEP */
};

struct path_list {
	struct path_item *item; /* [count] */
	uint32_t count;
	struct buf bytes; /* what the spans borrow from */
};

/* At least one path, at most PATHS_MAX. E_SYNTAX with err->offset and what was expected, E_TOO_LARGE, E_NO_MEMORY. */
int path_list_parse(struct span text, struct path_list *ret, struct err *err) __attribute__((warn_unused_result));
void path_list_release(struct path_list *l);

#endif
