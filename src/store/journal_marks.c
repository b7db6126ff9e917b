/* What a journal file holds of which ledger: a small hash table from ledger to one past its last record there. */
#include "store/journal_priv.h"

#include "base/mem.h"

#define CAP_FIRST 16u

/* Its place, or the free one where it would be. */
static struct journal_mark *find_mark(struct journal_mark *v, size_t cap, uint32_t ledger)
{
	size_t i = (ledger * 2654435761u) & (cap - 1); /* Knuth's multiplicative hashing */

	while (v[i].next && v[i].ledger != ledger)
		i = (i + 1) & (cap - 1);
	return &v[i];
}

static void grow(struct journal_marks *m)
{
	size_t cap = m->cap ? 2 * m->cap : CAP_FIRST;
	struct journal_mark *v = xarray(cap, sizeof(*v));

	for (size_t i = 0; i < m->cap; i++) {
		if (m->v[i].next)
			*find_mark(v, cap, m->v[i].ledger) = m->v[i];
	}
	free(m->v);
	m->v = v;
	m->cap = cap;
}

void journal__marks_note(struct journal_marks *m, const struct journal_frame *f)
{
	struct journal_mark *mark;

	if (f->has_idempotency || f->kind == JOURNAL_IDEMPOTENCY)
		m->has_keys = true;
	if (f->kind == JOURNAL_CHECKPOINTS)
		m->has_heads = true;
	if (f->kind != JOURNAL_RECORDS || f->count == 0)
		return;
	if (4 * (m->count + 1) > 3 * m->cap)
		grow(m);
	mark = find_mark(m->v, m->cap, f->ledger);
	if (!mark->next)
		m->count++;
	mark->ledger = f->ledger;
	mark->next = f->first + f->count;
}

void journal__marks_release(struct journal_marks *m)
{
	free(m->v);
	*m = (struct journal_marks){0};
}

bool journal__marks_are_sealed(const struct journal_marks *m, journal_sealed_fn *sealed, void *user)
{
	for (size_t i = 0; i < m->cap; i++) {
		if (m->v[i].next > 0 && m->v[i].next > sealed(user, m->v[i].ledger))
			return false;
	}
	return true;
}

size_t journal__marks_unsealed(const struct journal_marks *m, journal_sealed_fn *sealed, void *user,
			       uint32_t *ret_ledgers, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < m->cap && n < max; i++) {
		if (m->v[i].next > 0 && m->v[i].next > sealed(user, m->v[i].ledger))
			ret_ledgers[n++] = m->v[i].ledger;
	}
	return n;
}
