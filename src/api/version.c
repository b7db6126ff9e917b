/* Versions: numbers in quotes. */
#include "api/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 18 /* of a number that fits */

static int refuse(struct err *err)
{
	err_set_field(err, MHD_HTTP_HEADER_IF_MATCH, strlen(MHD_HTTP_HEADER_IF_MATCH));
	return err_set(err, E_INVALID,
		       "If-Match is not an ETag of this resource; give the one that came with it, or '*'");
}

int version_take(struct request *r, int64_t *ret, struct err *err)
{
	const char *text = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_MATCH);
	size_t digits;

	*ret = VERSION_ANY;
	if (!text || strcmp(text, "*") == 0)
		return 0;
	if (text[0] != '"')
		return refuse(err);
	digits = strspn(text + 1, "0123456789");
	if (digits == 0 || digits > DIGITS_MAX || text[1] == '0' || strcmp(text + 1 + digits, "\"") != 0)
		return refuse(err);
	*ret = strtoll(text + 1, NULL, 10);
	return 0;
}

void version_put(struct reply *reply, int64_t version)
{
	snprintf(reply->etag, sizeof(reply->etag), "\"%" PRId64 "\"", version);
}
