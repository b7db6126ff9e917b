/*
 * Commands that administrate over HTTP: a verb, options that become members of a JSON object, and the answer printed.
 * What there is of orgs, keys and roles is a table each (struct admin_noun); this runs them.
 */
#ifndef STELE_MAIN_ADMIN_H
#define STELE_MAIN_ADMIN_H

#include <stdbool.h>
#include <stddef.h>

struct admin_verb {
	const char *name;
	const char *method;
	const char *path; /* with "%s" where the operand goes */
	bool has_operand;
	bool has_body; /* the options that are given */
};

struct admin_member {
	const char *option; /* as the command line has it */
	const char *member; /* as the API has it */
	const char *argument;
	const char *help;
};

struct admin_noun {
	const char *command;
	const char *operand; /* how help names it */
	const char *about;
	const struct admin_verb *verbs;
	size_t verb_count;
	const struct admin_member *members;
	size_t member_count;
	const char *list;           /* the array of a list's answer */
	const char *const *columns; /* members that a list prints, NULL at the end */
};

#define ADMIN_MEMBERS_MAX 12

/* Returns an exit code. argv[0] is the command's name, argv[1] the verb. */
int admin_run(const struct admin_noun *noun, int argc, char **argv);

#endif
