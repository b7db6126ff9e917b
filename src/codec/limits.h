/* Limits of the record format, each with its reason. docs/limits.md has a row for each, the tests a case at and past
 * it. */
#ifndef STELE_CODEC_LIMITS_H
#define STELE_CODEC_LIMITS_H

#define RECORD_BYTES_MAX  65535u /* an entry of a C2SP tlog-tiles bundle has a 16-bit length */
#define RECORD_DEPTH_MAX  16u    /* deeper than any real audit record seen (11); bounds recursion */
#define RECORD_VALUES_MAX 512u   /* scalars and empty containers in a record; bounds columns per shape */
#define RECORD_KEY_MAX    128u   /* bytes of one member name */
#define EVENT_BYTES_MAX                                                                                                \
	(1u << 20) /* of one event as sent, white space and escapes included; bounds a parser's memory */

/* Of a value before or after that a Keepnet row tells in a string: more is kept as text only, since an event has other
 * members too, and the text itself. */
#define KEEPNET_APART_BYTES_MAX  16384u
#define KEEPNET_APART_VALUES_MAX 200u
#define KEEPNET_DEPTH_MAX        64u /* of such a value: nothing real is deeper; bounds recursion */

#define TIME_TEXT_MAX      64u     /* bytes of a time as a client writes it */
#define TIME_SPAN_DAYS_MAX 3652059 /* "now-…" reaches as far as years 0001 to 9999 do */

#endif
