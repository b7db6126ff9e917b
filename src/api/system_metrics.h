/*
 * The server's own performance, as an event `system.metrics` of the org `_system` once in so many seconds: requests and
 * how long they took, by resource; processor, memory, disk; what came in; what waits. docs/operations.md has its
 * members. What cannot be written is left out, and the log says so once.
 */
#ifndef STELE_API_SYSTEM_METRICS_H
#define STELE_API_SYSTEM_METRICS_H

struct server;
struct system_metrics;

/* `every_s` 0: none are written; returns NULL then. */
struct system_metrics *system_metrics_start(struct server *s, unsigned every_s);
struct system_metrics *system_metrics_stop(struct system_metrics *m); /* takes NULL, returns NULL */

#endif
