/* A folder of a test's own below /tmp, and its removal with all that is in it. */
#ifndef STELE_TESTS_TEMP_FOLDER_H
#define STELE_TESTS_TEMP_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TEMP_FOLDER_MAX 64

static inline int temp_folder_make(char path[TEMP_FOLDER_MAX])
{
	snprintf(path, TEMP_FOLDER_MAX, "/tmp/stele-test-XXXXXX");
	return mkdtemp(path) ? 0 : -1;
}

static inline int temp_folder__remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	return remove(path);
}

static inline int temp_folder_remove(const char *path)
{
	return nftw(path, temp_folder__remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
