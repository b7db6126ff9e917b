/* Options of commands. */
#include "main/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "main/command.h"

#define NAME_WIDTH 26

static void print_help(const struct options *o)
{
	const struct command *command = command_find(o->command);

	printf("usage: stele %s%s%s%s\n\n%s\n", o->command, o->spec_count ? " [options]" : "", o->operand ? " " : "",
	       o->operand ? o->operand : "", command ? command->summary : "");
	if (o->about)
		printf("\n%s\n", o->about);
	printf("\noptions:\n");
	for (size_t i = 0; i < o->spec_count; i++) {
		char name[NAME_WIDTH + 8];
		const struct option_spec *spec = &o->specs[i];
		char letter[8] = "";

		if (spec->letter)
			snprintf(letter, sizeof(letter), "-%c, ", spec->letter);
		snprintf(name, sizeof(name), "%s--%s%s%s", letter, spec->name, spec->argument ? " " : "",
			 spec->argument ? spec->argument : "");
		printf("  %-*s %s\n", NAME_WIDTH, name, spec->help);
	}
	printf("  %-*s %s\n", NAME_WIDTH, "--help", "show this");
}

static const struct option_spec *find_spec(const struct options *o, const char *name, size_t len)
{
	for (size_t i = 0; i < o->spec_count; i++) {
		if (strlen(o->specs[i].name) == len && strncmp(o->specs[i].name, name, len) == 0)
			return &o->specs[i];
	}
	return NULL;
}

static const struct option_spec *find_letter(const struct options *o, char letter)
{
	for (size_t i = 0; i < o->spec_count; i++) {
		if (letter != '\0' && o->specs[i].letter == letter)
			return &o->specs[i];
	}
	return NULL;
}

static int complain(const struct options *o, const char *what, const char *word)
{
	fprintf(stderr, "stele %s: %s '%s'; see 'stele %s --help'\n", o->command, what, word, o->command);
	return -1;
}

static int set_number(const struct options *o, const struct option_spec *spec, const char *value)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || n < spec->min || n > spec->max) {
		fprintf(stderr, "stele %s: --%s takes a number from %u to %u, not '%s'\n", o->command, spec->name,
			spec->min, spec->max, value);
		return -1;
	}
	*(uint32_t *)spec->to = (uint32_t)n;
	return 0;
}

/* Takes the option at argv[*at], and its value. */
static int take_option(const struct options *o, int argc, char **argv, int *at)
{
	bool is_letter = argv[*at][1] != '-';
	const char *word = argv[*at] + 2;
	const char *equals = is_letter ? NULL : strchr(word, '=');
	const struct option_spec *spec = is_letter
						 ? find_letter(o, argv[*at][1])
						 : find_spec(o, word, equals ? (size_t)(equals - word) : strlen(word));
	const char *value = equals ? equals + 1 : NULL;

	if (!spec)
		return complain(o, "there is no option", argv[*at]);
	if (spec->kind == OPTION_FLAG) {
		*(bool *)spec->to = true;
		return value ? complain(o, "no value is taken by", argv[*at]) : 0;
	}
	if (!value && *at + 1 < argc)
		value = argv[++*at];
	if (!value)
		return complain(o, "a value is missing after", argv[*at]);
	if (spec->kind == OPTION_NUMBER)
		return set_number(o, spec, value);
	*(const char **)spec->to = value;
	return 0;
}

static int take_operand(const struct options *o, const char *word, const char **operand)
{
	if (!o->operand)
		return complain(o, "nothing is taken but options, not", word);
	if (*operand)
		return complain(o, "one operand is taken, and there is another:", word);
	*operand = word;
	return 0;
}

/* "-" and what begins with a letter that nobody gave are operands: a query may begin so. */
static bool is_option(const struct options *o, const char *word)
{
	if (word[0] != '-')
		return false;
	return word[1] == '-' || (word[1] != '\0' && word[2] == '\0' && find_letter(o, word[1]));
}

int options_parse(const struct options *o, int argc, char **argv, const char **ret_operand, int *ret_code)
{
	const char *operand = NULL;
	bool are_over = false;

	for (int i = 1; i < argc; i++) {
		int rc;

		if (!are_over && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			print_help(o);
			*ret_code = EXIT_CODE_OK;
			return 1;
		}
		if (!are_over && strcmp(argv[i], "--") == 0) {
			are_over = true;
			continue;
		}
		if (!are_over && is_option(o, argv[i]))
			rc = take_option(o, argc, argv, &i);
		else
			rc = take_operand(o, argv[i], &operand);
		if (rc < 0) {
			*ret_code = EXIT_CODE_USAGE;
			return 1;
		}
	}
	if (ret_operand)
		*ret_operand = operand;
	return 0;
}
