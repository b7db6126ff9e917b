/*
 * Evidence bundles: archives from anywhere. The seeds are two of 301 records of a real log, so that what is changed
 * behind their checkpoint is reached; whatever is made of them, none proves anything but what was logged.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "service/bundle.h"

#define VKEY "localhost/log/default/main+10b15baa+AUabIm0gHZwkvaeLER7guMoljiHn2jfx6gAsstPjVGEy"
#define SIZE 301u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void remove_file(void)
{
	(void)unlink(path);
}

static void write_file(const uint8_t *data, size_t size)
{
	int fd;

	if (path[0] == '\0') {
		snprintf(path, sizeof(path), "/dev/shm/stele-fuzz-bundle-%d", (int)getpid());
		must(atexit(remove_file) == 0);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bundle_facts facts;
	struct note_vkey key;
	struct err err = ERR_INIT;
	int rc;

	must(note_vkey_parse(SPAN_LIT(VKEY), &key, NULL) == 0);
	write_file(data, size);
	rc = bundle_verify(path, &key, 1, &facts, &err);
	if (rc < 0) {
		must(err.message[0] != '\0' && err.field[0] != '\0');
		return 0;
	}
	must(facts.size == SIZE && facts.first <= facts.next && facts.next <= SIZE);
	must(facts.shown + facts.withheld == facts.next - facts.first);
	return 0;
}
