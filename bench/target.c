/* Looking at the server from outside. */
#include "target.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define IDLE_WINDOW_MS  100
#define IDLE_WINDOWS    10      /* quiet ones in a row: sealing starts up to half a second after the last event */
#define IDLE_CPU_NS_MAX 3000000 /* of a window: what timers and an idle poll may cost */
#define BYTES_PER_MIB   1048576.0

static void sleep_us(int64_t us)
{
	const struct timespec pause = {us / 1000000, us % 1000000 * 1000};

	nanosleep(&pause, NULL);
}

int64_t target_cpu_ns(const struct target *t)
{
	clockid_t clock;
	struct timespec now;

	if (t->pid == 0 || clock_getcpuclockid(t->pid, &clock) != 0 || clock_gettime(clock, &now) != 0)
		return 0;
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The value of an unlabelled metric; 0 when the server has none of that name. */
static double metric(struct span text, const char *name)
{
	char line[80];
	const char *at;
	int n = snprintf(line, sizeof(line), "\n%s ", name);

	at = memmem(text.p, text.len, line, (size_t)n);
	return at ? strtod(at + n, NULL) : 0;
}

void target_usage(const struct target *t, struct target_usage *ret)
{
	struct wire_reply reply = WIRE_REPLY_INIT;

	*ret = (struct target_usage){.wall_ns = clock_mono_ns(), .cpu_ns = target_cpu_ns(t)};
	if (wire_fetch(&t->address, "GET", "/metrics", NULL, &reply, NULL) == 0 && reply.status == 200) {
		buf_put_u8(&reply.bytes, 0);
		ret->commits = metric(wire_reply_body(&reply), "stele_commits_total");
		ret->records = metric(wire_reply_body(&reply), "stele_records_appended_total");
	}
	wire_reply_release(&reply);
}

int64_t target_wait_idle(const struct target *t, int limit_s)
{
	int64_t worked_ns = clock_mono_ns();
	int64_t limit_ns = worked_ns + (int64_t)limit_s * 1000000000;
	int64_t cpu_ns = target_cpu_ns(t);
	int quiet = 0;

	while (quiet < IDLE_WINDOWS && clock_mono_ns() < limit_ns) {
		int64_t now_ns;

		sleep_us(IDLE_WINDOW_MS * 1000);
		now_ns = target_cpu_ns(t);
		quiet++;
		if (now_ns - cpu_ns > IDLE_CPU_NS_MAX) {
			quiet = 0;
			worked_ns = clock_mono_ns();
		}
		cpu_ns = now_ns;
	}
	return worked_ns;
}

/* ---- disk ---- */

static void count_file(struct target_disk *d, const char *below, uint64_t bytes)
{
	if (strncmp(below, "journal", 7) == 0)
		d->journal += bytes;
	else if (strncmp(below, "segments", 8) == 0)
		d->segments += bytes;
	else
		d->other += bytes;
}

/* Files may vanish while they are counted: the server merges and frees. */
int target_disk(const struct target *t, struct target_disk *ret, struct err *err)
{
	char *const roots[] = {(char *)(uintptr_t)t->folder, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	struct target_disk d = {0};
	size_t skip = strlen(t->folder);
	FTSENT *entry;

	if (!walk)
		return err_errno(err, errno, "%s", t->folder);
	while ((entry = fts_read(walk)) != NULL) {
		const char *below = entry->fts_path + skip;

		if (entry->fts_info == FTS_F)
			count_file(&d, below + strspn(below, "/"), (uint64_t)entry->fts_statp->st_blocks * 512);
	}
	fts_close(walk);
	*ret = d;
	return 0;
}

int target_report_disk(const struct target *t, uint64_t events, struct report *r, struct err *err)
{
	struct target_disk d;
	double total;
	int rc;

	if (!t->folder)
		return 0;
	if ((rc = target_disk(t, &d, err)) < 0)
		return rc;
	total = (double)(d.journal + d.segments + d.other);
	report_add(r, "disk_mib", total / BYTES_PER_MIB);
	report_add(r, "disk_journal_mib", (double)d.journal / BYTES_PER_MIB);
	report_add(r, "disk_segments_mib", (double)d.segments / BYTES_PER_MIB);
	report_add(r, "disk_other_mib", (double)d.other / BYTES_PER_MIB);
	if (events > 0) {
		report_add(r, "disk_bytes_per_event", total / (double)events);
		report_add(r, "segment_bytes_per_event", (double)d.segments / (double)events);
	}
	return 0;
}

/* ---- memory ---- */

/* A line of /proc/PID/status in kibibytes, as mebibytes. */
static double status_mib(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtod(at + strlen(name), NULL) / 1024 : 0;
}

void target_report_memory(const struct target *t, struct report *r)
{
	char path[64];
	char text[4096];
	FILE *file;
	size_t n;

	if (t->pid == 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)t->pid);
	file = fopen(path, "r");
	if (!file)
		return;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	report_add(r, "rss_mib", status_mib(text, "\nVmRSS:"));
	report_add(r, "rss_anonymous_mib", status_mib(text, "\nRssAnon:"));
	report_add(r, "rss_peak_mib", status_mib(text, "\nVmHWM:"));
}

int target_wait_ready(const struct target *t, int limit_s, struct err *err)
{
	struct wire_reply reply = WIRE_REPLY_INIT;
	int64_t limit_ns = clock_mono_ns() + (int64_t)limit_s * 1000000000;
	bool is_ready = false;

	while (!is_ready && clock_mono_ns() < limit_ns) {
		is_ready = wire_fetch(&t->address, "GET", "/readyz", NULL, &reply, NULL) == 0 && reply.status == 200;
		if (!is_ready)
			sleep_us(1000);
	}
	wire_reply_release(&reply);
	return is_ready ? 0 : err_set(err, E_TIMEOUT, "%s was not ready in %d s", t->address.host, limit_s);
}
