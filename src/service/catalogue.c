/* Catalogues: kept in memory once they were asked for, and changed with an event that tells of it. */
#include "service/catalogue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/record_path.h"
#include "codec/shape.h"
#include "codec/timestamp.h"
#include "control/catalogue.h"
#include "service/act.h"
#include "service/catalogue_priv.h"
#include "service/service_priv.h"

void catalogue_release(struct catalogue *c)
{
	if (!c || --c->refs > 0)
		return;
	for (size_t i = 0; i < c->entity_count; i++)
		free(c->entities[i].actions.text);
	free(c->entities);
	free(c->actions.text);
	buf_release(&c->memory);
	free(c);
}

/* ---- in memory ---- */

/* Reads the org's catalogue from control.db. */
static int load(struct service *s, int64_t org, struct catalogue **ret, struct err *err)
{
	struct control_catalogue row;
	struct buf text = BUF_INIT;
	int rc = control_catalogue_get(s->control, org, &row, &text, err);

	if (rc == 0)
		rc = catalogue__parse(row.version ? buf_span(&text) : SPAN_LIT("{}"), ret, err);
	if (rc == 0) {
		(*ret)->org = org;
		(*ret)->version = row.version;
	}
	buf_release(&text);
	return rc < 0 && rc != E_NO_MEMORY ? E_CORRUPT : rc;
}

static struct catalogue **bucket_of(struct service *s, int64_t org)
{
	return &s->catalogues[(uint64_t)org % CATALOGUE_BUCKETS];
}

static int find(struct service *s, int64_t org, struct catalogue **ret, struct err *err)
{
	struct catalogue **bucket = bucket_of(s, org);
	struct catalogue *c;
	int rc = 0;

	mutex_lock(&s->catalogue_mu);
	for (c = *bucket; c && c->org != org; c = c->next)
		;
	if (!c && (rc = load(s, org, &c, err)) == 0) {
		c->next = *bucket;
		*bucket = c;
	}
	if (rc == 0) {
		c->refs++;
		*ret = c;
	}
	mutex_unlock(&s->catalogue_mu);
	return rc;
}

/* Has the org's catalogue read again when it is next asked for. */
static void forget(struct service *s, int64_t org)
{
	mutex_lock(&s->catalogue_mu);
	for (struct catalogue **at = bucket_of(s, org); *at; at = &(*at)->next) {
		struct catalogue *c = *at;

		if (c->org != org)
			continue;
		*at = c->next;
		catalogue_release(c);
		break;
	}
	mutex_unlock(&s->catalogue_mu);
}

void service__catalogues_close(struct service *s)
{
	for (size_t i = 0; i < CATALOGUE_BUCKETS; i++) {
		while (s->catalogues[i]) {
			struct catalogue *c = s->catalogues[i];

			s->catalogues[i] = c->next;
			catalogue_release(c);
		}
	}
}

/* ---- changing ---- */

struct change {
	const struct catalogue *after;
	int64_t version; /* asked for */
	struct control_catalogue row;
	struct buf before; /* texts, for the event */
	struct buf text;
};

static int apply(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct change *c = user;
	struct control_catalogue now;
	int rc;

	buf_reset(&c->before);
	if ((rc = control_catalogue_get(s->control, who->org->control.id, &now, &c->before, err)) < 0)
		return rc;
	if (c->version != CATALOGUE_ANY && c->version != now.version)
		return err_set(err, E_CHANGED, "the catalogue has version %" PRId64 " now; get it, and change that",
			       now.version);
	c->row = (struct control_catalogue){.org = now.org, .version = now.version + 1, .updated_us = clock_wall_us()};
	memcpy(c->row.updated_by, who->id, sizeof(c->row.updated_by));
	return control_catalogue_set(s->control, &c->row, buf_span(&c->text), err);
}

static void put_sha256(struct buf *to, struct span text)
{
	struct digest *digest = digest_new();
	struct sha256 hash;

	digest_sha256(digest, text, &hash);
	digest_free(digest);
	for (size_t i = 0; i < SHA256_LEN; i++)
		buf_printf(to, "%02x", hash.b[i]);
}

/* A catalogue may be larger than an event: the event tells its hash, and how much there is in it. */
static void put_event(const struct principal *who, const void *user, struct buf *to)
{
	const struct change *c = user;

	self_event_begin(to, "catalogue.changed", who);
	buf_printf(to,
		   ",\"entity\":{\"type\":\"catalogue\"},\"after\":{\"version\":%" PRId64
		   ",\"strict\":%s,\"entities\":%zu,\"sha256\":\"",
		   c->row.version, c->after->is_strict ? "true" : "false", c->after->entity_count);
	put_sha256(to, buf_span(&c->text));
	buf_printf(to, "\"},\"before\":{\"version\":%" PRId64 ",\"sha256\":\"", c->row.version - 1);
	put_sha256(to, buf_span(&c->before));
	buf_put_str(to, "\"}}");
}

