/* What the files of verification share. */
#ifndef STELE_SERVICE_VERIFICATION_PRIV_H
#define STELE_SERVICE_VERIFICATION_PRIV_H

#include "base/thread.h"
#include "service/verification.h"

struct verification {
	uint64_t rate_bytes; /* a second */
	int64_t every_us;
	struct mutex mutex; /* guards what follows; a leaf */
	struct cond changed;
	struct control_verification state;
	uint64_t faults;
	uint64_t bytes_total;
	bool is_closing;

	struct thread thread; /* and what is the thread's alone */
	bool has_thread;
	int64_t piece_ns; /* when the piece at hand was begun */
	int64_t kept_ns;  /* when the state was written down */
};

/* Takes up the pass under way, or begins one, and brings it to its end. E_CLOSED, E_NO_MEMORY, … */
int verification__pass(struct service *s, struct err *err) __attribute__((warn_unused_result));

/* Waits; false once the service closes. */
bool verification__sleep(struct verification *v, int64_t us);

/* Counts the faults that are known. */
int verification__count(struct service *s, struct err *err) __attribute__((warn_unused_result));

#endif
