/* What an answer that counts was counted over, and what could not be read. */
#ifndef STELE_QUERY_TALLY_H
#define STELE_QUERY_TALLY_H

#include "query/gap.h"

struct tally {
	uint64_t total;       /* records that match */
	bool total_exact;     /* else some could not be read, and there may be more */
	struct gap_list gaps; /* records that could not be read and were left out */
	struct err damage;    /* the first fault met; code 0: none */
};

#define TALLY_INIT                                                                                                     \
	{                                                                                                              \
		0, false, {NULL, 0}, ERR_INIT                                                                          \
	}

#endif