int service_catalogue_put(struct service *s, const struct principal *who, struct span json, int64_t version,
			  struct err *err)
{
	struct change change = {.version = version};
	const struct act act = {apply, put_event, &change};
	struct catalogue *after = NULL;
	int rc = catalogue__parse(json, &after, err);

	if (rc < 0)
		return rc;
	change.after = after;
	catalogue__print(after, &change.text);
	buf_put_u8(&change.text, '}');
	rc = buf_ok(&change.text) ? service__act(s, who, &act, err)
				  : err_set(err, E_NO_MEMORY, "not enough memory for a catalogue");
	forget(s, who->org->control.id);
	catalogue_release(after);
	buf_release(&change.before);
	buf_release(&change.text);
	return rc;
}

/* ---- reading ---- */

static void put_change(const struct control_catalogue *row, struct buf *to)
{
	uint8_t text[TIMESTAMP_LEN];

	buf_printf(to, ",\"version\":%" PRId64, row->version);
	if (row->version == 0)
		return;
	timestamp_format(row->updated_us, text);
	buf_printf(to, ",\"updated\":\"%.*s\",\"updated_by\":", TIMESTAMP_LEN, (const char *)text);
	json_text_string(to, span_str(row->updated_by));
}

int service_catalogue_get(struct service *s, const struct principal *who, struct buf *to, int64_t *ret_version,
			  struct err *err)
{
	struct control_catalogue row;
	struct catalogue *c = NULL;
	struct buf text = BUF_INIT;
	int rc = control_catalogue_get(s->control, who->org->control.id, &row, &text, err);

	if (rc == 0)
		rc = catalogue__parse(row.version ? buf_span(&text) : SPAN_LIT("{}"), &c, err);
	if (rc == 0) {
		catalogue__print(c, to);
		put_change(&row, to);
		buf_put_str(to, "}\n");
		*ret_version = row.version;
		catalogue_release(c);
	}
	buf_release(&text);
	return rc;
}

int service_catalogue_strict(struct service *s, const struct org *org, struct catalogue **ret, struct err *err)
{
	int rc = find(s, org->control.id, ret, err);

	if (rc == 0 && !(*ret)->is_strict) {
		catalogue_release(*ret);
		*ret = NULL;
	}
	return rc;
}

/* ---- checking ---- */

static int compare_text(const void *key, const void *item)
{
	return span_cmp(*(const struct span *)key, *(const struct span *)item);
}

static int compare_key(const void *key, const void *item)
{
	return span_cmp(*(const struct span *)key, ((const struct catalogue_entity *)item)->key);
}

static bool has_text(const struct catalogue_texts *texts, struct span text)
{
	return bsearch(&text, texts->text, texts->count, sizeof(texts->text[0]), compare_text) != NULL;
}

static int refuse(struct err *err, const char *field, struct span value, const char *of)
{
	err_set_field(err, field, strlen(field));
	return err_set(err, E_INVALID,
		       "%s %.*s is not in the org's catalogue%s; use one that is, or add it by PUT /v1/catalogue",
		       field, (int)(value.len < CATALOGUE_TEXT_MAX ? value.len : CATALOGUE_TEXT_MAX),
		       (const char *)value.p, of);
}

int catalogue_check(void *user, struct span record, struct err *err)
{
	static const char type_path[] = {'e', 'n', 't', 'i', 't', 'y', SHAPE_PATH_SEP, 't', 'y', 'p', 'e'};
	const struct catalogue *c = user;
	const struct catalogue_entity *entity;
	struct span action = SPAN_LIT("null");
	struct span type;

	(void)record_path_get(record, SPAN_LIT("action"), &action);
	if (!record_path_get(record, span_of(type_path, sizeof(type_path)), &type) || span_eq_str(type, "null"))
		return has_text(&c->actions, action) ? 0
						     : refuse(err, "action", action, " for events without an entity");
	entity = bsearch(&type, c->entities, c->entity_count, sizeof(c->entities[0]), compare_key);
	if (!entity)
		return refuse(err, "entity.type", type, "");
	return has_text(&entity->actions, action) ? 0 : refuse(err, "action", action, " for this entity.type");
}
