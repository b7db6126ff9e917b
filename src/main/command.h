/* The commands of the program, in the manner of git: `stele <command> …`. */
#ifndef STELE_MAIN_COMMAND_H
#define STELE_MAIN_COMMAND_H

#include "base/err.h"
#include "main/exit_code.h"

struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit code */
};

#define COMMAND(name, summary) int cmd_##name(int argc, char **argv);
#include "main/command.tbl"
#undef COMMAND

/* NULL when there is no such command. */
const struct command *command_find(const char *name);
const struct command *command_at(size_t i); /* NULL past the last */

/* Prints "stele <command>: <message>" and returns `code`. */
int command_fail(const char *command, const struct err *err, int code);

#endif
