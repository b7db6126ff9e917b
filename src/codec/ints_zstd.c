/*
 * zstd with contexts that a thread keeps: making one costs more than compressing a column. They are freed when the
 * thread ends. Without memory for one, data is stored as it is and reading fails with E_NO_MEMORY.
 */
#include <pthread.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "codec/ints_priv.h"

struct contexts {
	ZSTD_CCtx *c;
	ZSTD_DCtx *d;
};

static pthread_key_t contexts_key;
static pthread_once_t contexts_once = PTHREAD_ONCE_INIT;
static _Thread_local struct contexts *contexts_mine; /* what the key holds, at less cost */

static void free_contexts(void *p)
{
	struct contexts *mine = p;

	ZSTD_freeCCtx(mine->c);
	ZSTD_freeDCtx(mine->d);
	free(mine);
	contexts_mine = NULL;
}

static void make_key(void)
{
	must(pthread_key_create(&contexts_key, free_contexts) == 0);
}

static struct contexts *get_contexts(void)
{
	if (!contexts_mine) {
		must(pthread_once(&contexts_once, make_key) == 0);
		contexts_mine = xalloc(sizeof(*contexts_mine));
		must(pthread_setspecific(contexts_key, contexts_mine) == 0);
	}
	return contexts_mine;
}

/* Without a search the first step from a byte that has no match goes to the end of the data; that would switch off the
 * code as well but for the last parameter (ZSTD_c_literalCompressionMode, by the number zstd keeps for it). */
static bool set_level(ZSTD_CCtx *c, int level)
{
	size_t rc = ZSTD_CCtx_reset(c, ZSTD_reset_session_and_parameters);

	if (level != INTS_ZSTD_CODE)
		return !ZSTD_isError(rc) && !ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level));
	return !ZSTD_isError(rc) && !ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 1)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_strategy, ZSTD_fast)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_minMatch, 7)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_hashLog, 6)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_targetLength, 1 << 17)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_experimentalParam5, 1));
}

size_t ints__zstd_put(struct buf *to, struct span raw, int level)
{
	struct contexts *mine = get_contexts();
	size_t bound = ZSTD_compressBound(raw.len);
	uint8_t *room = buf_room(to, bound);
	size_t len;

	if (!mine->c)
		mine->c = ZSTD_createCCtx();
	if (!room || !mine->c || !set_level(mine->c, level))
		return 0;
	len = ZSTD_compress2(mine->c, room, bound, raw.p, raw.len);
	if (ZSTD_isError(len) || len >= raw.len)
		return 0;
	buf_commit(to, len);
	return len;
}

int ints__zstd_get(struct span frame, uint8_t *to, size_t len, struct err *err)
{
	struct contexts *mine = get_contexts();
	size_t got;

	if (!mine->d)
		mine->d = ZSTD_createDCtx();
	if (!mine->d)
		return err_set(err, E_NO_MEMORY, "no memory to inflate a column");
	got = ZSTD_decompressDCtx(mine->d, to, len, frame.p, frame.len);
	if (ZSTD_isError(got))
		return err_corrupt(err, 0, "a zstd frame does not inflate: %s", ZSTD_getErrorName(got));
	if (got != len)
		return err_corrupt(err, 0, "a zstd frame holds %zu bytes, not %zu", got, len);
	return 0;
}
