/* The table of refusals, for the service that has it. */
#ifndef STELE_SERVICE_REFUSAL_PRIV_H
#define STELE_SERVICE_REFUSAL_PRIV_H

#include "service/refusal.h"

struct refusals;

struct refusals *refusals__new(void);
struct refusals *refusals__free(struct refusals *r);

/* Writes the events that are due; all that are left when it `is_last`. What cannot be written is kept. */
void refusals__tell(struct service *s, bool is_last);

#endif
