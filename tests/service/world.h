/* A service on a folder of its own, who holds its first key, and appending to it: for tests of what reads events. */
#ifndef STELE_TESTS_SERVICE_WORLD_H
#define STELE_TESTS_SERVICE_WORLD_H

#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "service/service.h"
#include "temp_folder.h"

struct world {
	char folder[TEMP_FOLDER_MAX];
	struct service *service;
	struct principal who;
};

/* 0, or -1: a group's setup. */
static inline int world_open(struct world *w)
{
	struct service_config config = {&io_posix, w->folder, "http://test:1"};
	char path[96], text[1024] = "", token[128];
	bool is_first;
	FILE *f;

	if (temp_folder_make(w->folder) < 0 || service_open(&config, &w->service, &is_first, NULL) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/bootstrap.json", w->folder);
	f = fopen(path, "r");
	if (!f || fread(text, 1, sizeof(text) - 1, f) == 0 ||
	    sscanf(strstr(text, "\"stele_"), "\"%127[^\"]\"", token) != 1)
		return -1;
	fclose(f);
	return service_authenticate(w->service, span_str(token), &w->who, NULL);
}

static inline int world_close(struct world *w)
{
	service_close(w->service);
	return temp_folder_remove(w->folder);
}

struct world_waiter {
	struct mutex mu;
	struct cond done;
	bool is_done;
};

static inline void world_on_done(struct ledger_append *a)
{
	struct world_waiter *w = a->user;

	mutex_lock(&w->mu);
	w->is_done = true;
	cond_signal(&w->done);
	mutex_unlock(&w->mu);
}

struct world_appended {
	uint64_t first;
	uint64_t count;
	int64_t received_us;
};

/* Appends events, as a body of them, to the ledger main, and waits until they are durable. */
static inline struct world_appended world_append(struct world *world, struct span ndjson)
{
	struct record_parser *parser = record_parser_new();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct world_waiter w = {.is_done = false};
	struct ledger_append a = {.batch = &batch, .done = world_on_done, .user = &w, .err = ERR_INIT};

	assert_int_equal(
		record_parse_body(parser, ndjson, RECORD_BODY_AUTO, 1000000, EVENTS_MAX, NULL, NULL, &batch, NULL), 0);
	mutex_init(&w.mu);
	cond_init(&w.done);
	service_append(world->service, &world->who, &a);
	mutex_lock(&w.mu);
	while (!w.is_done)
		cond_wait(&w.done, &w.mu);
	mutex_unlock(&w.mu);
	assert_int_equal(a.rc, 0);
	cond_release(&w.done);
	mutex_release(&w.mu);
	record_batch_release(&batch);
	record_parser_free(parser);
	return (struct world_appended){a.first, a.count, a.received_us};
}

#endif
