/* Limits and sizes of the store, each with its reason. docs/limits.md has a row for each. */
#ifndef STELE_STORE_LIMITS_H
#define STELE_STORE_LIMITS_H

#define BLOCK_ROWS_MAX     8192u       /* large enough for columns to pay, small enough to decode in a millisecond */
#define SEGMENT_ROWS_MAX   1048576u    /* about a million: a rare value costs one index page a million records */
#define SEGMENT_BLOCKS_MAX 1024u       /* short blocks included; bounds the index's bitmaps */
#define BLOCK_CACHE_BYTES  (64u << 20) /* opened blocks kept for the next search: some hundred */
#define BLOCK_CACHE_SHARE  16u         /* of that for one block at the most, so that one does not push out all others */
#define BLOCK_TEXTS_BYTES_MAX                                                                                          \
	(64u << 20)                     /* texts laid out for searching, of one block; typical ones take half a MiB    \
					 */
#define HEAD_IMAGES_MAX       16u       /* encoded blocks in memory before they become a file: 131,072 records */
#define MERGE_FAN_IN          8u        /* neighbours of one size class that become one */
#define PRUNE_ROWS_MAX        67108864u /* records removed in one step: their hashes, 8 MiB, are in memory meanwhile */
#define SEGMENTS_OPEN_MAX     4096u     /* file handles; beyond it idle ledgers close theirs */
#define HEAD_RAW_BYTES_MAX    (96u << 20)  /* raw records waiting for encoding, all ledgers: appends wait beyond it */
#define JOURNAL_FILE_BYTES    (64u << 20)  /* one journal file */
#define JOURNAL_RESERVE_STEPS 16u          /* its space is reserved in so many steps: an idle journal takes little */
#define JOURNAL_BYTES_MAX     (512u << 20) /* beyond it the ledgers that hold the oldest file are sealed */
#define HEAD_NOTE_MAX         (64u << 10)  /* a signed checkpoint, with the signatures of some witnesses */
#define JOURNAL_FRAME_MAX     (288u << 20) /* a frame: the largest body inflated (256 MiB) and room for ids and headers */
#define IDEMPOTENCY_HOURS     24
#define IDEMPOTENCY_KEYS_MAX  1000000u /* remembered per node; the oldest go first */
#define IDEMPOTENCY_KEY_MAX   255u     /* bytes of the header's value */

#endif
