/* stele help: the commands, or the options of one. */
#include <stdio.h>

#include "main/command.h"

int cmd_help(int argc, char **argv)
{
	char option[] = "--help";
	char *words[] = {NULL, option, NULL};
	const struct command *command;

	if (argc > 1 && (command = command_find(argv[1])) && command->run != cmd_help) {
		words[0] = argv[1];
		return command->run(2, words);
	}
	printf("usage: stele <command> [options]\n\n"
	       "Stele keeps audit records so that nobody can change or drop one without being found out.\n\n"
	       "commands:\n");
	for (size_t i = 0; (command = command_at(i)); i++)
		printf("  %-10s %s\n", command->name, command->summary);
	printf("\n'stele help <command>' shows its options; 'man stele' has the rest.\n");
	return EXIT_CODE_OK;
}
