/* Which dialect a path belongs to. The table is short, so it is walked. */
#include "api/dialect.h"

#include <string.h>

static const struct {
	const char *prefixes;
	void (*put_error)(struct reply *r, const struct err *err);
} dialects[] = {
#define DIALECT(name, prefixes, put_error) [DIALECT_##name] = {prefixes, put_error},
#include "api/dialect.tbl"
#undef DIALECT
};

/* The length of the longest of the prefixes that `path` begins with. */
static size_t longest_prefix(const char *prefixes, const char *path)
{
	size_t longest = 0;

	while (*prefixes != '\0') {
		size_t len = strcspn(prefixes, " ");

		if (len > longest && strncmp(path, prefixes, len) == 0)
			longest = len;
		prefixes += len;
		prefixes += strspn(prefixes, " ");
	}
	return longest;
}

enum dialect dialect_of(const char *path)
{
	enum dialect found = DIALECT_NATIVE;
	size_t longest = 0;

	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
		size_t len = longest_prefix(dialects[i].prefixes, path);

		if (len > longest) {
			longest = len;
			found = (enum dialect)i;
		}
	}
	return found;
}

void dialect_error(enum dialect d, struct reply *r, const struct err *err)
{
	dialects[d].put_error(r, err);
}
