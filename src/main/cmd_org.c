/* stele org: the tenants of a server, for those who operate it. */
#include "main/admin.h"
#include "main/command.h"

static const struct admin_verb verbs[] = {
	{"list", "GET", "/v1/orgs", false, false},       {"show", "GET", "/v1/orgs/%s", true, false},
	{"create", "POST", "/v1/orgs", false, true},     {"change", "PUT", "/v1/orgs/%s", true, true},
	{"key", "POST", "/v1/orgs/%s/keys", true, true},
};

static const struct admin_member members[] = {
	{"org-key", "org_key", "KEY", "of a new org: what names it in URLs, for good"},
	{"name", "name", "TEXT", "what it, or with 'key' its key, is called"},
	{"account-type", "account_type", "WORD", "which retention plan it has"},
	{"request-rate", "request_rate", "N", "requests a second; 0: no limit"},
	{"event-rate", "event_rate", "N", "events a second; 0: no limit"},
	{"disabled", "disabled", "true|false", "whether nobody gets in"},
	{"first-key", "key", "true|false", "of a new org: make an owner's key too"},
	{"role", "role", "NAME", "with 'key': of the new key"},
};

static const char *const columns[] = {"org_key", "name", "account_type", "disabled", "created", NULL};

int cmd_org(int argc, char **argv)
{
	static const struct admin_noun noun = {
		.command = "org",
		.operand = "ORG_KEY",
		.about = "stele org list | show KEY | create --org-key KEY --name TEXT [--first-key true] | change KEY "
			 "… |\n"
			 "key KEY --role NAME. Secrets are printed once, with the answer that makes them.",
		.verbs = verbs,
		.verb_count = sizeof(verbs) / sizeof(verbs[0]),
		.members = members,
		.member_count = sizeof(members) / sizeof(members[0]),
		.list = "orgs",
		.columns = columns,
	};

	return admin_run(&noun, argc, argv);
}
