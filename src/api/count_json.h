/* What answers that count have in common, as JSON. */
#ifndef STELE_API_COUNT_JSON_H
#define STELE_API_COUNT_JSON_H

#include "query/tally.h"
#include "service/service.h"

/* Appends the name of a field as a string. */
void count_json_field(struct buf *to, struct span path);

/* Appends `,"total":{…}`, and `,"damaged":[…]` where something is. */
void count_json_tally(struct buf *to, const struct tally *tally);

#endif
