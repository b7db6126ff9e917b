/* The clocks of the kernel, and the wall clock's setting for tests. */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

#include "base/err.h"

static _Atomic int64_t test_wall_us;

static struct timespec now(clockid_t id)
{
	struct timespec ts;

	must(clock_gettime(id, &ts) == 0);
	return ts;
}

static int64_t to_ns(struct timespec ts)
{
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t clock_wall_us(void)
{
	int64_t fixed = atomic_load_explicit(&test_wall_us, memory_order_relaxed);

	return fixed ? fixed : to_ns(now(CLOCK_REALTIME)) / 1000;
}

int64_t clock_mono_ns(void)
{
	return to_ns(now(CLOCK_MONOTONIC));
}

int64_t clock_cpu_ns(void)
{
	return to_ns(now(CLOCK_PROCESS_CPUTIME_ID));
}

void clock_set_for_test(int64_t us)
{
	atomic_store_explicit(&test_wall_us, us, memory_order_relaxed);
}
