#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/thread.h"
#include "net/http_client.h"

/* A server that answers one connection's first request with fixed bytes and keeps what it was sent. */
struct one_shot {
	int fd;
	char url[64];
	const char *answer;
	char got[4096];
	struct thread thread;
};

static void *serve_once(void *arg)
{
	struct one_shot *s = arg;
	int fd = accept(s->fd, NULL, NULL);
	ssize_t n = 0;
	ssize_t more;

	while (!strstr(s->got, "END") && (more = read(fd, s->got + n, sizeof(s->got) - 1 - (size_t)n)) > 0)
		n += more;
	if (write(fd, s->answer, strlen(s->answer)) < 0)
		s->got[0] = '\0';
	close(fd);
	return NULL;
}

static void start(struct one_shot *s, const char *answer)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);

	memset(s, 0, sizeof(*s));
	s->answer = answer;
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 1), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d/x", ntohs(a.sin_port));
	thread_start(&s->thread, "one-shot", serve_once, s);
}

static void stop(struct one_shot *s)
{
	thread_join(&s->thread);
	close(s->fd);
}

static void test_http_client__posts_and_reads_the_answer(void **state)
{
	const char *const headers[] = {"X-Test: 1", NULL};
	struct http_client *c = http_client_new();
	struct http_answer answer = HTTP_ANSWER_INIT;
	struct http_request request = {.method = "POST", .headers = headers, .body = SPAN_LIT("hello END")};
	struct one_shot s;
	struct span value;

	start(&s, "HTTP/1.1 201 Created\r\nContent-Length: 3\r\nx-kind:  good \r\n\r\nyes");
	request.url = s.url;
	assert_int_equal(http_client_run(c, &request, &answer, NULL), 0);
	assert_int_equal(answer.status, 201);
	assert_true(span_eq_str(buf_span(&answer.body), "yes"));
	assert_true(http_answer_header(&answer, "X-Kind", &value));
	assert_true(span_eq_str(value, "good"));
	assert_false(http_answer_header(&answer, "X-Kin", &value));
	assert_non_null(strstr(s.got, "POST /x HTTP/1.1"));
	assert_non_null(strstr(s.got, "X-Test: 1"));
	assert_null(strstr(s.got, "Expect"));
	stop(&s);
	http_answer_release(&answer);
	http_client_free(c);
}

static void test_http_client__says_when_nobody_answers(void **state)
{
	struct http_client *c = http_client_new();
	struct http_answer answer = HTTP_ANSWER_INIT;
	struct http_request request = {.method = "GET", .url = "http://127.0.0.1:1/"};
	struct err err = ERR_INIT;

	assert_int_equal(http_client_run(c, &request, &answer, &err), E_UNAVAILABLE);
	assert_non_null(strstr(err.message, "127.0.0.1"));
	request.url = "file:///etc/passwd";
	assert_int_equal(http_client_run(c, &request, &answer, &err), E_INVALID);
	http_answer_release(&answer);
	http_client_free(c);
}

static void test_http_client__encodes_parameters(void **state)
{
	struct buf url = BUF_INIT;

	buf_put_str(&url, "/v1");
	http_put_parameter(&url, "q", SPAN_LIT("a b&c=\"ä\"*~"));
	http_put_parameter(&url, "n", SPAN_LIT("1"));
	assert_true(span_eq_str(buf_span(&url), "/v1?q=a%20b%26c%3D%22%C3%A4%22%2A~&n=1"));
	buf_release(&url);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_client__posts_and_reads_the_answer),
		cmocka_unit_test(test_http_client__says_when_nobody_answers),
		cmocka_unit_test(test_http_client__encodes_parameters),
	};
	int failed;

	http_client_global_init();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	http_client_global_release();
	return failed;
}
