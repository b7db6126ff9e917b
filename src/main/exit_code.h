/* What the program tells the shell, the same for every command; docs/stele.1. */
#ifndef STELE_MAIN_EXIT_CODE_H
#define STELE_MAIN_EXIT_CODE_H

enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_FAULT = 1, /* it ran, and found faults or was refused: damage, bad events, no such event */
	EXIT_CODE_USAGE = 2, /* the command line is wrong */
	EXIT_CODE_CANNOT = 3 /* it could not run: no connection, no such folder, no room */
};

#endif
