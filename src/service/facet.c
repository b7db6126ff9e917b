/* Facets: from what a client wrote to counts. */
#include "query/facet.h"

#include "service/service_priv.h"

static int run(struct service *s, const struct principal *who, const struct search_params *params,
	       const struct field_list *list, struct span fields, uint32_t limit, struct facet_answer *ret,
	       struct err *err)
{
	struct facet_request r = {.fields = list, .limit = limit, .team = s->team};
	struct search_scope scope;
	int rc = service__scope_open(s, who, params, fields, &scope, err);

	if (rc < 0)
		return rc;
	r.query = scope.query;
	r.from_us = scope.from_us;
	r.to_us = scope.to_us;
	rc = facet_run(scope.snapshot, &r, ret, err);
	if (rc == 0 && (rc = service__take_damage(&ret->tally, scope.snapshot, err)) < 0)
		facet_answer_release(ret);
	service__scope_close(&scope);
	return rc;
}

int service_facets(struct service *s, const struct principal *who, const struct search_params *params,
		   struct span fields, uint32_t limit, struct facet_answer *ret, struct err *err)
{
	struct field_list list;
	int rc = field_list_parse(fields, FIELDS_MAX, &list, err);

	if (rc < 0) {
		err_set_field(err, "fields", strlen("fields"));
		return rc;
	}
	rc = run(s, who, params, &list, fields, limit, ret, err);
	field_list_release(&list);
	return rc;
}
