/*
 * list-unsubscribe - the CGI program behind a list's unsubscribe-url (RFC 8058)
 *
 * Runs as the web server runs it, with no right of its own, and trusts nothing.
 * A POST becomes a message to the list, through sendmail; the list knows its
 * own tokens, so that nothing secret is here. A GET changes nothing: programs
 * follow links.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "local/list/oneclick.h"

#define PATH_SIZE 4096
#define SECONDS_MAX 30

char const *PROG = "list-unsubscribe";

static int
page(char const *status, char const *text)
{
	printf("Status: %s\r\nContent-Type: text/html; charset=utf-8\r\n"
	       "Cache-Control: no-store\r\nContent-Security-Policy: "
	       "default-src 'none'; form-action 'self'\r\n\r\n"
	       "<!DOCTYPE html><html lang=\"en\"><title>Mailing list</title>"
	       "<p>%s</p></html>\n",
		status, text);
	return fflush(stdout) == 0 ? 0 : 111;
}

static int
ask(struct oneclick const *o)
{
	char text[ONECLICK_LIST_MAX + 256];

	(void)snprintf(text, sizeof text,
		"Leave the list %s?</p><form method=\"post\"><input "
		"type=\"hidden\" name=\"List-Unsubscribe\" "
		"value=\"One-Click\"><button>Leave the list</button></form><p>",
		o->list);
	return page("200 OK", text);
}

/* sendmail stands in PREFIX/sbin when this is PREFIX/libexec/kereru's. */
static bool
find_sendmail(char path[PATH_SIZE])
{
	char const *const said = getenv("KERERU_SENDMAIL");
	ssize_t n;

	if (said != NULL)
		return snprintf(path, PATH_SIZE, "%s", said) < PATH_SIZE;
	n = readlink("/proc/self/exe", path, PATH_SIZE - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	for (int i = 0; i < 3; i++) {
		char *const slash = strrchr(path, '/');

		if (slash == NULL)
			return false;
		*slash = '\0';
	}
	if (strlen(path) + sizeof "/sbin/sendmail" > PATH_SIZE)
		return false;
	return strcat(path, "/sbin/sendmail") != NULL;
}

/* In the child. */
static void
become_sendmail(char const *path, char const *tables, struct oneclick const *o)
{
	char const *argv[10];
	int n = 0;

	argv[n++] = "sendmail";
	argv[n++] = "-i";
	if (tables != NULL) {
		argv[n++] = "-c";
		argv[n++] = tables;
	}
	argv[n++] = "-f";
	argv[n++] = "";
	argv[n++] = o->address;
	argv[n] = NULL;
	execv(path, (char *const *)(void const *)argv);
	_exit(111);
}

static bool
send_message(struct oneclick const *o)
{
	char path[PATH_SIZE], text[1024];
	int pipe_fds[2], status = -1, len;
	pid_t child;
	bool ok;

	if (!find_sendmail(path) || pipe(pipe_fds) < 0)
		return false;
	child = fork();
	if (child < 0)
		return false;
	if (child == 0) {
		if (dup2(pipe_fds[0], 0) < 0)
			_exit(111);
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		become_sendmail(path, getenv("KERERU_TABLES"), o);
	}
	close(pipe_fds[0]);
	len = snprintf(text, sizeof text,
		"From: <%s>\nTo: <%s>\nSubject: unsubscribe\n\n"
		"By one click (RFC 8058).\n",
		o->address, o->address);
	/* It is shorter than a pipe holds. */
	ok = len > 0 && (size_t)len < sizeof text &&
	     write(pipe_fds[1], text, (size_t)len) == len;
	close(pipe_fds[1]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
read_body(void)
{
	char body[ONECLICK_BODY_MAX];
	size_t const n = fread(body, 1, sizeof body, stdin);

	return oneclick_body(body, n);
}

int
main(void)
{
	struct rlimit const small = {64 * 1024 * 1024, 64 * 1024 * 1024};
	char const *const method = getenv("REQUEST_METHOD");
	char const *const path = getenv("PATH_INFO");
	struct oneclick o;

	(void)setrlimit(RLIMIT_DATA, &small);
	alarm(SECONDS_MAX);
	if (method == NULL || path == NULL) {
		fputs("list-unsubscribe: to be run by a web server (CGI)\n",
			stderr);
		return 100;
	}
	if (!oneclick_path(path, &o))
		return page("404 Not Found", "There is no such list.");
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return ask(&o);
	if (strcmp(method, "POST") != 0)
		return page("405 Method Not Allowed", "This is not possible.");
	if (!read_body())
		return page("400 Bad Request", "This is not understood.");
	if (!send_message(&o))
		return page("503 Service Unavailable",
			"It could not be done now. Please try again later.");
	return page("200 OK", "You will leave the list within minutes.");
}
