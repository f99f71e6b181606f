/* A program that tells spam by its words. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "common/classifier.h"

/* Where the program finds the text; a new look at it each time. */
#define TEXT_FD 9
#define TEXT_NAME "/proc/self/fd/9\n"

static bool
write_all(int fd, char const *s, size_t len, bool at_start)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = at_start ? pwrite(fd, s + at, len - at, (off_t)at)
				     : write(fd, s + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* In the child: become the program, with fds 0 and 1 as given. */
static void
become(char const *const *argv, int in, int out, int text)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *args[8], *environment[] = {NULL};
	size_t n = 0;

	(void)signal(SIGPIPE, SIG_DFL);
	if (out < 0)
		out = null;
	/* None of those that are moved may lie where one is moved to. */
	in = fcntl(in, F_DUPFD_CLOEXEC, 20);
	out = fcntl(out, F_DUPFD_CLOEXEC, 20);
	if (text >= 0)
		text = fcntl(text, F_DUPFD_CLOEXEC, 20);
	if (in < 0 || out < 0 || null < 0 || dup2(in, 0) < 0 ||
		dup2(out, 1) < 0 || dup2(null, 2) < 0 ||
		(text >= 0 && dup2(text, TEXT_FD) < 0))
		_exit(111);
	for (; argv[n] != NULL && n < 7; n++)
		memcpy(&args[n], &argv[n], sizeof *args);
	args[n] = NULL;
	execve(args[0], args, environment);
	_exit(111);
}

bool
classifier_start(struct classifier *c, char const *program, char const *folder)
{
	char const *argv[] = {program, "-T", "-b", "-d", folder, NULL};
	int in[2] = {-1, -1}, out[2] = {-1, -1};
	int error;

	*c = (struct classifier)CLASSIFIER_ZERO;
	c->text_fd = memfd_create("text", MFD_CLOEXEC);
	if (c->text_fd < 0 || pipe2(in, O_CLOEXEC) < 0 ||
		pipe2(out, O_CLOEXEC) < 0)
		goto fail;
	c->pid = fork();
	if (c->pid < 0)
		goto fail;
	if (c->pid == 0)
		become(argv, in[0], out[1], c->text_fd);
	close(in[0]);
	close(out[1]);
	c->in_fd = in[1];
	c->out_fd = out[0];
	return true;
fail:
	error = errno;
	for (int i = 0; i < 2; i++) {
		if (in[i] >= 0)
			close(in[i]);
		if (out[i] >= 0)
			close(out[i]);
	}
	if (c->text_fd >= 0)
		close(c->text_fd);
	*c = (struct classifier)CLASSIFIER_ZERO;
	errno = error;
	return false;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One line of an answer, its end cut. */
static bool
read_line(int fd, char line[CLASSIFIER_LINE_MAX], size_t *len_r, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	size_t len = 0;

	while (len < CLASSIFIER_LINE_MAX) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = end - now_ms();
		int r = left > 0 ? poll(&p, 1, (int)left) : 0;
		ssize_t n;

		if (r < 0 && errno == EINTR)
			continue;
		if (r == 0)
			errno = ETIMEDOUT;
		if (r <= 0)
			return false;
		n = read(fd, line + len, CLASSIFIER_LINE_MAX - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EPIPE;
		if (n <= 0)
			return false;
		len += (size_t)n;
		if (line[len - 1] == '\n') {
			*len_r = len - 1;
			return true;
		}
	}
	errno = EPROTO;
	return false;
}

bool
classifier_test(struct classifier *c, char const *s, size_t len, int timeout_ms,
	enum classifier_verdict *verdict_r, unsigned *thousandths_r)
{
	char line[CLASSIFIER_LINE_MAX];
	size_t line_len;

	if (ftruncate(c->text_fd, 0) < 0 ||
		!write_all(c->text_fd, s, len, true) ||
		!write_all(c->in_fd, TEXT_NAME, sizeof TEXT_NAME - 1, false) ||
		!read_line(c->out_fd, line, &line_len, timeout_ms))
		return false;
	if (classifier_parse(line, line_len, verdict_r, thousandths_r))
		return true;
	errno = EPROTO;
	return false;
}

/* Whether it has ended within ms. */
static bool
has_ended(pid_t pid, int ms)
{
	struct timespec pause = {.tv_nsec = 5000000};

	for (int waited = 0; waited <= ms; waited += 5) {
		pid_t r = waitpid(pid, NULL, WNOHANG);

		if (r == pid || (r < 0 && errno != EINTR))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

void
classifier_end(struct classifier *c)
{
	if (c->in_fd >= 0)
		close(c->in_fd);
	if (c->out_fd >= 0)
		close(c->out_fd);
	if (c->text_fd >= 0)
		close(c->text_fd);
	if (c->pid > 0 && !has_ended(c->pid, 1000)) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	*c = (struct classifier)CLASSIFIER_ZERO;
}

bool
classifier_learn(char const *program, char const *folder,
	enum classifier_lesson lesson, char const *s, size_t len)
{
	char option[] = {'-', (char)lesson, '\0'};
	char const *argv[] = {program, option, "-d", folder, NULL};
	int fd = memfd_create("text", MFD_CLOEXEC), status, error;
	pid_t pid = -1;

	if (fd >= 0 && write_all(fd, s, len, true))
		pid = fork();
	if (pid == 0)
		become(argv, fd, -1, -1);
	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	if (pid < 0)
		return false;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	/* 0, 1 and 2 are verdicts. */
	if (WIFEXITED(status) && WEXITSTATUS(status) <= 2)
		return true;
	errno = EIO;
	return false;
}

/* 0, 1, 0.5204, or 9.2e-10, which is as good as 0, in thousandths. */
static bool
number(char const *s, size_t len, unsigned *thousandths_r)
{
	unsigned n, factor = 100;
	size_t at = 1;

	if (len == 0 || s[0] < '0' || s[0] > '9')
		return false;
	n = (unsigned)(s[0] - '0') * 1000;
	if (at < len && s[at] == '.')
		for (at++; at < len && s[at] >= '0' && s[at] <= '9'; at++) {
			n += (unsigned)(s[at] - '0') * factor;
			factor /= 10;
		}
	if (len - at > 2 && s[at] == 'e' && s[at + 1] == '-') {
		n = 0;
		for (at += 2; at < len && s[at] >= '0' && s[at] <= '9';)
			at++;
	}
	*thousandths_r = n;
	return at == len && n <= 1000;
}

bool
classifier_parse(char const *s, size_t len, enum classifier_verdict *verdict_r,
	unsigned *thousandths_r)
{
	char const *blank = memrchr(s, ' ', len);

	/* NAME LETTER NUMBER; the name may hold anything. */
	if (blank == NULL || blank - s < 2 || blank[-2] != ' ')
		return false;
	switch (blank[-1]) {
	case 'S':
		*verdict_r = CLASSIFIER_SPAM;
		break;
	case 'H':
		*verdict_r = CLASSIFIER_HAM;
		break;
	case 'U':
		*verdict_r = CLASSIFIER_UNSURE;
		break;
	default:
		return false;
	}
	return number(blank + 1, len - (size_t)(blank + 1 - s), thousandths_r);
}
