/* Limits of what comes from outside and is checked here, each with its reason. docs/limits.md has a row for each. */
#ifndef STELE_CRYPTO_LIMITS_H
#define STELE_CRYPTO_LIMITS_H

#define NOTE_BYTES_MAX           (1u << 20) /* of a signed note: what other verifiers take */
#define NOTE_NAME_MAX            255u       /* bytes of a key's name: a host, and a path of ours */
#define NOTE_SIGNATURES_MAX      64u        /* of a note; C2SP asks for 16 at least */
#define NOTE_SIGNATURE_BYTES_MAX 8192u      /* of one; post-quantum ones have some 5,000 */

#define TLOG_PROOF_BYTES_MAX  (NOTE_BYTES_MAX + (64u << 10)) /* the longest checkpoint, 64 hashes, and extra data */
#define RANGE_PROOF_BYTES_MAX (16u << 10)                    /* 190 hashes in base64 take half of it */

/* What the parameters of a stored password hash may ask for: a damaged one must not take all memory. */
#define SCRYPT_LOG_N_MAX 18u /* with r = 8: 256 MiB */
#define SCRYPT_R_MAX     8u
#define SCRYPT_P_MAX     4u

#endif
