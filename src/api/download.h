/* Sending the file of an export job, for all who have a path for it. */
#ifndef STELE_API_DOWNLOAD_H
#define STELE_API_DOWNLOAD_H

#include "api/request.h"

/* Answers with the file of the job, all or the part that is asked for, or with an error. */
enum handled download_answer(struct request *r, struct span id);

#endif
