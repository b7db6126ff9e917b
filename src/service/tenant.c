/* The org of who asks. */
#include "service/tenant.h"

#include <string.h>

#include "service/service_priv.h"

int64_t tenant_id(const struct principal *who)
{
	return who->org->control.id;
}

int tenant_get(struct service *s, const struct principal *who, struct control_org *ret, struct err *err)
{
	return control_org_get(s->control, who->org->control.id, ret, err);
}

static int find(struct service *s, struct span org_key, struct err *err)
{
	struct control_org other;
	char name[ORG_KEY_MAX + 1] = "";

	if (org_key.len <= ORG_KEY_MAX && (org_key.len == 0 || !memchr(org_key.p, 0, org_key.len)))
		memcpy(name, org_key.p, org_key.len);
	return control_org_find(s->control, name, &other, err);
}

int tenant_check(struct service *s, const struct principal *who, struct span org_key, struct err *err)
{
	if (span_eq_str(org_key, who->org->control.org_key))
		return 0;
	if ((who->permissions & PERMISSION_ORGS) && find(s, org_key, NULL) == E_NOT_FOUND)
		return err_set(err, E_NOT_FOUND, "there is no company '%.*s'",
			       (int)(org_key.len < ORG_KEY_MAX ? org_key.len : ORG_KEY_MAX), (const char *)org_key.p);
	return err_set(err, E_FORBIDDEN, "this company is not that of your credentials, which is '%s'",
		       who->org->control.org_key);
}
