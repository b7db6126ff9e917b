/*
 * Which server a command talks to, and with which key: --url and --key, else the environment (STELE_URL, STELE_KEY),
 * else bootstrap.json of --data, else http://localhost:8470. Whom to trust for https is --ca, else STELE_CA, else the
 * system's list. A key is never printed.
 */
#ifndef STELE_MAIN_TARGET_H
#define STELE_MAIN_TARGET_H

#include "base/err.h"
#include "main/options.h"
#include "net/http_client.h"

struct target {
	const char *url; /* options */
	const char *key;
	const char *data;
	const char *ca;

	char *base;          /* resolved: URL without '/' at its end */
	char *authorization; /* "Authorization: Bearer …" */
};

/* The options' table rows. */
#define TARGET_SPECS(t)                                                                                                \
	{"url", OPTION_TEXT, "URL", "the server (STELE_URL, or http://localhost:8470)", &(t).url, 0, 0},               \
		{"key", OPTION_TEXT, "KEY", "the API key (STELE_KEY, or the one of --data)", &(t).key, 0, 0},          \
		{"ca",    OPTION_TEXT,                                                                                 \
		 "FILE",  "certificates (PEM) that vouch for the server (STELE_CA, or the system's)",                  \
		 &(t).ca, 0,                                                                                           \
		 0},                                                                                                   \
	{                                                                                                              \
		"data", OPTION_TEXT, "DIR", "take url and key from bootstrap.json of this data folder", &(t).data, 0,  \
			0                                                                                              \
	}

/* Fills base and authorization. E_INVALID: no key was given. */
int target_resolve(struct target *t, struct err *err) __attribute__((warn_unused_result));
void target_release(struct target *t);

/* Runs a request for `path` (with its query). An answer of 400 and more becomes an error: its code, message and details
 * as the server said them. */
int target_run(const struct target *t, struct http_client *client, struct http_request *request, const char *path,
	       struct http_answer *ret, struct err *err) __attribute__((warn_unused_result));

/* The exit code for an error of target_run: what the server refused is a fault, what kept us from it is not. */
int target_exit_code(int rc);

#endif
