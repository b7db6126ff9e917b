/*
 * old_folder DIR DAYS: makes a data folder whose main ledger has a segment of 300 events for each of the last DAYS
 * days, and a retention of nine days, for the black-box tests of retention, which cannot set the server's clock.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "service/retention.h"
#include "service/service_priv.h"

#define EVENTS 300
#define DAY_US (INT64_C(24) * 3600 * 1000000)

static void check(int rc, const struct err *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "old_folder: %s\n", err->message);
	exit(1);
}

struct waiter {
	struct mutex mutex;
	struct cond done;
	bool is_done;
};

static void on_done(struct ledger_append *a)
{
	struct waiter *w = a->user;

	mutex_lock(&w->mutex);
	w->is_done = true;
	cond_signal(&w->done);
	mutex_unlock(&w->mutex);
}

static void append_day(struct ledger *l, int64_t day)
{
	struct record_parser *parser = record_parser_new();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct waiter w = {.is_done = false};
	struct ledger_append a = {.batch = &batch, .done = on_done, .user = &w};
	struct err err = ERR_INIT;
	char json[80];

	mutex_init(&w.mutex);
	cond_init(&w.done);
	for (int i = 0; i < EVENTS; i++) {
		int len = snprintf(json, sizeof(json), "{\"action\":\"old\",\"attributes\":{\"day\":%lld,\"i\":%d}}",
				   (long long)day, i);

		check(record_parse(parser, span_of(json, (size_t)len), clock_wall_us(), &batch, &err), &err);
	}
	ledger_append(l, &a);
	mutex_lock(&w.mutex);
	while (!w.is_done)
		cond_wait(&w.done, &w.mutex);
	mutex_unlock(&w.mutex);
	check(a.rc, &a.err);
	check(ledger_seal(l, &err), &err);
	record_batch_release(&batch);
	record_parser_free(parser);
}

int main(int argc, char **argv)
{
	struct service_config config = {.io = &io_posix, .url = "http://old"};
	const struct control_retention policy = {.org = 1, .days = 9};
	int64_t now_us = clock_wall_us();
	struct err err = ERR_INIT;
	struct service *s;
	struct org *org;
	bool is_first;

	if (argc != 3)
		return 2;
	config.folder = argv[1];
	check(service_open(&config, &s, &is_first, &err), &err);
	check(service__org(s, 1, &org, &err), &err);
	check(control_retention_set(s->control, &policy, &err), &err); /* so that days are not merged */
	ledger_set_merge_span_us(org->ledger[LEDGER_MAIN], 1);
	for (int64_t day = strtol(argv[2], NULL, 10); day > 0; day--) {
		clock_set_for_test(now_us - day * DAY_US);
		append_day(org->ledger[LEDGER_MAIN], day);
	}
	clock_set_for_test(0);
	service_close(s);
	return 0;
}
