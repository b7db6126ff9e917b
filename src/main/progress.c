/* The progress line. */
#include "main/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define REDRAW_NS 100000000
#define BAR_WIDTH 24

void progress_start(struct progress *p, bool is_quiet)
{
	p->is_shown = !is_quiet && isatty(STDERR_FILENO);
	p->start_ns = clock_mono_ns();
	p->last_ns = 0;
}

static void draw_bar(uint64_t done, uint64_t size)
{
	int filled = (int)(done >= size ? BAR_WIDTH : done * BAR_WIDTH / size);

	fprintf(stderr, "[");
	for (int i = 0; i < BAR_WIDTH; i++)
		fputc(i < filled ? '#' : '.', stderr);
	fprintf(stderr, "] %3d%%  ", (int)(done >= size ? 100 : done * 100 / size));
}

void progress_draw(struct progress *p, uint64_t events, uint64_t done_bytes, uint64_t size_bytes)
{
	int64_t now_ns = clock_mono_ns();
	double seconds = (double)(now_ns - p->start_ns) / 1e9;

	if (!p->is_shown || now_ns - p->last_ns < REDRAW_NS)
		return;
	p->last_ns = now_ns;
	fprintf(stderr, "\r\033[K");
	if (size_bytes > 0)
		draw_bar(done_bytes, size_bytes);
	fprintf(stderr, "%llu events, %.0f/s", (unsigned long long)events,
		seconds > 0 ? (double)events / seconds : 0.0);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->is_shown)
		fprintf(stderr, "\r\033[K");
}
