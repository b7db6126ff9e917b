/* What an error may tell a client of the server's files. */
#include <string.h>

#include "service/service_priv.h"

/* Where a path may begin in a message: not within a word, so that a folder of a short name does no harm. */
static bool is_start(const char *text, const char *at)
{
	return at == text || strchr(" '\"(:", at[-1]) != NULL;
}

static bool is_end(const char *at)
{
	return *at == '\0' || strchr("/ '\":)", *at) != NULL;
}

static void cut_folder(char *text, const char *folder)
{
	size_t len = strlen(folder);
	char *at = text;

	while (len > 0 && (at = strstr(at, folder))) {
		size_t cut = at[len] == '/' ? len + 1 : len;

		if (is_start(text, at) && is_end(at + len))
			memmove(at, at + cut, strlen(at + cut) + 1);
		else
			at++;
	}
}

void service_redact(const struct service *s, struct err *err)
{
	cut_folder(err->message, s->folder);
	cut_folder(err->field, s->folder);
}
