/* One walk over a record. */
#include "codec/record_view.h"

#include "codec/record_path.h"
#include "codec/record_priv.h"

void record_view_of(struct span record, struct record_view *ret)
{
	struct record_items it = record_items_of(record);
	struct span name, json;
	int at;

	*ret = (struct record_view){0};
	while (record_items_next(&it, &name, &json)) {
		at = record__member_find(name);
		if (at >= 0)
			ret->member[at] = json;
	}
}

bool record_view_find(struct span object, const char *name, struct span *ret_json)
{
	struct record_items it = record_items_of(object);
	struct span found, json, wanted = span_str(name);

	while (record_items_next(&it, &found, &json)) {
		if (!span_eq(found, wanted))
			continue;
		*ret_json = json;
		return json.p[0] != 'n';
	}
	return false;
}
