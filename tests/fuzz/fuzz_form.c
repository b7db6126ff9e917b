/* Forms: whatever comes, fields are UTF-8 without NUL within the text, and what is refused says why. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "api/form.h"
#include "api/utf8.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = xalloc(size ? size : 1);
	struct err err = ERR_INIT;
	struct form form;
	int rc;

	if (size)
		memcpy(copy, data, size);
	rc = form_parse(copy, size, &form, &err);
	must(rc == 0 || (err.code == rc && err.message[0] != '\0'));
	must(form.count <= FORM_FIELDS_MAX);
	for (size_t i = 0; i < form.count; i++) {
		struct span value = form.field[i].value;

		must(utf8_valid_prefix(value) == value.len);
		must(value.len == 0 || (value.p >= copy && value.p + value.len <= copy + size));
		must(value.len == 0 || !memchr(value.p, 0, value.len));
	}
	free(copy);
	return 0;
}
