/* stele role: the roles of an org. */
#include "main/admin.h"
#include "main/command.h"

static const struct admin_verb verbs[] = {
	{"list", "GET", "/v1/roles", false, false},        {"show", "GET", "/v1/roles/%s", true, false},
	{"create", "POST", "/v1/roles", false, true},      {"change", "PUT", "/v1/roles/%s", true, true},
	{"remove", "DELETE", "/v1/roles/%s", true, false},
};

static const struct admin_member members[] = {
	{"name", "name", "NAME", "of a new role"},
	{"permissions", "permissions", "LIST", "names with commas between; see GET /v1/permissions"},
	{"description", "description", "TEXT", "what it is for"},
};

static const char *const columns[] = {"name", "built_in", "permissions", NULL};

int cmd_role(int argc, char **argv)
{
	static const struct admin_noun noun = {
		.command = "role",
		.operand = "NAME",
		.about = "stele role list | show NAME | create --name NAME --permissions LIST | change NAME … | remove "
			 "NAME.",
		.verbs = verbs,
		.verb_count = sizeof(verbs) / sizeof(verbs[0]),
		.members = members,
		.member_count = sizeof(members) / sizeof(members[0]),
		.list = "roles",
		.columns = columns,
	};

	return admin_run(&noun, argc, argv);
}
