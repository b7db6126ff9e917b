/* GET /v1/me: who a credential belongs to and what it may do. */
#include "api/handler.h"
#include "api/request.h"
#include "api/utf8.h"

static void put_permissions(uint32_t permissions, struct buf *to)
{
	const char *separator = "";

	for (size_t i = 0; i < permission_info_count; i++) {
		if ((permissions & permission_infos[i].permission) == 0)
			continue;
		buf_printf(to, "%s\"%s\"", separator, permission_infos[i].name);
		separator = ",";
	}
}

enum handled handle_me(struct request *r)
{
	static const char *const kinds[] = {[PRINCIPAL_KEY] = "api_key", [PRINCIPAL_USER] = "user"};
	const struct principal *who = &r->who;
	struct buf *to = &r->reply.body;

	reply_json(&r->reply, 200);
	buf_printf(to, "{\"type\":\"%s\",\"id\":\"%s\",\"name\":", kinds[who->kind], who->id);
	utf8_put_json(to, span_str(who->name));
	buf_put_str(to, ",\"org\":");
	utf8_put_json(to, span_str(principal_org_key(who)));
	buf_put_str(to, ",\"permissions\":[");
	put_permissions(who->permissions, to);
	buf_printf(to, "],\"narrowed\":%s,\"way\":\"%s\",\"ip\":", who->narrow ? "true" : "false",
		   credential_way_name(r->way));
	utf8_put_json(to, who->caller.ip);
	buf_put_str(to, "}\n");
	return HANDLED_NOW;
}
