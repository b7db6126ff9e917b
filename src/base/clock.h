/*
 * Time. Wall time is microseconds since 1970-01-01T00:00:00Z; monotonic time is nanoseconds from an arbitrary start.
 * Only this file calls the clock; tests can set the wall clock.
 */
#ifndef STELE_BASE_CLOCK_H
#define STELE_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_us(void);
int64_t clock_mono_ns(void);
int64_t clock_cpu_ns(void); /* CPU time of the whole process */

/* For tests: the wall clock stands still at `us`; 0 sets it going again. */
void clock_set_for_test(int64_t us);

#endif
