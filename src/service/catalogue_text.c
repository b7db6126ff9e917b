/* Catalogues as JSON: read strictly, so that a misspelt member is not a rule that nobody keeps; written sorted. */
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "base/mem.h"
#include "codec/json_text.h"
#include "service/catalogue_priv.h"

#define ESCAPED_MAX 6 /* bytes that one byte of a text becomes: \u00xx */

struct text_reader {
	struct catalogue *to;
	struct err *err;
};

static int refuse(struct text_reader *r, const char *field, const char *message)
{
	err_set_field(r->err, field, strlen(field));
	return err_set(r->err, E_INVALID, "%s", message);
}

static int too_many(struct text_reader *r, const char *field, size_t max)
{
	err_set_field(r->err, field, strlen(field));
	return err_set(r->err, E_TOO_LARGE, "'%s' has more than %zu items", field, max);
}

/* A text as it stands in records. Its place is reserved: what points there stays. */
static int take_text(struct text_reader *r, yyjson_val *v, const char *field, struct span *ret)
{
	struct buf *memory = &r->to->memory;
	size_t from = memory->len;

	if (!yyjson_is_str(v) || yyjson_get_len(v) == 0 || yyjson_get_len(v) > CATALOGUE_TEXT_MAX)
		return refuse(r, field, "it takes texts of 1 to 200 bytes");
	json_text_string(memory, span_of(yyjson_get_str(v), yyjson_get_len(v)));
	must(buf_ok(memory));
	*ret = span_of(memory->p + from, memory->len - from);
	return 0;
}

