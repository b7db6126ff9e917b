/*
 * A disk in memory behind struct io, for tests: it fails calls on demand, runs full, and loses power.
 *
 * What survives a power loss is what a file system owes its user, and no more:
 *  - Content: each call that changes a file since its last successful sync is kept, dropped or torn at sectors of 512
 *    bytes, as the rng says. A sector shows one of the states it was in since then, so a later write to a sector brings
 *    the earlier ones to it along. Sizes set by truncate, allocate or a write past the end take effect up to some point
 *    in the order they were set, whatever became of the bytes. What was never written reads as 0.
 *  - Names: each creation, rename, removal and mkdir not followed by sync_folder of its folder is kept or dropped. A
 *    kept rename brings the earlier changes of that file's name along and never touches its content: without a sync
 *    before it, the new name may show an empty or torn file. A sync of the file does not keep its name. A name is
 *    lost with its folder.
 *  - A failed sync leaves each of the file's unsynced sectors on the disk or not, and forgets that they were not: a
 *    later sync returns 0 without writing them, as Linux does, while reads still show them.
 *
 * Recipe for "dies at call n": simdisk_fail {.nth = n, .persists = true}, run, simdisk_crash, open again, check; from n
 * = 1 until a run ends with simdisk_failed false. Once with .done, once without.
 *
 * Paths are "/a/b" or "a/b", which is the same; "/" is there from the start; ".." is not supported, nor are renames of
 * folders. Thread-safe by one mutex, but for simdisk_bytes, whose result is borrowed from the file. A file descriptor
 * is never given out twice; closing one twice aborts; after a power loss all are invalid (-EBADF) and all locks free.
 * Permission bits are kept and not checked; symbolic links and times do not exist.
 */
#ifndef STELE_TESTS_SIMDISK_H
#define STELE_TESTS_SIMDISK_H

#include "base/io.h"
#include "base/rand.h"
#include "base/span.h"

struct simdisk;

/* The seed decides short counts and failed syncs. simdisk_free takes NULL. */
struct simdisk *simdisk_new(uint64_t seed);
void simdisk_free(struct simdisk *sd);

/* The same disk once more, with what is unsynced; nothing is open on the copy, and no fault is set. */
struct simdisk *simdisk_copy(struct simdisk *sd);

/* The table to hand to the code under test; lives as long as the disk. */
struct io *simdisk_io(struct simdisk *sd);

/* Kinds of calls, for counting and failing some of them. */
enum simdisk_call {
	SIMDISK_OPEN = 1 << 0,
	SIMDISK_CLOSE = 1 << 1,
	SIMDISK_PREAD = 1 << 2,
	SIMDISK_PWRITE = 1 << 3,
	SIMDISK_ALLOCATE = 1 << 4,
	SIMDISK_TRUNCATE = 1 << 5,
	SIMDISK_SYNC = 1 << 6,
	SIMDISK_SYNC_FOLDER = 1 << 7,
	SIMDISK_RENAME = 1 << 8,
	SIMDISK_UNLINK = 1 << 9,
	SIMDISK_MKDIR = 1 << 10,
	SIMDISK_LIST = 1 << 11,
	SIMDISK_STAT = 1 << 12,
	SIMDISK_LOCK = 1 << 13,
	SIMDISK_FREE_BYTES = 1 << 14,
	SIMDISK_ALL = (1 << 15) - 1,
	/* The calls that change what is on the disk. */
	SIMDISK_CHANGES = SIMDISK_OPEN | SIMDISK_PWRITE | SIMDISK_ALLOCATE | SIMDISK_TRUNCATE | SIMDISK_SYNC |
			  SIMDISK_SYNC_FOLDER | SIMDISK_RENAME | SIMDISK_UNLINK | SIMDISK_MKDIR
};

/* Calls made since the disk is there, of the kinds in the mask, failed ones included. */
uint64_t simdisk_calls(struct simdisk *sd, unsigned kinds);

struct simdisk_fault {
	uint64_t nth;   /* which call fails, counted from now: 1 is the next one of these kinds */
	unsigned kinds; /* mask; 0 is all */
	bool done;      /* the call takes effect all the same (a read or an open still yields nothing) */
	bool persists;  /* all calls of these kinds from then on fail too */
	int error;      /* positive errno value; 0 is EIO */
};

/* Sets the fault, in place of an earlier one. A close gives the descriptor back even when it fails. */
void simdisk_fail(struct simdisk *sd, struct simdisk_fault fault);

/* True when the fault has struck since it was set. */
bool simdisk_failed(struct simdisk *sd);

/* No call fails any more. */
void simdisk_heal(struct simdisk *sd);

/* All files together may have so many bytes; growing beyond yields short writes, then -ENOSPC. UINT64_MAX: no limit,
 * as it is at first. */
void simdisk_set_capacity(struct simdisk *sd, uint64_t bytes);

/* One in `one_in` reads and writes of more than a byte is cut short; 0: none, as it is at first. */
void simdisk_set_short(struct simdisk *sd, unsigned one_in);

/* A sync takes so long, without holding up other calls, and covers what was written before it began. */
void simdisk_set_sync_delay(struct simdisk *sd, uint64_t us);

/* Power off and on: the disk is now in one of the states allowed above, chosen by the rng; faults are gone. */
void simdisk_crash(struct simdisk *sd, struct rng *rng);

/* Descriptors open now: a test ends with 0. */
size_t simdisk_open_count(struct simdisk *sd);

/* True when the file's name and all of its content would survive a power loss now. */
bool simdisk_is_durable(struct simdisk *sd, const char *path);

/* Looks at and damages files behind the io's back, durably. The file must be there (simdisk_put makes it, and its
 * folders). The span is borrowed until the next change of the file. */
struct span simdisk_bytes(struct simdisk *sd, const char *path);
bool simdisk_exists(struct simdisk *sd, const char *path);
void simdisk_put(struct simdisk *sd, const char *path, struct span bytes);
void simdisk_flip_bit(struct simdisk *sd, const char *path, uint64_t byte_off, unsigned bit);
void simdisk_cut(struct simdisk *sd, const char *path, uint64_t size);
void simdisk_remove(struct simdisk *sd, const char *path);

/* Every file (no folders), in the order of their paths. The paths are borrowed during the call. */
typedef void simdisk_file_fn(void *user, const char *path, uint64_t size_bytes);
void simdisk_each(struct simdisk *sd, simdisk_file_fn *fn, void *user);

#endif
