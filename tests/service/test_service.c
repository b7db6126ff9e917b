#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/thread.h"
#include "service/offline.h"
#include "service/service.h"
#include "temp_folder.h"

#define TOKEN_MAX_LEN     128
#define BOOTSTRAP_MAX_LEN 1024

static char folder[TEMP_FOLDER_MAX];

static int make_folder(void **state)
{
	return temp_folder_make(folder);
}

static int remove_folder(void **state)
{
	return temp_folder_remove(folder);
}

static struct service *open_must(bool *ret_is_first)
{
	struct service_config config = {&io_posix, folder, "http://test:1"};
	struct service *s = NULL;
	struct err err = ERR_INIT;
	int rc = service_open(&config, &s, ret_is_first, &err);

	if (rc < 0)
		print_error("%s\n", err.message);
	assert_int_equal(rc, 0);
	return s;
}

/* The text of bootstrap.json. */
static void read_bootstrap(char text[BOOTSTRAP_MAX_LEN])
{
	char path[96];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/bootstrap.json", folder);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	n = read(fd, text, BOOTSTRAP_MAX_LEN - 1);
	assert_true(n > 0);
	text[n] = '\0';
	close(fd);
}

/* The api_key of bootstrap.json. */
static void read_token(char token[TOKEN_MAX_LEN])
{
	char text[BOOTSTRAP_MAX_LEN];
	const char *at;

	read_bootstrap(text);
	at = strstr(text, "\"stele_");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "\"%127[^\"]\"", token), 1);
}

static struct principal principal_of(struct service *s)
{
	struct principal who = {.org = NULL};
	char token[TOKEN_MAX_LEN];

	read_token(token);
	assert_int_equal(service_authenticate(s, span_str(token), &who, NULL), 0);
	return who;
}

struct waiter {
	struct mutex mu;
	struct cond done;
	bool is_done;
};

static void on_done(struct ledger_append *a)
{
	struct waiter *w = a->user;

	mutex_lock(&w->mu);
	w->is_done = true;
	cond_signal(&w->done);
	mutex_unlock(&w->mu);
}

/* Appends NDJSON and waits; returns the append's code. */
static int append(struct service *s, const struct principal *who, const char *ndjson, const char *key,
		  struct ledger_append *a)
{
	struct record_parser *parser = record_parser_new();
	struct record_batch batch = RECORD_BATCH_INIT;
	struct waiter w = {.is_done = false};
	int rc = record_parse_body(parser, span_str(ndjson), RECORD_BODY_AUTO, 1000000, EVENTS_MAX, NULL, NULL, &batch,
				   NULL);

	assert_int_equal(rc, 0);
	mutex_init(&w.mu);
	cond_init(&w.done);
	*a = (struct ledger_append){.batch = &batch, .done = on_done, .user = &w, .err = ERR_INIT};
	if (key) {
		a->idempotency_key = span_str(key);
		a->fingerprint = strlen(ndjson);
	}
	service_append(s, who, a);
	mutex_lock(&w.mu);
	while (!w.is_done)
		cond_wait(&w.done, &w.mu);
	mutex_unlock(&w.mu);
	cond_release(&w.done);
	mutex_release(&w.mu);
	record_batch_release(&batch);
	record_parser_free(parser);
	return a->rc;
}

static int search(struct service *s, const struct principal *who, const char *query, const char *cursor, uint32_t limit,
		  struct page *page, struct err *err)
{
	struct search_params params = {.query = span_str(query), .cursor = span_str(cursor), .limit = limit};

	return service_search(s, who, &params, page, err);
}