static int compare_texts(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static int take_texts(struct text_reader *r, yyjson_val *list, const char *field, struct catalogue_texts *ret)
{
	size_t count = yyjson_arr_size(list);
	int rc = 0;

	if (list && !yyjson_is_arr(list))
		return refuse(r, field, "it takes a list of texts");
	if (count > CATALOGUE_ACTIONS_MAX)
		return too_many(r, field, CATALOGUE_ACTIONS_MAX);
	ret->text = xalloc((count + 1) * sizeof(ret->text[0]));
	for (; ret->count < count && rc == 0; ret->count++)
		rc = take_text(r, yyjson_arr_get(list, ret->count), field, &ret->text[ret->count]);
	if (rc < 0)
		return rc;
	qsort(ret->text, count, sizeof(ret->text[0]), compare_texts);
	for (size_t i = 1; i < count; i++) {
		if (span_eq(ret->text[i - 1], ret->text[i]))
			return refuse(r, field, "a text stands twice in the list");
	}
	return 0;
}

/* E_INVALID for a member that is none of `names`. */
static int check_members(struct text_reader *r, yyjson_val *object, const char *const *names)
{
	yyjson_obj_iter members;
	yyjson_val *name;

	yyjson_obj_iter_init(object, &members);
	while ((name = yyjson_obj_iter_next(&members))) {
		const char *const *known = names;

		while (*known && strcmp(*known, yyjson_get_str(name)) != 0)
			known++;
		if (*known)
			continue;
		err_set_field(r->err, yyjson_get_str(name), yyjson_get_len(name));
		return err_set(r->err, E_INVALID,
			       "a catalogue has the members strict, entities and actions, and an entity key, name and "
			       "actions");
	}
	return 0;
}

static int take_entity(struct text_reader *r, yyjson_val *v, struct catalogue_entity *ret)
{
	static const char *const members[] = {"key", "name", "actions", NULL};
	int rc;

	if (!yyjson_is_obj(v))
		return refuse(r, "entities", "it takes a list of objects with key, name and actions");
	if ((rc = check_members(r, v, members)) < 0)
		return rc;
	if ((rc = take_text(r, yyjson_obj_get(v, "key"), "entities.key", &ret->key)) < 0)
		return rc;
	ret->name = ret->key;
	if (yyjson_obj_get(v, "name") &&
	    (rc = take_text(r, yyjson_obj_get(v, "name"), "entities.name", &ret->name)) < 0)
		return rc;
	return take_texts(r, yyjson_obj_get(v, "actions"), "entities.actions", &ret->actions);
}

static int compare_entities(const void *a, const void *b)
{
	return span_cmp(((const struct catalogue_entity *)a)->key, ((const struct catalogue_entity *)b)->key);
}

static int take_entities(struct text_reader *r, yyjson_val *list)
{
	struct catalogue *c = r->to;
	size_t count = yyjson_arr_size(list);
	int rc = 0;

	if (list && !yyjson_is_arr(list))
		return refuse(r, "entities", "it takes a list of objects with key, name and actions");
	if (count > CATALOGUE_ENTITIES_MAX)
		return too_many(r, "entities", CATALOGUE_ENTITIES_MAX);
	c->entities = xalloc((count + 1) * sizeof(c->entities[0]));
	for (; c->entity_count < count && rc == 0; c->entity_count++)
		rc = take_entity(r, yyjson_arr_get(list, c->entity_count), &c->entities[c->entity_count]);
	if (rc < 0)
		return rc;
	qsort(c->entities, count, sizeof(c->entities[0]), compare_entities);
	for (size_t i = 1; i < count; i++) {
		if (span_eq(c->entities[i - 1].key, c->entities[i].key))
			return refuse(r, "entities.key", "two entities have the same key");
	}
	return 0;
}

static int take_all(struct text_reader *r, yyjson_val *root)
{
	static const char *const members[] = {"strict", "entities", "actions", NULL};
	yyjson_val *strict = yyjson_obj_get(root, "strict");
	int rc;

	if (!yyjson_is_obj(root))
		return refuse(r, "", "a catalogue is an object with strict, entities and actions");
	if ((rc = check_members(r, root, members)) < 0)
		return rc;
	if (strict && !yyjson_is_bool(strict))
		return refuse(r, "strict", "it is true or false");
	r->to->is_strict = yyjson_get_bool(strict);
	if ((rc = take_entities(r, yyjson_obj_get(root, "entities"))) < 0)
		return rc;
	return take_texts(r, yyjson_obj_get(root, "actions"), "actions", &r->to->actions);
}

int catalogue__parse(struct span json, struct catalogue **ret, struct err *err)
{
	struct catalogue *c;
	struct text_reader reader = {.err = err};
	yyjson_read_err problem;
	yyjson_doc *doc;
	int rc;

	if (json.len > CATALOGUE_BYTES_MAX)
		return err_set(err, E_TOO_LARGE, "a catalogue has at most %u KiB", CATALOGUE_BYTES_MAX >> 10);
	/* Without YYJSON_READ_INSITU the text is only read, though its type says otherwise. */
	doc = yyjson_read_opts((char *)(uintptr_t)json.p, json.len, 0, NULL, &problem);
	if (!doc) {
		if (err)
			err->offset = (int64_t)problem.pos;
		return err_set(err, E_SYNTAX, "the body is not a JSON object: %s", problem.msg);
	}
	c = reader.to = xalloc(sizeof(*c));
	c->refs = 1;
	must(buf_room(&c->memory, (json.len + 2) * ESCAPED_MAX));
	rc = take_all(&reader, yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
	if (rc < 0)
		catalogue_release(c);
	else
		*ret = c;
	return rc;
}

static void print_texts(const struct catalogue_texts *texts, struct buf *to)
{
	buf_put_str(to, ",\"actions\":[");
	for (size_t i = 0; i < texts->count; i++) {
		buf_put_str(to, i ? "," : "");
		buf_put_span(to, texts->text[i]);
	}
	buf_put_u8(to, ']');
}

void catalogue__print(const struct catalogue *c, struct buf *to)
{
	buf_printf(to, "{\"strict\":%s,\"entities\":[", c->is_strict ? "true" : "false");
	for (size_t i = 0; i < c->entity_count; i++) {
		buf_put_str(to, i ? ",{\"key\":" : "{\"key\":");
		buf_put_span(to, c->entities[i].key);
		buf_put_str(to, ",\"name\":");
		buf_put_span(to, c->entities[i].name);
		print_texts(&c->entities[i].actions, to);
		buf_put_u8(to, '}');
	}
	buf_put_u8(to, ']');
	print_texts(&c->actions, to);
}
