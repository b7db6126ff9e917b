/* What the system says of this process. */
#ifndef STELE_API_PROCESS_H
#define STELE_API_PROCESS_H

#include <stdint.h>

uint64_t process_resident_bytes(void); /* 0 where the system does not say */

#endif
