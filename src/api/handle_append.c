/* POST /v1/events. */
#include "api/append.h"
#include "api/handler.h"

enum handled handle_append(struct request *r)
{
	return append_run(r, NULL, append_answer);
}
