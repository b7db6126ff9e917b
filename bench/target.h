/*
 * The server that is measured: where it listens, and what the kernel and its own /metrics say it uses. Pid and folder
 * are optional; figures that need them are left out then.
 */
#ifndef STELE_BENCH_TARGET_H
#define STELE_BENCH_TARGET_H

#include <sys/types.h>

#include "report.h"
#include "wire.h"

#define TARGET_APPEND_PATH "/v1/events?ids=false"

struct target {
	struct wire_address address;
	const char *key;    /* may be NULL for what needs none */
	const char *folder; /* its data folder, or NULL */
	pid_t pid;          /* 0: not known */
};

struct target_usage {
	int64_t wall_ns;
	int64_t cpu_ns; /* user and system, of all its threads, ended ones too */
	double commits; /* group commits since it started */
	double records;
};

struct target_disk {
	uint64_t journal;
	uint64_t segments;
	uint64_t other; /* control.db and the rest */
};

/* CPU time by the process's own clock, in nanoseconds; 0 without a pid. */
int64_t target_cpu_ns(const struct target *t);

void target_usage(const struct target *t, struct target_usage *ret);

/* Waits until the server does nothing any more (sealing and merging done), at most `limit_s` seconds. Returns the
 * monotonic time at which it last worked. */
int64_t target_wait_idle(const struct target *t, int limit_s);

/* Allocated bytes of the data folder, as du counts them. */
int target_disk(const struct target *t, struct target_disk *ret, struct err *err) __attribute__((warn_unused_result));

/* Adds rss_mib, rss_anonymous_mib and rss_peak_mib. */
void target_report_memory(const struct target *t, struct report *r);

/* Adds the sizes of the data folder, each per event too when `events` > 0. */
int target_report_disk(const struct target *t, uint64_t events, struct report *r, struct err *err)
	__attribute__((warn_unused_result));

/* Polls /readyz every millisecond until it says 200. E_TIMEOUT. */
int target_wait_ready(const struct target *t, int limit_s, struct err *err) __attribute__((warn_unused_result));

#endif
