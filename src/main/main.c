/* The program: finds the command and runs it. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "main/command.h"
#include "net/http_client.h"

static const struct command commands[] = {
#define COMMAND(name, summary) {#name, summary, cmd_##name},
#include "main/command.tbl"
#undef COMMAND
};

const struct command *command_at(size_t i)
{
	return i < sizeof(commands) / sizeof(commands[0]) ? &commands[i] : NULL;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; command_at(i); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

int command_fail(const char *command, const struct err *err, int code)
{
	fprintf(stderr, "stele %s: %s\n", command, err->message[0] ? err->message : err_meaning(err->code));
	return code;
}

/* "--help" and "--version" in front are the commands of that name. */
static const char *command_name(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return "help";
	return strcmp(word, "--version") == 0 ? "version" : word;
}

int main(int argc, char **argv)
{
	const struct command *command;
	int code;

	signal(SIGPIPE, SIG_IGN); /* a broken pipe or connection is an error of the write, not the end of us */
	if (argc < 2) {
		char help[] = "help";
		char *words[] = {help, NULL};

		(void)cmd_help(1, words);
		return EXIT_CODE_USAGE;
	}
	command = command_find(command_name(argv[1]));
	if (!command) {
		fprintf(stderr, "stele: there is no command '%s'; see 'stele help'\n", argv[1]);
		return EXIT_CODE_USAGE;
	}
	http_client_global_init();
	code = command->run(argc - 1, argv + 1);
	http_client_global_release();
	if (fflush(stdout) != 0 && code == EXIT_CODE_OK)
		code = EXIT_CODE_CANNOT;
	return code;
}
