/* Reading lists of paths. The bytes move while the list grows, so places in them are kept until all is read. */
#include "query/path_list.h"

#include "base/mem.h"
#include "codec/shape.h"
#include "query/query_priv.h"

static size_t skip_blanks(struct span text, size_t at)
{
	while (at < text.len && query__is_blank(text.p[at]))
		at++;
	return at;
}

static int refuse(size_t at, struct err *err)
{
	if (err)
		err->offset = (int64_t)at;
	return err_set(err, E_SYNTAX,
		       "column %zu: expected a path: names joined by '.', those with other characters than letters, "
		       "digits, '_', '-', '@', '/' and '$' in quotes; paths are apart by ','",
		       at + 1);
}

/* One path at `at`, written as text and as a tree has it; what is behind it, or 0. query__read_path wants a ':' behind
 * the path, so it gets one. */
static size_t read_path(struct span text, size_t at, struct buf *bytes, size_t *ret_text_len)
{
	struct buf one = BUF_INIT, path = BUF_INIT;
	size_t end = at, behind = 0;
	bool is_quoted = false;

	while (end < text.len && (is_quoted || (text.p[end] != ',' && !query__is_blank(text.p[end])))) {
		if (is_quoted && text.p[end] == '\\' && end + 1 < text.len)
			end++;
		else if (text.p[end] == '"')
			is_quoted = !is_quoted;
		end++;
	}
	buf_put(&one, text.p + at, end - at);
	buf_put_u8(&one, ':');
	if (buf_ok(&one))
		behind = query__read_path(buf_span(&one), 0, &path);
	if (behind == one.len && buf_ok(&path)) {
		*ret_text_len = end - at;
		buf_put(bytes, one.p, end - at);
		buf_put_span(bytes, buf_span(&path));
	} else {
		end = 0;
	}
	buf_release(&one);
	buf_release(&path);
	return end;
}

struct place {
	size_t start, text_len, path_len;
};

static int read_list(struct span text, struct place place[PATHS_MAX], struct path_list *l, struct err *err)
{
	size_t at = 0, end;

	for (;;) {
		struct place *p = &place[l->count];

		at = skip_blanks(text, at);
		if (l->count == PATHS_MAX)
			return err_set(err, E_TOO_LARGE, "more than %u paths are listed", PATHS_MAX);
		p->start = l->bytes.len;
		end = at < text.len ? read_path(text, at, &l->bytes, &p->text_len) : 0;
		if (end == 0)
			return refuse(at, err);
		p->path_len = l->bytes.len - p->start - p->text_len;
		l->count++;
		at = skip_blanks(text, end);
		if (at == text.len)
			return 0;
		if (text.p[at] != ',')
			return refuse(at, err);
		at++;
	}
}

int path_list_parse(struct span text, struct path_list *ret, struct err *err)
{
	struct place place[PATHS_MAX] = {0};
	struct path_list l = {0};
	int rc;

	if (text.len > QUERY_BYTES_MAX)
		return err_set(err, E_TOO_LARGE, "a list of paths has %zu bytes; at most %u are taken", text.len,
			       QUERY_BYTES_MAX);
	rc = read_list(text, place, &l, err);
	if (rc == 0 && !buf_ok(&l.bytes))
		rc = err_set(err, E_NO_MEMORY, "not enough memory for a list of paths");
	if (rc < 0) {
		buf_release(&l.bytes);
		return rc;
	}
	l.item = xarray(l.count, sizeof(*l.item));
	for (uint32_t i = 0; i < l.count; i++) {
		const uint8_t *p = l.bytes.p + place[i].start;

		l.item[i].text = span_of(p, place[i].text_len);
		l.item[i].path = span_of(p + place[i].text_len, place[i].path_len);
	}
	*ret = l;
	return 0;
}

void path_list_release(struct path_list *l)
{
	buf_release(&l->bytes);
	free(l->item);
	*l = (struct path_list){0};
}
