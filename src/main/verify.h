/*
 * What `stele verify` checks, one file each. All but a folder are checked against verifier keys from the command line
 * and nothing that comes with what is checked. Each prints what it found, and returns an exit code.
 */
#ifndef STELE_MAIN_VERIFY_H
#define STELE_MAIN_VERIFY_H

#include "base/err.h"
#include "main/target.h"
#include "main/vkey_list.h"

struct verify_options {
	struct target target; /* its url and key; its data is a folder to check */
	const char *file;     /* a bundle, or an event with `proof` */
	const char *vkey;
	const char *proof;
	const char *remember;
	const char *master_key; /* of a folder; NULL: the one in it */
	bool is_full;
	bool is_json;
};

int verify_folder(const struct verify_options *o);
int verify_bundle(const struct verify_options *o, const struct vkey_list *keys);
int verify_event(const struct verify_options *o, const struct vkey_list *keys);
int verify_server(struct verify_options *o, const struct vkey_list *keys);

/* Says that what was checked is not good, or why it could not be; returns the exit code. */
int verify_fail(const struct verify_options *o, const struct err *err);

#endif
