/* The child that judges one password. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/monitor/verify.h"

/* The cost of an unknown user's password: that of the hashes that kereru(8)
 * makes. */
#define HASH_OPS 2
#define HASH_MEMORY ((size_t)19 << 20)
#define PROGRAM_SECONDS 30

/* user NUL password NUL timestamp NUL on descriptor 3, then what to run when
 * the password is right: `true`. Returns only if it could not be run. */
static void
run_program(struct question const *q, char const *program)
{
	char *argv[] = {NULL, NULL, NULL}, *environment[] = {NULL};
	int in[2];

	argv[0] = strdup(program);
	argv[1] = strdup("/bin/true");
	if (argv[0] == NULL || argv[1] == NULL || pipe2(in, 0) < 0 ||
		write(in[1], q->user, q->user_len) < 0 ||
		write(in[1], "", 1) < 0 ||
		write(in[1], q->password, q->password_len) < 0 ||
		write(in[1], "\0000", 3) < 0)
		return;
	close(in[1]);
	if (in[0] == 3 || dup2(in[0], 3) == 3)
		(void)execve(argv[0], argv, environment);
}

/* Run in a child of ours, so that its end is seen whatever it does with its
 * descriptors. One that hangs is given up: an alarm survives the exec. */
static int
ask_program(struct question const *q, char const *program)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)alarm(PROGRAM_SECONDS);
		run_program(q, program);
		_exit(111);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 111;
	return WEXITSTATUS(status);
}

/* The child's exit code, as checkpassword's: 0 right, 1 wrong, 111 later. An
 * unknown user costs what a known one does. */
static int
verify(struct question const *q, char const *program)
{
	char made[crypto_pwhash_STRBYTES];
	void *memory;

	if (program != NULL)
		return ask_program(q, program);
	if (!q->is_known)
		return crypto_pwhash_str(made, q->password, q->password_len,
			       HASH_OPS, HASH_MEMORY) == 0
			       ? 1
			       : 111;
	/* libsodium calls it a mismatch when it has no memory. */
	memory = mmap(NULL, HASH_MEMORY, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 111;
	munmap(memory, HASH_MEMORY);
	return crypto_pwhash_str_verify(
		       q->hash, q->password, q->password_len) == 0
		       ? 0
		       : 1;
}

bool
verify_start(struct question *q, char const *program)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	q->child = fork();
	if (q->child == 0) {
		/* Sessions and other children's pipes: held open here, their
		 * ends would go unseen. */
		if (dup2(ends[1], 3) < 0 || close_range(4, ~0U, 0) < 0)
			_exit(111);
		_exit(verify(q, program));
	}
	close(ends[1]);
	q->child_fd = ends[0];
	if (q->child > 0)
		return true;
	close(ends[0]);
	return false;
}

enum request_verdict
verify_finish(struct question *q, char const *program)
{
	int status;

	close(q->child_fd);
	q->child_fd = -1;
	if (waitpid(q->child, &status, 0) != q->child || !WIFEXITED(status))
		return REQUEST_LATER;
	if (WEXITSTATUS(status) == 0 && (q->is_known || program != NULL))
		return REQUEST_OK;
	return WEXITSTATUS(status) <= 1 ? REQUEST_DENIED : REQUEST_LATER;
}
