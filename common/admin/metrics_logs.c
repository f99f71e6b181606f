/* What the logs say, counted; each line once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/admin/metrics.h"
#include "common/logline.h"

static bool
value_of(struct logline const *l, char const *key, char *out, size_t size)
{
	struct logline_pair p;

	*out = '\0';
	return logline_find(l, key, &p) && logline_value(&p, out, size) > 0;
}

/* "550 5.1.1" of "550 5.1.1 no such mailbox". */
static void
cut_reply(char *reply)
{
	size_t n = strspn(reply, "0123456789");

	if (reply[n] == ' ')
		n += 1 + strspn(reply + n + 1, "0123456789.");
	while (n > 0 && reply[n - 1] == ' ')
		n--;
	reply[n] = '\0';
}

static void
on_connected(struct metrics *m, char const *service, struct logline const *l)
{
	struct logline_pair p;

	/* Of smtpd after a login submit-front has told already. */
	if (!logline_find(l, "mailbox", &p))
		metrics_add(m, METRIC_CONNECTIONS, service, NULL, 1);
}

static void
on_turned_away(struct metrics *m, char const *service, struct logline const *l)
{
	char event[METRICS_LABEL_SIZE];
	size_t const n = l->event_len < sizeof event - 1 ? l->event_len
							 : sizeof event - 1;

	memcpy(event, l->event, n);
	event[n] = '\0';
	metrics_add(m, METRIC_TURNED_AWAY, service, event, 1);
}

static void
on_accepted(struct metrics *m, char const *service, struct logline const *l)
{
	(void)l;
	metrics_add(m, METRIC_ACCEPTED, service, NULL, 1);
}

static void
on_refused(struct metrics *m, char const *service, struct logline const *l)
{
	char reply[METRICS_LABEL_SIZE];

	if (!value_of(l, "reply", reply, sizeof reply))
		return;
	cut_reply(reply);
	metrics_add(m, METRIC_REFUSED, service, reply, 1);
}

static void
on_login(struct metrics *m, char const *service, struct logline const *l)
{
	(void)l;
	metrics_add(m, METRIC_LOGINS, service, NULL, 1);
}

static void
on_login_failed(struct metrics *m, char const *service, struct logline const *l)
{
	char text[METRICS_LABEL_SIZE];

	(void)service;
	metrics_add(m, METRIC_LOGIN_FAILURES,
		value_of(l, "service", text, sizeof text) ? text : "unknown",
		NULL, 1);
}

static void
on_suspicious(struct metrics *m, char const *service, struct logline const *l)
{
	char why[METRICS_LABEL_SIZE];

	(void)service;
	if (value_of(l, "why", why, sizeof why))
		metrics_add(m, METRIC_SUSPICIOUS, why, NULL, 1);
}

static void
on_queued(struct metrics *m, char const *service, struct logline const *l)
{
	(void)service;
	(void)l;
	metrics_add(m, METRIC_QUEUED, NULL, NULL, 1);
}

/* A mailbox has an @ in its name, another host's destination has none. */
static void
on_result(struct metrics *m, char const *service, struct logline const *l)
{
	char via[400], delay[32], *end;
	char const *result = logline_event_is(l, "delivered")  ? "delivered"
			     : logline_event_is(l, "deferred") ? "deferred"
							       : "failed";
	char const *where = !value_of(l, "via", via, sizeof via) ? "nowhere"
			    : strchr(via, '@') != NULL		 ? "local"
								 : "remote";
	double seconds;

	(void)service;
	metrics_add(m, METRIC_DELIVERIES, where, result, 1);
	if (*result != 'd' || result[2] != 'l' ||
		!value_of(l, "delay", delay, sizeof delay))
		return;
	seconds = strtod(delay, &end);
	if (*end == '\0' && seconds >= 0 && seconds < 1e9)
		metrics_delay(m, (uint64_t)(seconds * 1000));
}

static void
add_program(struct metrics *m, enum metric kind, struct logline const *l)
{
	char program[METRICS_LABEL_SIZE];
	size_t const n = l->program_len < sizeof program - 1
				 ? l->program_len
				 : sizeof program - 1;

	memcpy(program, l->program, n);
	program[n] = '\0';
	metrics_add(m, kind, program, NULL, 1);
}

static void
on_sandbox(struct metrics *m, char const *service, struct logline const *l)
{
	(void)service;
	add_program(m, METRIC_SANDBOX, l);
}

static void
on_died(struct metrics *m, char const *service, struct logline const *l)
{
	(void)service;
	add_program(m, METRIC_DIED, l);
}

static void
on_ended(struct metrics *m, char const *service, struct logline const *l)
{
	(void)l;
	metrics_add(m, METRIC_ENDED, service, NULL, 1);
}

typedef void event_function(
	struct metrics *m, char const *service, struct logline const *l);

