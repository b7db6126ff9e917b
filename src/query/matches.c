/* Matches of a piece. */
#include "query/matches_priv.h"

#include "base/mem.h"

int matches_find(struct matches *m, struct scanner *x, const struct piece *p, uint32_t from, uint32_t to,
		 bool oldest_first, struct err *err)
{
	int rc;

	m->piece = *p;
	m->oldest_first = oldest_first;
	m->count = 0;
	m->taken = 0;
	m->at = 0;
	buf_reset(&m->records);
	rc = scanner__match(x, p, from, to, &m->rows, err);
	if (rc < 0)
		matches_forget(m);
	return rc;
}

static uint32_t take_row(const struct matches *m, struct row_set *rows)
{
	uint32_t row = m->oldest_first ? row_set_first(rows) : row_set_last(rows);

	row_set_remove(rows, row);
	return row;
}

int matches_rebuild(struct matches *m, struct scanner *x, uint32_t count_max, size_t bytes_max, struct err *err)
{
	struct row_set rows = m->rows;
	uint32_t wanted = row_set_count(&rows);
	uint32_t *len;
	int rc = 0;

	if (wanted > count_max)
		wanted = count_max;
	len = try_realloc(m->len, (wanted + 1) * sizeof(*len));
	if (!len)
		return err_set(err, E_NO_MEMORY, "not enough memory for the page; ask for a smaller limit");
	m->len = len;
	while (m->count < wanted && m->records.len < bytes_max && rc == 0) {
		size_t start = m->records.len;

		rc = scanner__record(x, &m->piece, take_row(m, &rows), &m->records, err);
		if (rc == 0)
			m->len[m->count++] = (uint32_t)(m->records.len - start);
	}
	if (rc < 0)
		matches_forget(m);
	return rc;
}

int matches_take(struct matches *m, struct scanner *x, struct buf *to, uint64_t *ret_index, struct err *err)
{
	uint32_t row = take_row(m, &m->rows);
	int rc = 0;

	if (m->taken < m->count) {
		buf_put(to, m->records.p + m->at, m->len[m->taken]);
		m->at += m->len[m->taken++];
	} else {
		rc = scanner__record(x, &m->piece, row, to, err);
	}
	*ret_index = m->piece.first + row;
	return rc;
}

void matches_forget(struct matches *m)
{
	memset(&m->rows, 0, sizeof(m->rows));
	m->count = 0;
	m->taken = 0;
}

void matches_release(struct matches *m)
{
	buf_release(&m->records);
	free(m->len);
	memset(m, 0, sizeof(*m));
}
