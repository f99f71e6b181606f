/* The child that judges one password. */
#include <fcntl.h>
#include <string.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/monitor/verify.h"

/* The cost of an unknown user's password: that of the hashes that kereru(8)
 * makes. */
#define HASH_OPS 2
#define HASH_MEMORY ((size_t)19 << 20)
#define PROGRAM_SECONDS 30

/* A pipe to read from, which holds what stands before a program. -1: errno. */
static int
pipe_of(struct iovec const *v, int count)
{
	size_t len = 0;
	int ends[2];

	for (int i = 0; i < count; i++)
		len += v[i].iov_len;
	if (pipe2(ends, 0) < 0 || writev(ends[1], v, count) != (ssize_t)len)
		return -1;
	close(ends[1]);
	return ends[0];
}

static struct iovec
piece(char const *s, size_t len)
{
	return (struct iovec){(void *)(uintptr_t)s, len};
}

/* user NUL password NUL timestamp NUL on descriptor 3, then what to run when
 * the password is right: `true`. */
static bool
prepare_password(struct question const *q)
{
	struct iovec v[] = {piece(q->user, q->user_len), piece("", 1),
		piece(q->password, q->password_len), piece("\0000", 3)};
	int in = pipe_of(v, 4);

	return in >= 0 && (in == 3 || dup2(in, 3) == 3);
}

static bool
prepare_token(struct question const *q, int out)
{
	struct iovec v[] = {piece(q->token, strlen(q->token)), piece("\n", 1),
		piece(q->user, q->user_len), piece("\n", 1)};
	int in = pipe_of(v, 4);

	return in >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 &&
	       close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

/* One that hangs is given up: an alarm survives the exec. */
static void
run_program(struct question const *q, char const *program, int out)
{
	char *argv[] = {NULL, NULL, NULL}, *environment[] = {NULL};

	(void)alarm(PROGRAM_SECONDS);
	argv[0] = strdup(program);
	if (q->token == NULL)
		argv[1] = strdup("/bin/true");
	if (argv[0] != NULL &&
		(q->token == NULL ? argv[1] != NULL && prepare_password(q)
				  : prepare_token(q, out)))
		(void)execve(argv[0], argv, environment);
	_exit(111);
}

/* Whose a token is goes to auth as it came, a line: who has got the program's
 * output from it may hold that open for ever. */
static void
pass_on(int from)
{
	char owner[VERIFY_OWNER_MAX];
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < sizeof owner &&
		memchr(owner, '\n', len) == NULL) {
		n = read(from, owner + len, sizeof owner - len);
		len += n > 0 ? (size_t)n : 0;
	}
	close(from);
	(void)!write(3, owner, len);
}

/* Run in a child of ours, so that its end is seen whatever it does with its
 * descriptors. */
static int
ask_program(struct question const *q, char const *program)
{
	int out[2], status;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0)
		return 111;
	pid = fork();
	if (pid == 0)
		run_program(q, program, out[1]);
	close(out[1]);
	/* It may close that and go on, or be silent. */
	(void)alarm(PROGRAM_SECONDS + 1);
	if (pid > 0 && q->token != NULL)
		pass_on(out[0]);
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
verify_finish(struct question *q, char const *program,
	char owner_r[VERIFY_OWNER_MAX], size_t *len_r)
{
	ssize_t n = read(q->child_fd, owner_r, VERIFY_OWNER_MAX);
	int status;

	*len_r = n > 0 ? (size_t)n : 0;
	close(q->child_fd);
	q->child_fd = -1;
	if (waitpid(q->child, &status, 0) != q->child || !WIFEXITED(status))
		return REQUEST_LATER;
	if (WEXITSTATUS(status) == 0 && (q->is_known || program != NULL))
		return REQUEST_OK;
	return WEXITSTATUS(status) <= 1 ? REQUEST_DENIED : REQUEST_LATER;
}
