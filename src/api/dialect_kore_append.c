/* POST /api/public/auditlogs: rows of either interface come in; the vendor has no such call. */
#include "api/append.h"
#include "api/dialect_kore.h"
#include "api/handler.h"

enum handled handle_kore_append(struct request *r)
{
	struct append_rows rows = {.format = ROW_FORMAT_KORE};
	char account[KORE_ACCOUNT_LEN + 1];

	kore__account_id(&r->who, account);
	rows.given.text[KORE_ACCOUNT_ID] = span_str(account);
	return append_run(r, &rows, append_answer);
}
