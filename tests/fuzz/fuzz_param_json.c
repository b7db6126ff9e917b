/*
 * Parameters as a JSON body: whatever comes, what is taken is UTF-8 under a known name, and what is refused says why
 * and where.
 */
#include <stddef.h>
#include <stdint.h>

#include "api/param_json.h"
#include "api/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint64_t allowed =
		PARAM_BIT(QUERY) | PARAM_BIT(LIMIT) | PARAM_BIT(EXPLAIN) | PARAM_BIT(NAME) | PARAM_BIT(NETWORKS);
	struct params params = {0};
	struct err err = ERR_INIT;
	yyjson_doc *doc = NULL;
	int rc = param_add_json(&params, allowed, span_of(data, size), &doc, &err);

	must(rc == 0 || (err.code == rc && err.message[0] != '\0'));
	must(rc != E_SYNTAX || (err.offset >= 0 && (uint64_t)err.offset <= size));
	must((params.given & ~allowed) == 0);
	for (int i = 0; i < PARAM_COUNT; i++) {
		must(param_is_given(&params, (enum param)i) || !params.value[i].p);
		must(utf8_valid_prefix(params.value[i]) == params.value[i].len);
	}
	yyjson_doc_free(doc);
	return 0;
}
