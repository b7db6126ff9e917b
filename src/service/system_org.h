/*
 * What the server says of itself goes into the main ledger of the org `_system`, which is there from the first start
 * on. Who may see all orgs makes a key in it (POST /v1/orgs/_system/keys) and reads it as any other.
 */
#ifndef STELE_SERVICE_SYSTEM_ORG_H
#define STELE_SERVICE_SYSTEM_ORG_H

#include "service/service.h"

/* Appends one event (a JSON object) and waits until it is durable; as service_self_append. */
int service_system_append(struct service *s, struct span json, struct err *err) __attribute__((warn_unused_result));

/* What is free on the disk of the data folder; 0 when it is not known. */
uint64_t service_disk_free(struct service *s);

#endif
