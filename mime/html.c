/* Starts and feeds a program that reads HTML; see html.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "mime/html.h"

#define STEP 16384

static _Noreturn void
become(char *const *words, int in_fd, int out_fd)
{
	if (dup2(in_fd, 0) < 0 || dup2(out_fd, 1) < 0)
		strerr_diefu1sys(111, "set up the pipes of the HTML program");
	execvp(words[0], words);
	strerr_warnwu2sys("run ", words[0]);
	_exit(111);
}

static bool
split(char *copy, char **words)
{
	char *rest;
	size_t n = 0;

	for (char *word = strtok_r(copy, " \t", &rest); word;
		word = strtok_r(NULL, " \t", &rest)) {
		if (n == HTML_WORDS_MAX) {
			errno = E2BIG;
			return false;
		}
		words[n++] = word;
	}
	words[n] = NULL;
	errno = EINVAL;
	return n > 0;
}

bool
html_start(struct html *h, char const *command)
{
	char *words[HTML_WORDS_MAX + 1];
	char *const copy = strdup(command);
	int to[2], from[2];
	pid_t pid;

	if (!copy || !split(copy, words) || pipe2(to, O_CLOEXEC) < 0 ||
		pipe2(from, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0)
		become(words, to[0], from[1]);
	close(to[0]);
	close(from[1]);
	free(copy);
	h->in_fd = to[1];
	h->out_fd = from[0];
	/* A program that reads no further is not our end. */
	return pid > 0 && signal(SIGPIPE, SIG_IGN) != SIG_ERR &&
	       fcntl(h->in_fd, F_SETFL, O_NONBLOCK) == 0;
}

/* Returns what is left to write; all is done when it takes no more. */
static size_t
feed(struct html *h, char const *s, size_t len)
{
	ssize_t const n = write(h->in_fd, s, len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return len;
	if (n >= 0 && (size_t)n < len)
		return len - (size_t)n;
	close(h->in_fd);
	h->in_fd = -1;
	return 0;
}

/* 1: more may come, 0: the end, -1: errno. */
static int
collect(struct html *h, size_t max, stralloc *out)
{
	ssize_t n;

	if (!stralloc_readyplus(out, STEP))
		return -1;
	n = read(h->out_fd, out->s + out->len, STEP);
	if (n < 0)
		return errno == EINTR ? 1 : -1;
	out->len += (size_t)n;
	if (out->len > max) {
		errno = EFBIG;
		return -1;
	}
	return n > 0;
}

bool
html_run(struct html *h, char const *s, size_t len, size_t max, stralloc *out)
{
	size_t left = len;
	int r = 1;

	if (left == 0)
		left = feed(h, s, 0);
	while (r > 0) {
		struct pollfd p[2] = {{.fd = h->out_fd, .events = POLLIN},
			{.fd = h->in_fd, .events = POLLOUT}};

		if (poll(p, 2, -1) < 0) {
			r = errno == EINTR ? 1 : -1;
			continue;
		}
		if (h->in_fd >= 0 && p[1].revents != 0)
			left = feed(h, s + (len - left), left);
		if (p[0].revents != 0)
			r = collect(h, max, out);
	}
	if (h->in_fd >= 0)
		close(h->in_fd);
	close(h->out_fd);
	h->in_fd = h->out_fd = -1;
	return r == 0;
}
