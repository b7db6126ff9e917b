/*
 * stele tail: the newest events, then those that come in. Each poll asks for what lies behind the last event seen,
 * oldest first, so nothing is missed and nothing is shown twice.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "main/command.h"
#include "main/event_text.h"
#include "main/target.h"

#define ID_TEXT_MAX 33

struct tail_options {
	struct target target;
	const char *query;
	bool is_json;
	bool is_once;
	uint32_t lines;
	uint32_t interval_ms;
};

static void make_path(const struct tail_options *o, const char *last_id, bool is_first, struct buf *path)
{
	char limit[16];

	snprintf(limit, sizeof(limit), "%u", is_first && o->lines > 0 ? o->lines : is_first ? 1 : 1000);
	buf_reset(path);
	buf_put_str(path, "/v1/events");
	http_put_parameter(path, "total", SPAN_LIT("none"));
	http_put_parameter(path, "limit", span_str(limit));
	if (o->query)
		http_put_parameter(path, "query", span_str(o->query));
	if (!is_first)
		http_put_parameter(path, "order", SPAN_LIT("oldest"));
	if (last_id[0] != '\0')
		http_put_parameter(path, "after", span_str(last_id));
	buf_put_u8(path, 0);
}

static void print_record(const struct tail_options *o, struct span record)
{
	struct buf line = BUF_INIT;

	if (o->is_json) {
		buf_put_span(&line, record);
		buf_put_u8(&line, '\n');
	} else {
		event_text_line(&line, record);
	}
	fwrite(line.p, 1, line.len, stdout);
	buf_release(&line);
}

/* The first page comes newest first, the others oldest first; all are shown oldest first. */
static void show_page(const struct tail_options *o, const struct event_page *page, bool is_first, char *last_id)
{
	size_t shown = is_first && o->lines == 0 ? 0 : page->count;

	for (size_t i = 0; i < shown; i++)
		print_record(o, page->records[is_first ? page->count - 1 - i : i]);
	if (page->count > 0) {
		struct span id = event_text_id(page->records[is_first ? 0 : page->count - 1]);

		snprintf(last_id, ID_TEXT_MAX, "%.*s", (int)id.len, (const char *)id.p);
	}
}

static int poll_once(const struct tail_options *o, struct http_client *client, bool is_first, char *last_id,
		     bool *ret_more, struct err *err)
{
	struct http_request request = {.method = "GET"};
	struct http_answer answer = HTTP_ANSWER_INIT;
	struct event_page page = {0};
	struct buf path = BUF_INIT;
	int rc;

	make_path(o, last_id, is_first, &path);
	if ((rc = target_run(&o->target, client, &request, (const char *)path.p, &answer, err)) < 0)
		goto out;
	if ((rc = event_page_parse(buf_span(&answer.body), &page, err)) < 0)
		goto out;
	show_page(o, &page, is_first, last_id);
	*ret_more = !is_first && page.next_cursor;
out:
	event_page_release(&page);
	http_answer_release(&answer);
	buf_release(&path);
	return rc;
}

static int run(const struct tail_options *o, struct err *err)
{
	const struct timespec pause = {o->interval_ms / 1000, (long)(o->interval_ms % 1000) * 1000000};
	struct http_client *client = http_client_new();
	char last_id[ID_TEXT_MAX] = "";
	bool more = false;
	int rc = poll_once(o, client, true, last_id, &more, err);

	while (rc == 0 && !o->is_once && fflush(stdout) == 0) {
		if (!more)
			nanosleep(&pause, NULL);
		rc = poll_once(o, client, false, last_id, &more, err);
	}
	http_client_free(client);
	return rc;
}

int cmd_tail(int argc, char **argv)
{
	struct tail_options o = {.lines = 10, .interval_ms = 500};
	const struct option_spec specs[] = {
		TARGET_SPECS(o.target),
		{"lines", OPTION_NUMBER, "N", "begin with the newest N events (10)", &o.lines, 0, 10000},
		{"once", OPTION_FLAG, NULL, "show these and stop", &o.is_once, 0, 0},
		{"interval", OPTION_NUMBER, "MS", "ask so often for new ones (500)", &o.interval_ms, 50, 3600000},
		{"json", OPTION_FLAG, NULL, "whole records as stored, one JSON object a line", &o.is_json, 0, 0},
	};
	const struct options options = {"tail", "[QUERY]", "Runs until it is interrupted.", specs,
					OPTIONS_COUNT(specs)};
	struct err err = ERR_INIT;
	int code;
	int rc;

	if (options_parse(&options, argc, argv, &o.query, &code))
		return code;
	if ((rc = target_resolve(&o.target, &err)) < 0)
		return command_fail("tail", &err, rc == E_INVALID ? EXIT_CODE_USAGE : EXIT_CODE_CANNOT);
	rc = run(&o, &err);
	target_release(&o.target);
	return rc < 0 ? command_fail("tail", &err, target_exit_code(rc)) : EXIT_CODE_OK;
}
