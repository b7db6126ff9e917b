/* Pages of records as JSON, spliced into an answer as they are stored. */
#ifndef STELE_API_PAGE_JSON_H
#define STELE_API_PAGE_JSON_H

#include "service/service.h"

/* Appends the records as an array; `is_turned`: the last one first. */
void page_json_records(struct buf *to, const struct page *page, bool is_turned);

/* Appends `,"damaged":[…]`, or nothing. Only an answer with holes has the member, so that nobody overlooks it. */
void page_json_damaged(struct buf *to, const struct gap_list *damaged);

#endif