static void test_service__makes_an_org_and_key_on_first_start_only(void **state)
{
	char path[96];
	struct stat st;
	bool is_first = false;
	char first[BOOTSTRAP_MAX_LEN], second[BOOTSTRAP_MAX_LEN];

	service_close(open_must(&is_first));
	assert_true(is_first);
	snprintf(path, sizeof(path), "%s/bootstrap.json", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	read_bootstrap(first);
	assert_non_null(strstr(first, "\"url\": \"http://test:1\""));
	assert_non_null(strstr(first, "\"org_key\": \"default\""));
	service_close(open_must(&is_first));
	assert_false(is_first);
	read_bootstrap(second);
	assert_string_equal(first, second);
}

static void test_service__knows_its_key_and_no_other(void **state)
{
	bool is_first;
	struct service *s = open_must(&is_first);
	struct principal who = {0};
	char token[TOKEN_MAX_LEN];
	size_t len;

	read_token(token);
	len = strlen(token);
	for (int round = 0; round < 2; round++) { /* once from control.db, once from memory */
		assert_int_equal(service_authenticate(s, span_str(token), &who, NULL), 0);
		assert_int_equal(principal_require(&who, PERMISSION_OPERATE, NULL), 0);
	}
	for (size_t i = 0; i < len; i++) {
		char was = token[i];

		token[i] = was == 'a' ? 'b' : 'a';
		assert_int_equal(service_authenticate(s, span_of(token, len), &who, NULL), E_UNAUTHORIZED);
		assert_int_equal(service_authenticate(s, span_of(token, i), &who, NULL), E_UNAUTHORIZED);
		token[i] = was;
	}
	who.permissions = PERMISSION_APPEND;
	assert_int_equal(principal_require(&who, PERMISSION_READ, NULL), E_FORBIDDEN);
	service_close(s);
}

static void test_service__finds_what_was_appended_after_a_restart(void **state)
{
	bool is_first;
	struct service *s = open_must(&is_first);
	struct principal who = principal_of(s);
	struct page page = PAGE_INIT;
	struct buf record = BUF_INIT;
	struct ledger_append a;
	uint8_t id[RECORD_ID_LEN];

	assert_int_equal(append(s, &who, "{\"action\":\"one\"}\n{\"action\":\"two\"}", NULL, &a), 0);
	assert_int_equal(a.first, 0);
	assert_int_equal(a.count, 2);
	service_close(s);

	s = open_must(&is_first);
	who = principal_of(s);
	assert_int_equal(search(s, &who, "action:two", "", 10, &page, NULL), 0);
	assert_int_equal(page.count, 1);
	assert_string_equal(page.next_cursor, "");
	assert_true(page.has_total && page.total_exact && page.total == 1);
	service_ids(s, &who, 1, 1, id);
	assert_int_equal(service_event(s, &who, LEDGER_MAIN, span_of(id, sizeof(id)), &record, NULL), 0);
	assert_true(span_eq(buf_span(&record), span_of(page.records.p, page.len[0])));
	id[0] = id[0] == '0' ? '1' : '0';
	assert_int_equal(service_event(s, &who, LEDGER_MAIN, span_of(id, sizeof(id)), &record, NULL), E_NOT_FOUND);
	page_release(&page);
	buf_release(&record);
	service_close(s);
}

static void test_service__pages_are_stable_while_records_arrive(void **state)
{
	bool is_first;
	struct service *s = open_must(&is_first);
	struct principal who = principal_of(s);
	struct page page = PAGE_INIT;
	char cursor[CURSOR_TEXT_MAX] = "";
	struct ledger_append a;
	uint32_t seen = 0;

	for (int i = 0; i < 5; i++)
		assert_int_equal(append(s, &who, "{\"action\":\"old\"}{\"action\":\"old\"}", NULL, &a), 0);
	do {
		assert_int_equal(search(s, &who, "", cursor, 3, &page, NULL), 0);
		assert_null(memmem(page.records.p, page.records.len, "\"new\"", 5));
		seen += page.count;
		memcpy(cursor, page.next_cursor, sizeof(cursor));
		page_release(&page);
		assert_int_equal(append(s, &who, "{\"action\":\"new\"}", NULL, &a), 0);
	} while (cursor[0]);
	assert_int_equal(seen, 10);
	service_close(s);
}

static void test_service__cursors_belong_to_their_search(void **state)
{
	bool is_first;
	struct service *s = open_must(&is_first);
	struct principal who = principal_of(s);
	struct principal other = who;
	struct page page = PAGE_INIT;
	struct page next = PAGE_INIT;
	struct err err = ERR_INIT;
	struct ledger_append a;

	assert_int_equal(append(s, &who, "{\"action\":\"a\"}{\"action\":\"a\"}", NULL, &a), 0);
	assert_int_equal(search(s, &who, "action:a", "", 1, &page, NULL), 0);
	assert_int_equal(search(s, &who, "action:b", page.next_cursor, 1, &next, &err), E_INVALID);
	assert_string_equal(err.field, "cursor");
	other.id[0] ^= 1;
	assert_int_equal(search(s, &other, "action:a", page.next_cursor, 1, &next, NULL), E_INVALID);
	assert_int_equal(search(s, &who, "  action:a ", page.next_cursor, 1, &next, NULL), 0);
	assert_int_equal(next.count, 1);
	page_release(&page);
	page_release(&next);
	service_close(s);
}

static void test_service__errors_name_the_parameter(void **state)
{
	bool is_first;
	struct service *s = open_must(&is_first);
	struct principal who = principal_of(s);
	struct search_params params = {.limit = 1, .from = SPAN_LIT("never")};
	struct page page = PAGE_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(service_search(s, &who, &params, &page, &err), E_INVALID);
	assert_string_equal(err.field, "from");
	err = (struct err)ERR_INIT;
	params = (struct search_params){.limit = 1, .query = SPAN_LIT("action:(a")};
	assert_int_equal(service_search(s, &who, &params, &page, &err), E_SYNTAX);
	assert_string_equal(err.field, "query");
	assert_true(err.offset >= 0);
	err = (struct err)ERR_INIT;
	params = (struct search_params){.limit = 1, .after = SPAN_LIT("00000000000000000000000000000000")};
	assert_int_equal(service_search(s, &who, &params, &page, &err), E_INVALID);
	assert_string_equal(err.field, "after");
	service_close(s);
}

static void test_service__idempotency_survives_a_restart(void **state)
{
	bool is_first;
	struct service *s = open_must(&is_first);
	struct principal who = principal_of(s);
	struct ledger_append a;

	assert_int_equal(append(s, &who, "{\"action\":\"a\"}", NULL, &a), 0);
	assert_int_equal(append(s, &who, "{\"action\":\"b\"}", "key-1", &a), 0);
	assert_false(a.replayed);
	service_close(s);
	s = open_must(&is_first);
	who = principal_of(s);
	assert_int_equal(append(s, &who, "{\"action\":\"b\"}", "key-1", &a), 0);
	assert_true(a.replayed);
	assert_int_equal(a.first, 1);
	assert_int_equal(a.count, 1);
	assert_int_equal(append(s, &who, "{\"action\":\"other\"}", "key-1", &a), E_CONFLICT);
	service_close(s);
}

static void count_fault(void *user, const struct err *err)
{
	++*(int *)user;
}

static void test_service__seals_and_verifies_offline(void **state)
{
	bool is_first;
	struct service *s = open_must(&is_first);
	struct principal who = principal_of(s);
	struct offline offline = {.io = &io_posix, .folder = folder};
	struct offline none = {.io = &io_posix, .folder = "/tmp/stele-none"};
	struct store_figures figures = {0};
	struct ledger_append a;
	struct err err = ERR_INIT;
	uint64_t records = 0;
	int faults = 0;

	assert_int_equal(append(s, &who, "{\"action\":\"a\"}", NULL, &a), 0);
	assert_int_equal(offline_seal(&offline, &figures, &err), E_LOCKED);
	service_close(s);
	assert_int_equal(offline_seal(&offline, &figures, &err), 0);
	assert_int_equal(figures.segment_count, 1);
	assert_int_equal(figures.head_records, 0);
	assert_int_equal(offline_verify(&offline, count_fault, &faults, &records, &err), 0);
	assert_int_equal(faults, 0);
	assert_int_equal(records, 1);
	assert_int_equal(offline_verify(&none, count_fault, &faults, &records, &err), E_NOT_FOUND);
}

static void test_service__refuses_a_folder_whose_master_key_is_lost(void **state)
{
	struct service_config config = {&io_posix, folder, "http://test:1"};
	struct service *s = NULL;
	struct err err = ERR_INIT;
	char path[96];
	bool is_first;

	service_close(open_must(&is_first));
	snprintf(path, sizeof(path), "%s/master.key", folder);
	assert_int_equal(unlink(path), 0);
	assert_true(service_open(&config, &s, &is_first, &err) < 0);
	assert_null(s);
}

static void assert_redacted(struct service *s, const char *message, const char *expected)
{
	struct err err = ERR_INIT;

	(void)err_set(&err, E_IO, "%s", message);
	err_set_field(&err, message, strlen(message));
	service_redact(s, &err);
	assert_string_equal(err.message, expected);
	assert_string_equal(err.field, expected);
}

static void test_service__errors_for_clients_do_not_say_where_the_folder_is(void **state)
{
	char message[ERR_MESSAGE_MAX];
	char within[ERR_MESSAGE_MAX];
	bool is_first;
	struct service *s = open_must(&is_first);

	(void)state;
	snprintf(message, sizeof(message), "writing %s/journal/1.jnl, of '%s': full", folder, folder);
	assert_redacted(s, message, "writing journal/1.jnl, of '': full");
	assert_redacted(s, folder, "");
	snprintf(within, sizeof(within), "x%s %s0", folder, folder); /* other words that hold it */
	assert_redacted(s, within, within);
	service_close(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_service__##name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(makes_an_org_and_key_on_first_start_only),
		TEST(knows_its_key_and_no_other),
		TEST(finds_what_was_appended_after_a_restart),
		TEST(pages_are_stable_while_records_arrive),
		TEST(cursors_belong_to_their_search),
		TEST(errors_name_the_parameter),
		TEST(idempotency_survives_a_restart),
		TEST(seals_and_verifies_offline),
		TEST(refuses_a_folder_whose_master_key_is_lost),
		TEST(errors_for_clients_do_not_say_where_the_folder_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
