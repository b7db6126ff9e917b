/* Names of fields, read and printed. */
#include "query/field.h"

#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/shape.h"
#include "query/query_priv.h"

static void split(struct field *f)
{
	size_t from = 0;

	for (size_t i = 0; i <= f->path.len; i++) {
		if (i < f->path.len && f->path.p[i] != SHAPE_PATH_SEP)
			continue;
		f->name = xrealloc(f->name, (f->name_count + 1) * sizeof(*f->name));
		f->name[f->name_count++] = span_of(f->path.p + from, i - from);
		from = i + 1;
	}
}

/* One name from `at` on; what is behind it, or 0. */
static size_t read_name(struct span text, size_t at, struct buf *to)
{
	struct buf plain = BUF_INIT;
	size_t end = at;

	if (at < text.len && text.p[at] == '"') {
		end = query__read_quoted(text, at, &plain);
	} else {
		while (end < text.len && query__is_name_byte(text.p[end]))
			end++;
		buf_put(&plain, text.p + at, end - at);
		end = end > at ? end : 0;
	}
	json_text_escape(to, buf_span(&plain));
	if (!buf_ok(&plain))
		to->failed = true;
	buf_release(&plain);
	return end;
}

static int refuse(size_t at, struct err *err)
{
	if (err)
		err->offset = (int64_t)at;
	return err_set(err, E_SYNTAX,
		       "expected the name of a field at byte %zu: names joined by '.', a name with other characters "
		       "than letters, digits, '_', '-', '@', '/' and '$' in double quotes",
		       at);
}

/* Reads a field at *at, and goes behind it. */
static int read_field(struct span text, size_t *at, struct field *ret, struct err *err)
{
	struct buf path = BUF_INIT;
	uint32_t names = 0;
	size_t end = *at, start;
	int rc = 0;

	do {
		start = names > 0 ? end + 1 : end;
		if (names > 0)
			buf_put_u8(&path, SHAPE_PATH_SEP);
		end = read_name(text, start, &path);
	} while (end > 0 && ++names <= FIELD_NAMES_MAX && end < text.len && text.p[end] == '.');
	if (end == 0)
		rc = refuse(start, err);
	else if (names > FIELD_NAMES_MAX)
		rc = err_set(err, E_TOO_LARGE, "the name of a field has more than %u parts", FIELD_NAMES_MAX);
	else if (path.len == 0)
		rc = refuse(*at, err);
	else if (!buf_ok(&path))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for the name of a field");
	if (rc < 0) {
		buf_release(&path);
		return rc;
	}
	*ret = (struct field){buf_span(&path), NULL, 0};
	split(ret);
	*at = end;
	return 0;
}

int field_parse(struct span text, struct field *ret, struct err *err)
{
	struct field f;
	size_t at = 0;
	int rc;

	if (text.len > QUERY_BYTES_MAX)
		return err_set(err, E_TOO_LARGE, "the name of a field is longer than %u bytes", QUERY_BYTES_MAX);
	if ((rc = read_field(text, &at, &f, err)) < 0)
		return rc;
	if (at < text.len) {
		field_release(&f);
		return refuse(at, err);
	}
	*ret = f;
	return 0;
}

/* Times are the histogram's; an id is never the same twice. */
static int refuse_server_field(const struct field *f, struct err *err)
{
	if (span_eq_str(f->path, "time") || span_eq_str(f->path, "received"))
		return err_set(err, E_INVALID,
			       "'%.*s' is a time; GET /v1/histogram counts by time, from and to narrow it",
			       (int)f->path.len, (const char *)f->path.p);
	if (span_eq_str(f->path, "id"))
		return err_set(err, E_INVALID, "'id' is another one in each event; counting its values tells nothing");
	return 0;
}

static bool has_field(const struct field_list *l, struct span path)
{
	for (uint32_t k = 0; k < l->count; k++)
		if (span_eq(l->field[k].path, path))
			return true;
	return false;
}

static int add_field(struct field_list *l, struct span text, size_t *at, uint32_t count_max, struct err *err)
{
	struct field f;
	size_t start = *at;
	int rc = read_field(text, at, &f, err);

	if (rc < 0)
		return rc;
	rc = refuse_server_field(&f, err);
	if (rc == 0 && has_field(l, f.path))
		rc = err_set(err, E_INVALID, "the field '%.*s' is named twice", (int)(*at - start),
			     (const char *)text.p + start);
	else if (rc == 0 && l->count == count_max && count_max == 1)
		rc = err_set(err, E_INVALID, "only one field can be named here");
	else if (rc == 0 && l->count == count_max)
		rc = err_set(err, E_TOO_LARGE, "at most %u fields can be named here", count_max);
	if (rc < 0)
		field_release(&f);
	else
		l->field[l->count++] = f;
	return rc;
}

int field_list_parse(struct span text, uint32_t count_max, struct field_list *ret, struct err *err)
{
	struct field_list l = {.count = 0};
	size_t at = 0;
	int rc = 0;

	must(count_max <= FIELDS_MAX);
	if (text.len > QUERY_BYTES_MAX)
		return err_set(err, E_TOO_LARGE, "the list of fields is longer than %u bytes", QUERY_BYTES_MAX);
	for (;;) {
		if ((rc = add_field(&l, text, &at, count_max, err)) < 0 || at == text.len)
			break;
		if (text.p[at] != ',') {
			rc = refuse(at, err);
			break;
		}
		at++;
	}
	if (rc < 0)
		field_list_release(&l);
	else
		*ret = l;
	return rc;
}

void field_release(struct field *f)
{
	free((void *)(uintptr_t)f->path.p);
	free(f->name);
	*f = (struct field){{NULL, 0}, NULL, 0};
}

void field_list_release(struct field_list *l)
{
	for (uint32_t k = 0; k < l->count; k++)
		field_release(&l->field[k]);
	l->count = 0;
}

static void put_name(struct buf *to, struct span escaped)
{
	struct buf plain = BUF_INIT;
	bool is_bare;

	json_text_unescape(&plain, escaped);
	is_bare = plain.len > 0 && plain.p[0] != '-' && plain.p[0] != '/';
	for (size_t i = 0; i < plain.len; i++)
		is_bare = is_bare && query__is_name_byte(plain.p[i]);
	if (!is_bare)
		buf_put_u8(to, '"');
	for (size_t i = 0; i < plain.len; i++) {
		if (!is_bare && (plain.p[i] == '"' || plain.p[i] == '\\'))
			buf_put_u8(to, '\\');
		buf_put_u8(to, plain.p[i]);
	}
	if (!is_bare)
		buf_put_u8(to, '"');
	if (!buf_ok(&plain))
		to->failed = true;
	buf_release(&plain);
}

void field_print(struct span path, struct buf *to)
{
	size_t from = 0;

	for (size_t i = 0; i <= path.len; i++) {
		if (i < path.len && path.p[i] != SHAPE_PATH_SEP)
			continue;
		if (from > 0)
			buf_put_u8(to, '.');
		put_name(to, span_of(path.p + from, i - from));
		from = i + 1;
	}
}
