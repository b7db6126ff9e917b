/* The verifier keys that a command is given: one as text, or a file with one a line ('#' begins a comment line). */
#ifndef STELE_MAIN_VKEY_LIST_H
#define STELE_MAIN_VKEY_LIST_H

#include "crypto/note.h"

#define VKEY_LIST_MAX 64u /* keys of a log over its life */

struct vkey_list {
	struct note_vkey key[VKEY_LIST_MAX];
	size_t count; /* at least one, once read */
};

/* E_NOT_FOUND: it is neither a key nor a file; E_SYNTAX, E_TOO_LARGE, E_IO. */
int vkey_list_read(const char *text, struct vkey_list *ret, struct err *err) __attribute__((warn_unused_result));

#endif
