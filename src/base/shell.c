/* The command has a process group of its own, so that what it started ends with it. */
#include "base/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define NS_PER_MS 1000000

extern char **environ;

/* Starts the command with `out` as its standard output. The signals that we block for our own threads are not its. */
static int start(const char *command, int out, pid_t *ret_pid)
{
	char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)(uintptr_t)command, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int rc;

	sigemptyset(&none);
	must(posix_spawn_file_actions_init(&actions) == 0 && posix_spawnattr_init(&attributes) == 0);
	must(posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0);
	must(posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) == 0);
	must(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP) == 0);
	must(posix_spawnattr_setsigmask(&attributes, &none) == 0 && posix_spawnattr_setpgroup(&attributes, 0) == 0);
	rc = posix_spawn(ret_pid, "/bin/sh", &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

/* Waits until there is something to read, or the end of it; false when the time is over. */
static bool wait_for_output(int fd, int64_t end_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do {
		int64_t left_ns = end_ns - clock_mono_ns();

		if (left_ns <= 0)
			return false;
		n = poll(&p, 1, (int)(left_ns / NS_PER_MS) + 1);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return true;
}

/* Reads to the end; one byte more than `cap` would be too many. */
static int read_output(int fd, int64_t timeout_ms, uint8_t *to, size_t cap, size_t *ret_len, struct err *err)
{
	int64_t end_ns = clock_mono_ns() + timeout_ms * NS_PER_MS;
	size_t len = 0;
	ssize_t n = 1;

	while (n != 0) {
		uint8_t more;

		if (!wait_for_output(fd, end_ns))
			return err_set(err, E_TIMEOUT, "the command has not ended after %lld ms",
				       (long long)timeout_ms);
		n = read(fd, len < cap ? to + len : &more, len < cap ? cap - len : 1);
		if (n < 0 && errno != EINTR)
			return err_errno(err, errno, "reading what the command prints");
		if (n > 0 && len == cap)
			return err_set(err, E_TOO_LARGE, "the command prints more than %zu bytes", cap);
		len += n > 0 ? (size_t)n : 0;
	}
	*ret_len = len;
	return 0;
}

static int wait_for_end(pid_t pid, struct err *err)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		return err_set(err, E_IO, "the command ended with status %d", WEXITSTATUS(status));
	return err_set(err, E_IO, "the command ended by signal %d", WTERMSIG(status));
}

int shell_read(const char *command, int64_t timeout_ms, uint8_t *to, size_t cap, size_t *ret_len, struct err *err)
{
	int fd[2], rc, end;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return err_errno(err, errno, "making a pipe");
	rc = start(command, fd[1], &pid);
	(void)close(fd[1]);
	if (rc < 0) {
		(void)close(fd[0]);
		return err_errno(err, -rc, "running a command");
	}
	rc = read_output(fd[0], timeout_ms, to, cap, ret_len, err);
	if (rc < 0)
		(void)kill(-pid, SIGKILL);
	(void)close(fd[0]);
	end = wait_for_end(pid, rc < 0 ? NULL : err);
	if (rc == 0)
		rc = end;
	if (rc < 0)
		mem_wipe(to, cap);
	return rc;
}
