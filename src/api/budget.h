/*
 * How much memory bodies and answers of all requests may hold together. Charged as bytes come, given back when a
 * request ends, so that no number of clients brings the server down.
 */
#ifndef STELE_API_BUDGET_H
#define STELE_API_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct budget {
	_Atomic uint64_t used_bytes;
	uint64_t max_bytes;
};

/* False, and nothing charged, when it would go past the limit. */
static inline bool budget_charge(struct budget *b, uint64_t bytes)
{
	uint64_t before = atomic_fetch_add(&b->used_bytes, bytes);

	if (before + bytes <= b->max_bytes)
		return true;
	atomic_fetch_sub(&b->used_bytes, bytes);
	return false;
}

static inline void budget_return(struct budget *b, uint64_t bytes)
{
	atomic_fetch_sub(&b->used_bytes, bytes);
}

static inline uint64_t budget_used(struct budget *b)
{
	return atomic_load(&b->used_bytes);
}

#endif
