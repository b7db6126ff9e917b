/* Who waits for whom: a count of those that are not there yet, the reader among them. The last one goes on. */
#include "service/reading.h"

#include "service/telling_priv.h"

void reading_init(struct reading *r, void (*done)(struct reading *r))
{
	r->done = done;
	r->open = 1;
	r->rc = 0;
	r->err = (struct err)ERR_INIT;
}

void reading__begin(struct reading *r)
{
	unsigned before = atomic_fetch_add(&r->open, 1);

	must(before > 0);
}

static bool is_last(struct reading *r)
{
	return atomic_fetch_sub(&r->open, 1) == 1;
}

/* The error is there before the count says so. */
void reading__end(struct reading *r, int rc, const struct err *err)
{
	int none = 0;

	if (rc < 0 && atomic_compare_exchange_strong(&r->rc, &none, rc))
		r->err = *err;
	if (is_last(r))
		r->done(r);
}

bool reading_join(struct reading *r)
{
	return is_last(r);
}

int reading_result(const struct reading *r, struct err *err)
{
	if (r->rc < 0 && err)
		*err = r->err;
	return r->rc;
}
