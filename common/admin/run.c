/* Running a program of the system, without a shell. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/admin/run.h"

extern char **environ;

static void
tell_why(char const *program, int status, int said_fd)
{
	char said[4096];
	ssize_t n = pread(said_fd, said, sizeof said, 0);

	if (n > 0)
		(void)!write(2, said, (size_t)n);
	if (WIFEXITED(status))
		fprintf(stderr, "kereru: %s failed with exit code %d\n",
			program, WEXITSTATUS(status));
	else
		fprintf(stderr, "kereru: %s was killed\n", program);
}

static bool
run_with(char const *const *argv, int said_fd)
{
	posix_spawn_file_actions_t actions;
	/* posix_spawn takes pointers to what it does not change. */
	union {
		char const *const *in;
		char *const *out;
	} args = {.in = argv};
	pid_t pid;
	int status, error;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return false;
	error = posix_spawn_file_actions_addopen(
		&actions, 0, "/dev/null", O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_addopen(
			&actions, 1, "/dev/null", O_WRONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, said_fd, 2);
	if (error == 0)
		error = posix_spawnp(
			&pid, argv[0], &actions, NULL, args.out, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error != 0) {
		fprintf(stderr, "kereru: cannot run %s: %s\n", argv[0],
			strerror(error));
		return false;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	tell_why(argv[0], status, said_fd);
	return false;
}

bool
run_program(char const *const *argv)
{
	int said_fd = memfd_create("said", MFD_CLOEXEC);
	bool ok;

	if (said_fd < 0)
		return false;
	ok = run_with(argv, said_fd);
	close(said_fd);
	return ok;
}