/* NULL programs: whoever says it. */
static struct {
	char const *event, *program;
	event_function *count;
} const events[] = {
	{"delivered", "manager", on_result},
	{"deferred", "manager", on_result},
	{"failed", "manager", on_result},
	{"queued", "manager", on_queued},
	{"connected", NULL, on_connected},
	{"accepted", "smtpd", on_accepted},
	{"refused", "smtpd", on_refused},
	{"login", "monitor", on_login},
	{"login-failed", "auth", on_login_failed},
	{"too-many", "monitor", on_turned_away},
	{"evicted", "monitor", on_turned_away},
	{"bad-request", "monitor", on_turned_away},
	{"suspicious", "smtpd", on_suspicious},
	{"sandbox-failed", NULL, on_sandbox},
	{"sandbox-missing", NULL, on_sandbox},
	{"died", NULL, on_died},
	{"crashed", NULL, on_died},
	{"ended", NULL, on_ended},
};

static bool
is(char const *s, size_t len, char const *wanted)
{
	return strlen(wanted) == len && memcmp(s, wanted, len) == 0;
}

void
metrics_line(struct metrics *m, char const *service, char const *s, size_t len)
{
	struct logline l;

	if (!logline_parse(s, len, &l))
		return;
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (is(l.event, l.event_len, events[i].event) &&
			(events[i].program == NULL ||
				is(l.program, l.program_len,
					events[i].program))) {
			events[i].count(m, service, &l);
			return;
		}
}

/* From *offset on; a line that is not whole yet is left for the next time. */
static bool
read_file(struct metrics *m, char const *service, int fd, uint64_t *offset)
{
	struct stat st;
	char const *map;
	size_t len, at = (size_t)*offset;

	if (fstat(fd, &st) < 0)
		return false;
	len = (size_t)st.st_size;
	/* Another file that got the number of one that is gone. */
	if (at > len)
		at = 0;
	*offset = at;
	if (at == len)
		return true;
	map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return false;
	for (char const *newline; at < len && (newline = memchr(map + at, '\n',
						       len - at)) != NULL;
		at = (size_t)(newline - map) + 1)
		metrics_line(
			m, service, map + at, (size_t)(newline - map) - at);
	*offset = at;
	munmap((void *)(uintptr_t)map, len);
	return true;
}

static int
is_log(struct dirent const *e)
{
	return *e->d_name == '@' || strcmp(e->d_name, "current") == 0;
}

/* Which of the files was read last; n: it is there no more. */
static int
find_last(int folder_fd, struct dirent *const *files, int n, ino_t inode)
{
	struct stat st;
	int i = 0;

	while (i < n && (fstatat(folder_fd, files[i]->d_name, &st,
				 AT_SYMLINK_NOFOLLOW) < 0 ||
				st.st_ino != inode))
		i++;
	return i;
}

static bool
read_files(struct metrics *m, struct metrics_log *l, int folder_fd,
	struct dirent *const *files, int n)
{
	int i = find_last(folder_fd, files, n, l->inode);

	if (i == n) {
		if (l->inode != 0)
			metrics_add(m, METRIC_LOG_LOST, l->service, NULL, 1);
		l->inode = 0;
		i = 0;
	}
	for (; i < n; i++) {
		struct stat st;
		int fd = openat(folder_fd, files[i]->d_name,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		bool ok = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

		if (ok && st.st_ino != l->inode) {
			l->inode = st.st_ino;
			l->offset = 0;
		}
		ok = ok && read_file(m, l->service, fd, &l->offset);
		if (fd >= 0)
			close(fd);
		/* It may have been rotated since the folder was read: what is
		 * behind is for the next time. */
		if (!ok)
			return errno == ENOENT;
	}
	return true;
}

static bool
read_service(struct metrics *m, int folder_fd, char const *service)
{
	struct metrics_log *l = metrics_log(m, service);
	struct dirent **files = NULL;
	int fd, n;
	bool ok;

	if (l == NULL)
		return true;
	fd = openat(folder_fd, service, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	n = fd >= 0 ? scandirat(fd, ".", &files, is_log, alphasort) : -1;
	ok = n >= 0 && read_files(m, l, fd, files, n);
	for (int i = 0; i < n; i++)
		free(files[i]);
	free(files);
	if (fd >= 0)
		close(fd);
	return ok;
}

static int
is_service(struct dirent const *e)
{
	return *e->d_name != '.';
}

bool
metrics_read_logs(struct metrics *m, int folder_fd)
{
	struct dirent **entries = NULL;
	int const n =
		scandirat(folder_fd, ".", &entries, is_service, alphasort);
	bool ok = n >= 0;

	for (int i = 0; i < n; i++) {
		ok = ok && read_service(m, folder_fd, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return ok;
}
