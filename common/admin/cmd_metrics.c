/* `kereru metrics`: what a monitoring system wants to know. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "common/admin/command.h"
#include "common/admin/metrics.h"
#include "common/admin/values.h"
#include "common/privilege.h"
#include "common/sandbox.h"

#define STATE_MAX (1024 * 1024)
#define REQUEST_MAX 8192
#define REQUEST_SECONDS 5
/* Who answers strangers: no file is this uid's. */
#define NOBODY 65534
#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

static char const usage[] =
	"usage: kereru [-c DIR] metrics [--output FILE | --http]\n";

static struct metrics metrics;

/* What was counted before; a file that is torn counts for nothing. */
static void
load(int folder_fd)
{
	int fd = openat(
		folder_fd, "counters", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char *text = malloc(STATE_MAX);
	ssize_t n = fd >= 0 && text != NULL ? read(fd, text, STATE_MAX) : 0;

	if (fd >= 0)
		close(fd);
	if (n > 0 && !metrics_load(&metrics, text, (size_t)n))
		fprintf(stderr, "kereru: metrics/counters is damaged: counting "
				"begins anew\n");
	free(text);
}

/* Written beside, then renamed: whoever reads sees one of them whole. */
static bool
replace(int folder_fd, char const *name, char const *s, size_t len, mode_t mode)
{
	char temporary[300];
	FILE *out;
	int fd;
	bool ok;

	snprintf(temporary, sizeof temporary, "%s.%d", name, (int)getpid());
	fd = openat(folder_fd, temporary,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (out == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	ok = fwrite(s, 1, len, out) == len && fchmod(fd, mode) == 0;
	ok = fclose(out) == 0 && ok;
	ok = ok && renameat(folder_fd, temporary, folder_fd, name) == 0;
	if (!ok) {
		int const error = errno;
		(void)unlinkat(folder_fd, temporary, 0);
		errno = error;
	}
	return ok;
}

static bool
save(int folder_fd)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool ok = out != NULL;

	if (ok) {
		metrics_save(&metrics, out);
		ok = fclose(out) == 0 &&
		     replace(folder_fd, "counters", text, len, 0600);
	}
	free(text);
	return ok;
}

/* Count what is new, and write all of it to out. */
static bool
collect(char const *folder, FILE *out)
{
	int own_fd = values_open_folder(folder, "metrics"),
	    log_fd = own_fd >= 0 ? values_open_folder(folder, "log") : -1,
	    queue_fd = log_fd >= 0 ? values_open_folder(folder, "queue") : -1;
	/* One at a time, so that no line is counted twice. */
	bool ok = queue_fd >= 0 && flock(own_fd, LOCK_EX) == 0;

	if (ok) {
		load(own_fd);
		ok = metrics_read_logs(&metrics, log_fd) && save(own_fd);
		metrics_print(&metrics, out);
		ok = ok && metrics_print_queue(queue_fd, out);
		if (!ok)
			fprintf(stderr, "kereru: metrics: %s\n",
				strerror(errno));
	}
	if (queue_fd >= 0)
		close(queue_fd);
	if (log_fd >= 0)
		close(log_fd);
	if (own_fd >= 0)
		close(own_fd);
	return ok;
}

static bool
write_file(char const *path, char const *s, size_t len)
{
	char const *slash = strrchr(path, '/');
	char *folder = slash == NULL   ? strdup(".")
		       : slash == path ? strdup("/")
				       : strndup(path, (size_t)(slash - path));
	int fd = folder != NULL
			 ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
			 : -1;
	bool ok = fd >= 0 &&
		  replace(fd, slash != NULL ? slash + 1 : path, s, len, 0644);

	if (!ok)
		fprintf(stderr, "kereru: %s: %s\n", path, strerror(errno));
	free(folder);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
write_all(char const *s, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t const n = write(1, s + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* A request's head, whatever its fields say; false: there comes none. */
static bool
read_request(char *request, size_t *len_r)
{
	size_t len = 0;

	while (len < REQUEST_MAX) {
		ssize_t const n = read(0, request + len, REQUEST_MAX - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		len += (size_t)n;
		if (memmem(request, len, "\r\n\r\n", 4) != NULL ||
			memmem(request, len, "\n\n", 2) != NULL) {
			*len_r = len;
			return true;
		}
	}
	return false;
}

static bool
asks(char const *request, size_t len, char const *method, char const *path)
{
	char line[64];
	int const n = snprintf(line, sizeof line, "%s %s ", method, path);

	return len > (size_t)n && memcmp(request, line, (size_t)n) == 0;
}

/*
 * A stranger's octets are read when all that this process had is given away:
 * rights, the file system, system calls. What it still knows is what it answers
 * anyway.
 */
static int
serve(char const *body, size_t body_len)
{
	struct sandbox const box = {.filter = SANDBOX_MIME, .files = 8};
	char request[REQUEST_MAX], answer[256];
	size_t len = 0;
	bool is_head, is_found;
	int n;

	if (geteuid() == 0 && !privilege_drop(NOBODY, NOBODY)) {
		fprintf(stderr, "kereru: give up root: %s\n", strerror(errno));
		return COMMAND_TEMPORARY;
	}
	(void)alarm(REQUEST_SECONDS);
	sandbox_enter_or_exit(&box);
	if (!read_request(request, &len))
		return COMMAND_PERMANENT;
	is_head = asks(request, len, "HEAD", "/metrics");
	is_found = is_head || asks(request, len, "GET", "/metrics");
	if (!is_found) {
		body = "only /metrics is here\n";
		body_len = strlen(body);
	}
	n = snprintf(answer, sizeof answer,
		"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		"Connection: close\r\n\r\n",
		is_found ? "200 OK" : "404 Not Found",
		is_found ? CONTENT_TYPE : "text/plain", body_len);
	if (!write_all(answer, (size_t)n) ||
		(!is_head && !write_all(body, body_len)))
		return COMMAND_TEMPORARY;
	return COMMAND_OK;
}

int
command_metrics(
	struct command_context const *x, int argc, char const *const *argv)
{
	bool const is_http = argc == 2 && strcmp(argv[1], "--http") == 0;
	char const *path =
		argc == 3 && strcmp(argv[1], "--output") == 0 ? argv[2] : NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int code = COMMAND_TEMPORARY;

	if (argc != 1 && !is_http && path == NULL) {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	out = open_memstream(&text, &len);
	if (out != NULL && collect(x->folder, out) && fclose(out) == 0) {
		if (is_http)
			code = serve(text, len);
		else if (path != NULL ? write_file(path, text, len)
				      : write_all(text, len))
			code = COMMAND_OK;
	}
	free(text);
	return code;
}
