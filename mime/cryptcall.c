/* Calls mime-crypt; see cryptcall.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "mime/cryptcall.h"

/* Where mime-crypt writes its report. */
#define REPORT_FD 3
#define REPORT_MAX 65536

static bool
starts(char const *s, size_t len, char const *word)
{
	size_t const n = strlen(word);

	return len >= n && strncasecmp(s, word, n) == 0;
}

/* What is looked for is not longer. */
#define OVERLAP 32

static bool
is_there(char const *s, size_t len)
{
	static char const *const types[] = {"/signed", "/encrypted",
		"/pgp-encrypted", "/pkcs7-mime", "/x-pkcs7-mime"};
	static char const armor[] = "-----BEGIN PGP ";
	char const *const end = s + len;

	if (memmem(s, len, armor, sizeof armor - 1))
		return true;
	while ((s = memchr(s, '/', (size_t)(end - s))) != NULL) {
		for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
			if (starts(s, (size_t)(end - s), types[i]))
				return true;
		s++;
	}
	return false;
}

bool
cryptcall_is_needed(int fd)
{
	static char buf[OVERLAP + 256 * 1024];
	size_t kept = 0;
	off_t at = 0;
	ssize_t n;

	errno = 0;
	while ((n = pread(fd, buf + kept, sizeof buf - kept, at)) > 0) {
		size_t const len = kept + (size_t)n;

		if (is_there(buf, len))
			return true;
		at += n;
		kept = len < OVERLAP ? len : OVERLAP;
		memmove(buf, buf + len - kept, kept);
	}
	return false;
}

/* Beside this program, or where it is installed. */
static bool
find_program(char const *program, char path[PATH_MAX])
{
	static char const *const places[] = {"", "../libexec/kereru/"};
	ssize_t const len = readlink("/proc/self/exe", path, PATH_MAX - 64);
	char *slash;

	if (len <= 0)
		return false;
	path[len] = '\0';
	slash = strrchr(path, '/');
	for (size_t i = 0; slash && i < 2; i++) {
		memcpy(slash + 1, places[i], strlen(places[i]) + 1);
		strcat(slash + 1, program);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/* Letters with their values, as both have them. */
static void
become(char const *program, char const *operation, struct options const *o)
{
	static char letters[OPTIONS_MAX][3];
	char const *argv[2 * OPTIONS_MAX + 3] = {program, operation};
	size_t n = 2;
	char path[PATH_MAX];

	for (size_t i = 0; o && i < o->count; i++) {
		letters[i][0] = '-';
		letters[i][1] = o->list[i].letter;
		argv[n++] = letters[i];
		if (o->list[i].value)
			argv[n++] = o->list[i].value;
	}
	errno = ENOENT;
	if (find_program(program, path))
		execv(path, (char *const *)(uintptr_t)argv);
}

_Noreturn void
cryptcall_become(char const *program, char const *operation,
	struct options const *o, int fd)
{
	if (fd != 0 && dup2(fd, 0) < 0)
		strerr_diefu1sys(111, "pass on the message");
	become(program, operation, o);
	strerr_diefu2sys(111, "run ", program);
}

static _Noreturn void
become_unlocker(int fd, int out, int report)
{
	/* report may be what a dup2 before would have replaced. */
	int const kept = fcntl(report, F_DUPFD, 10);

	if (kept < 0 || dup2(fd, 0) < 0 || dup2(out, 1) < 0 ||
		dup2(kept, REPORT_FD) < 0)
		_exit(111);
	close(kept);
	become("mime-crypt", "show", NULL);
	_exit(127);
}

static bool
read_report(int fd, stralloc *report)
{
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0 || !stralloc_ready(report, REPORT_MAX))
		return false;
	n = read(fd, report->s, REPORT_MAX);
	report->len = n > 0 ? (size_t)n : 0;
	return n >= 0;
}

int
cryptcall_unlock(int fd, stralloc *report)
{
	static char const failed[] =
		"Signatures and encryption: not looked at: mime-crypt ";
	int const out = memfd_create("message", MFD_CLOEXEC);
	int const report_fd = memfd_create("report", MFD_CLOEXEC);
	int status = 0;
	pid_t pid;

	if (out < 0 || report_fd < 0)
		strerr_diefu1sys(111, "keep the message");
	pid = fork();
	if (pid == 0)
		become_unlocker(fd, out, report_fd);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			strerr_diefu1sys(111, "wait for mime-crypt");
	if (lseek(out, 0, SEEK_SET) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		strerr_diefu1sys(111, "read the message");
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
		read_report(report_fd, report)) {
		close(report_fd);
		return out;
	}
	report->len = 0;
	if (!stralloc_cats(report, failed) ||
		!stralloc_cats(
			report, pid > 0 && WIFEXITED(status) &&
						WEXITSTATUS(status) == 127
					? "is not there\n"
					: "failed\n"))
		strerr_diefu1sys(111, "keep the message");
	close(out);
	close(report_fd);
	return fd;
}
