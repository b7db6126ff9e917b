/* Saved searches: checking them, and the org they belong to. */
#include "service/saved_search.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "codec/json_text.h"
#include "service/act.h"
#include "service/service_priv.h"

_Static_assert(SAVED_SEARCH_QUERY_MAX >= QUERY_BYTES_MAX, "every query can be saved");
_Static_assert(SAVED_SEARCH_TIME_MAX >= TIME_TEXT_MAX, "every time can be saved");

static int name_member(enum saved_search_text t, int rc, struct err *err)
{
	err_set_field(err, saved_search_member(t), strlen(saved_search_member(t)));
	return rc;
}

/* ---- checks ---- */

/* Characters of valid UTF-8. */
static size_t count_characters(struct span text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += (text.p[i] & 0xc0) != 0x80;
	return count;
}

static bool has_control(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return true;
	}
	return false;
}

static int check_name(struct span name, struct err *err)
{
	size_t count = count_characters(name);

	if (count >= 1 && count <= SAVED_SEARCH_NAME_MAX && !has_control(name))
		return 0;
	return name_member(SAVED_NAME,
			   err_set(err, E_INVALID, "a saved search has a 'name' of 1 to %u characters in one line",
				   SAVED_SEARCH_NAME_MAX),
			   err);
}

static int check_texts(const struct saved_search *search, struct err *err)
{
	for (int i = 0; i < SAVED_TEXT_COUNT; i++) {
		enum saved_search_text t = (enum saved_search_text)i;
		struct span text = search->text[i];

		if (text.len > saved_search_bytes_max(t))
			return name_member(t,
					   err_set(err, E_TOO_LARGE, "'%s' has more than %zu bytes",
						   saved_search_member(t), saved_search_bytes_max(t)),
					   err);
		if (text.len > 0 && memchr(text.p, 0, text.len))
			return name_member(
				t, err_set(err, E_INVALID, "'%s' holds a NUL character", saved_search_member(t)), err);
	}
	return 0;
}

static int check_query(struct span text, struct err *err)
{
	struct query *query = NULL;
	int rc = query_parse(text, clock_wall_us(), &query, err);

	query_free(query);
	return rc < 0 ? name_member(SAVED_QUERY, rc, err) : 0;
}

static int check(const struct saved_search *search, struct err *err)
{
	const struct search_params range = {.from = search->text[SAVED_FROM], .to = search->text[SAVED_TO]};
	struct search_request ignored;
	int rc;

	if ((rc = check_name(search->text[SAVED_NAME], err)) < 0)
		return rc;
	if ((rc = check_query(search->text[SAVED_QUERY], err)) < 0)
		return rc;
	if ((rc = service__parse_range(&range, clock_wall_us(), &ignored, err)) < 0)
		return rc;
	return check_texts(search, err);
}

/* False when no saved search can have this id. */
static bool take_id(struct span id, char ret[SAVED_SEARCH_ID_LEN + 1])
{
	if (id.len != SAVED_SEARCH_ID_LEN || memchr(id.p, 0, id.len))
		return false;
	memcpy(ret, id.p, SAVED_SEARCH_ID_LEN);
	ret[SAVED_SEARCH_ID_LEN] = '\0';
	return true;
}

static int not_found(struct err *err)
{
	return err_set(err, E_NOT_FOUND, "there is no saved search with this id");
}

/* ---- changes, which are told of before they are made ---- */

enum verb { VERB_CREATE, VERB_REPLACE, VERB_DELETE };

struct change {
	enum verb verb;
	const struct saved_search *search; /* of a deleted one id and org alone */
	int64_t version;
};

static int apply(struct service *s, const struct principal *who, void *user, struct err *err)
{
	const struct change *c = user;

	(void)who;
	switch (c->verb) {
	case VERB_CREATE:
		return control_saved_search_create(s->control, c->search, err);
	case VERB_REPLACE:
		return control_saved_search_replace(s->control, c->search, c->version, err);
	case VERB_DELETE:
		break;
	}
	return control_saved_search_delete(s->control, c->search->org, c->search->id, c->version, err);
}

static void put_event(const struct principal *who, const void *user, struct buf *to)
{
	static const char *const actions[] = {"search.created", "search.changed", "search.removed"};
	const struct change *c = user;

	self_event_begin(to, actions[c->verb], who);
	buf_printf(to, ",\"entity\":{\"id\":\"%s\",\"type\":\"saved_search\"", c->search->id);
	if (c->verb == VERB_DELETE) {
		buf_put_str(to, "}}");
		return;
	}
	buf_put_str(to, ",\"name\":");
	json_text_string(to, c->search->text[SAVED_NAME]);
	buf_put_str(to, "},\"after\":{\"query\":");
	json_text_string(to, c->search->text[SAVED_QUERY]);
	buf_put_str(to, "}}");
}

static int make(struct service *s, const struct principal *who, enum verb verb, const struct saved_search *search,
		int64_t version, struct err *err)
{
	struct change c = {verb, search, version};
	const struct act a = {.apply = apply, .put_event = put_event, .user = &c};

	return service__act(s, who, &a, err);
}

/* ---- calls ---- */

int service_saved_search_create(struct service *s, const struct principal *who, struct saved_search *search,
				struct err *err)
{
	uint8_t id[SAVED_SEARCH_ID_LEN / 2];
	int rc;

	if ((rc = check(search, err)) < 0)
		return rc;
	rand_bytes(id, sizeof(id));
	for (size_t i = 0; i < sizeof(id); i++)
		snprintf(search->id + 2 * i, 3, "%02x", id[i]);
	search->org = who->org->control.id;
	search->version = SAVED_SEARCH_VERSION;
	search->created_us = search->updated_us = clock_wall_us();
	memcpy(search->created_by, who->id, sizeof(search->created_by));
	return make(s, who, VERB_CREATE, search, SAVED_SEARCH_ANY, err);
}

int service_saved_search_get(struct service *s, const struct principal *who, struct span id, struct saved_search *ret,
			     struct err *err)
{
	char text[SAVED_SEARCH_ID_LEN + 1];

	if (!take_id(id, text))
		return not_found(err);
	return control_saved_search_get(s->control, who->org->control.id, text, ret, err);
}

int service_saved_search_list(struct service *s, const struct principal *who, struct saved_search **ret,
			      size_t *ret_count, struct err *err)
{
	return control_saved_search_list(s->control, who->org->control.id, ret, ret_count, err);
}

int service_saved_search_replace(struct service *s, const struct principal *who, struct span id, int64_t version,
				 const struct saved_search *search, struct err *err)
{
	struct saved_search changed = *search;
	int rc;

	if (!take_id(id, changed.id))
		return not_found(err);
	if ((rc = check(search, err)) < 0)
		return rc;
	changed.org = who->org->control.id;
	changed.updated_us = clock_wall_us();
	return make(s, who, VERB_REPLACE, &changed, version, err);
}

int service_saved_search_delete(struct service *s, const struct principal *who, struct span id, int64_t version,
				struct err *err)
{
	struct saved_search removed = {.org = who->org->control.id};

	if (!take_id(id, removed.id))
		return not_found(err);
	return make(s, who, VERB_DELETE, &removed, version, err);
}
