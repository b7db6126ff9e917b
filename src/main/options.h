/*
 * Options of a command: a table says what there is, and both parsing and --help come from it. "--name value" and
 * "--name=value", "-n value" where a letter is given; "--" ends the options; everything else is an operand.
 */
#ifndef STELE_MAIN_OPTIONS_H
#define STELE_MAIN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind { OPTION_TEXT, OPTION_FLAG, OPTION_NUMBER };

struct option_spec {
	const char *name; /* without "--" */
	enum option_kind kind;
	const char *argument; /* how help names the value */
	const char *help;
	void *to; /* TEXT: const char **, borrowed from argv; FLAG: bool *; NUMBER: uint32_t * */
	uint32_t min;
	uint32_t max;
	char letter; /* "-o" stands for it too; 0: none does */
};

struct options {
	const char *command;
	const char *operand; /* how help names it; NULL: none is taken */
	const char *about;   /* what help says below the usage line; NULL: nothing */
	const struct option_spec *specs;
	size_t spec_count;
};

/* The row of every command that opens a data folder. */
#define MASTER_KEY_SPEC(to)                                                                                            \
	{                                                                                                              \
		"master-key", OPTION_TEXT, "SOURCE", "file:PATH, env:NAME or command:COMMAND (file:DIR/master.key)",   \
			&(to), 0, 0                                                                                    \
	}

#define OPTIONS_COUNT(specs) (sizeof(specs) / sizeof((specs)[0]))

/* 0: go on, with *ret_operand the operand or NULL; otherwise the command ends with *ret_code: help was printed, or the
 * command line is wrong and that was said. */
int options_parse(const struct options *o, int argc, char **argv, const char **ret_operand, int *ret_code);

#endif
