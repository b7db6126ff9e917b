/* What of the journal is still needed, and reading that once more from the disk. */
#include "store/journal_priv.h"

#include <fcntl.h>
#include <inttypes.h>

/* The oldest file, unless it is the current one. */
static struct journal_file *oldest_closed(struct journal *j)
{
	struct journal_file *f;

	mutex_lock(&j->mutex);
	f = j->oldest == j->newest ? NULL : j->oldest;
	mutex_unlock(&j->mutex);
	return f;
}

static void forget_oldest(struct journal *j)
{
	struct journal_file *f;

	mutex_lock(&j->mutex);
	f = j->oldest;
	j->oldest = f->newer;
	mutex_unlock(&j->mutex);
	atomic_fetch_sub(&j->bytes, f->size);
	journal__file_free(f);
}

int journal_trim(struct journal *j, journal_sealed_fn *sealed, journal_carry_fn *carry, void *user, struct err *err)
{
	struct journal_file *f;
	int rc = 0;

	mutex_lock(&j->trim_mutex);
	while ((f = oldest_closed(j)) && journal__marks_are_sealed(&f->marks, sealed, user)) {
		if ((f->marks.has_keys || f->marks.has_heads) && (rc = carry(user, f->next, err)) < 0)
			break;
		rc = journal__file_delete(j->io, j->folder, f, err);
		if (rc < 0)
			break;
		forget_oldest(j);
	}
	mutex_unlock(&j->trim_mutex);
	return rc;
}

size_t journal_oldest(struct journal *j, journal_sealed_fn *sealed, void *user, uint32_t *ret_ledgers, size_t max)
{
	struct journal_file *f;
	size_t n = 0;

	mutex_lock(&j->trim_mutex);
	f = oldest_closed(j);
	if (f)
		n = journal__marks_unsealed(&f->marks, sealed, user, ret_ledgers, max);
	mutex_unlock(&j->trim_mutex);
	return n;
}

/* What of a file is read. */
struct extent {
	struct journal_header header;
	uint64_t end; /* one past its last frame */
};

static int walk_file(struct journal *j, const struct extent *x, journal_replay_fn *fn, void *user, struct err *err)
{
	struct journal_scan s;
	int rc = journal__scan_open(j->io, j->folder, x->header.number, O_RDONLY, &s, err);

	if (rc < 0)
		return rc;
	rc = journal__scan_begin(&s, &x->header, j->is_encrypted ? &j->key : NULL, err);
	if (rc == 0)
		rc = journal__scan(&s, x->end, NULL, fn, user, err);
	if (rc == 0 && s.next != x->end) {
		err_set_field(err, s.path, strlen(s.path));
		rc = err_corrupt(err, (int64_t)s.off, "%s: frame %" PRIu64 " at offset %" PRIu64 " is damaged", s.path,
				 s.next, s.off);
	}
	journal__scan_close(&s);
	return rc;
}

int journal_walk(struct journal *j, journal_replay_fn *fn, void *user, struct err *err)
{
	const struct journal_file *f;
	int rc = 0;

	mutex_lock(&j->trim_mutex); /* so that no file goes */
	mutex_lock(&j->mutex);
	f = j->oldest;
	mutex_unlock(&j->mutex);
	while (f && rc == 0) {
		struct extent x;

		mutex_lock(&j->mutex);
		x = (struct extent){f->header, f->next};
		mutex_unlock(&j->mutex);
		if (!f->is_going)
			rc = walk_file(j, &x, fn, user, err);
		mutex_lock(&j->mutex);
		f = f->newer;
		mutex_unlock(&j->mutex);
	}
	mutex_unlock(&j->trim_mutex);
	return rc;
}

/* The first file behind `number`; false when there is none. */
static bool find_behind(struct journal *j, uint64_t number, struct extent *ret)
{
	const struct journal_file *f;

	mutex_lock(&j->mutex);
	for (f = j->oldest; f && f->header.number <= number; f = f->newer)
		continue;
	if (f)
		*ret = (struct extent){f->header, f->next};
	mutex_unlock(&j->mutex);
	return f != NULL;
}

/* Whether a file must be there: not one that trimming deletes just now. */
static bool is_needed(struct journal *j, uint64_t number)
{
	const struct journal_file *f;
	bool is_there;

	mutex_lock(&j->trim_mutex);
	mutex_lock(&j->mutex);
	for (f = j->oldest; f && f->header.number != number; f = f->newer)
		continue;
	is_there = f && !f->is_going;
	mutex_unlock(&j->mutex);
	mutex_unlock(&j->trim_mutex);
	return is_there;
}

int journal_walk_next(struct journal *j, uint64_t *number, bool *ret_is_end, journal_replay_fn *fn, void *user,
		      struct err *err)
{
	struct err why = ERR_INIT;
	struct extent x;
	int rc;

	*ret_is_end = !find_behind(j, *number, &x);
	if (*ret_is_end)
		return 0;
	*number = x.header.number;
	rc = walk_file(j, &x, fn, user, &why);
	if (rc == E_NOT_FOUND && !is_needed(j, x.header.number))
		return 0;
	if (rc < 0 && err)
		*err = why;
	return rc;
}
