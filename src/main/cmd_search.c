/* stele search: pages of GET /v1/events, one event a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "main/command.h"
#include "main/event_text.h"
#include "main/target.h"

#define PAGE_EVENTS 1000u

struct search_options {
	struct target target;
	const char *query;
	const char *from;
	const char *to;
	const char *ledger;
	const char *sort;
	bool oldest;
	bool is_json;
	bool is_all;
	bool wants_count;
	bool wants_explanation;
	uint32_t limit;
};

static void put_if(struct buf *path, const char *name, const char *value)
{
	if (value)
		http_put_parameter(path, name, span_str(value));
}

static void make_path(const struct search_options *o, uint64_t left, const char *cursor, struct buf *path)
{
	char limit[24];

	snprintf(limit, sizeof(limit), "%llu", (unsigned long long)(left < PAGE_EVENTS ? left : PAGE_EVENTS));
	buf_reset(path);
	buf_put_str(path, "/v1/events");
	put_if(path, "query", o->query);
	put_if(path, "from", o->from);
	put_if(path, "to", o->to);
	put_if(path, "ledger", o->ledger);
	put_if(path, "sort", o->sort);
	put_if(path, "explain", o->wants_explanation && !cursor ? "true" : NULL);
	put_if(path, "order", o->oldest ? "oldest" : NULL);
	put_if(path, "total", o->wants_count ? "exact" : "none");
	put_if(path, "limit", o->wants_count ? "1" : limit);
	put_if(path, "cursor", cursor);
	buf_put_u8(path, 0);
}

static void print_page(const struct event_page *page, bool is_json)
{
	struct buf line = BUF_INIT;

	for (size_t i = 0; i < page->count; i++) {
		buf_reset(&line);
		if (is_json) {
			buf_put_span(&line, page->records[i]);
			buf_put_u8(&line, '\n');
		} else {
			event_text_line(&line, page->records[i]);
		}
		fwrite(line.p, 1, line.len, stdout);
	}
	buf_release(&line);
}

static void print_count(const struct search_options *o, const struct event_page *page)
{
	printf(o->is_json ? "{\"total\":%llu}\n" : "%llu\n", (unsigned long long)page->total);
}

static int run_page(const struct search_options *o, struct http_client *client, uint64_t left, char **cursor,
		    size_t *ret_count, struct err *err)
{
	struct http_request request = {.method = "GET"};
	struct http_answer answer = HTTP_ANSWER_INIT;
	struct event_page page = {0};
	struct buf path = BUF_INIT;
	int rc;

	make_path(o, left, *cursor, &path);
	if ((rc = target_run(&o->target, client, &request, (const char *)path.p, &answer, err)) < 0)
		goto out;
	if ((rc = event_page_parse(buf_span(&answer.body), &page, err)) < 0)
		goto out;
	if (o->wants_count)
		print_count(o, &page);
	else
		print_page(&page, o->is_json);
	if (page.explain)
		fprintf(stderr, "%s\n", page.explain);
	free(*cursor);
	*cursor = o->wants_count ? NULL : page.next_cursor;
	if (!o->wants_count)
		page.next_cursor = NULL;
	*ret_count = page.count;
out:
	event_page_release(&page);
	http_answer_release(&answer);
	buf_release(&path);
	return rc;
}

static int run(const struct search_options *o, struct err *err)
{
	struct http_client *client = http_client_new();
	uint64_t left = o->is_all ? UINT64_MAX : o->limit;
	char *cursor = NULL;
	size_t count;
	int rc;

	do {
		rc = run_page(o, client, left, &cursor, &count, err);
		left -= rc == 0 ? count : 0;
	} while (rc == 0 && cursor && left > 0 && fflush(stdout) == 0);
	free(cursor);
	http_client_free(client);
	return rc;
}

int cmd_search(int argc, char **argv)
{
	struct search_options o = {.limit = 100};
	const struct option_spec specs[] = {
		TARGET_SPECS(o.target),
		{"from", OPTION_TEXT, "TIME", "events of this time and later: RFC 3339, a date, now-7d", &o.from, 0, 0},
		{"to", OPTION_TEXT, "TIME", "events before this time", &o.to, 0, 0},
		{"oldest", OPTION_FLAG, NULL, "oldest first", &o.oldest, 0, 0},
		{"limit", OPTION_NUMBER, "N", "so many events (100)", &o.limit, 1, 1000000000},
		{"all", OPTION_FLAG, NULL, "all events that match", &o.is_all, 0, 0},
		{"count", OPTION_FLAG, NULL, "only how many match, exactly", &o.wants_count, 0, 0},
		{"sort", OPTION_TEXT, "FIELD", "by the values of this field: received (default), time, actor.id",
		 &o.sort, 0, 0},
		{"explain", OPTION_FLAG, NULL, "say on standard error how the first page was found",
		 &o.wants_explanation, 0, 0},
		{"ledger", OPTION_TEXT, "NAME", "main (default) or self", &o.ledger, 0, 0},
		{"json", OPTION_FLAG, NULL, "whole records as stored, one JSON object a line", &o.is_json, 0, 0},
	};
	const struct options options = {"search", "[QUERY]",
					"A query: actor.id:u-1 action:(create OR delete) \"exact phrase\" "
					"-outcome.type:failure entity.name:pol*",
					specs, OPTIONS_COUNT(specs)};
	struct err err = ERR_INIT;
	int code;
	int rc;

	if (options_parse(&options, argc, argv, &o.query, &code))
		return code;
	if ((rc = target_resolve(&o.target, &err)) < 0)
		return command_fail("search", &err, rc == E_INVALID ? EXIT_CODE_USAGE : EXIT_CODE_CANNOT);
	rc = run(&o, &err);
	target_release(&o.target);
	return rc < 0 ? command_fail("search", &err, target_exit_code(rc)) : EXIT_CODE_OK;
}
