/* The process that runs programs for a mailbox; see program.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/pair.h"
#include "common/proglimits.h"
#include "common/stream.h"
#include "common/wire.h"
#include "local/program.h"
#include "local/programline.h"

#define FILE_MAX ((rlim_t)1024 * 1024 * 1024)
#define FILES_MAX 64
/* Of the mailbox's uid: its other sessions count too. */
#define PROCESSES_MAX 64
#define NOT_STARTED 127
#define ENVIRONMENT_MAX 10
/* What the program says is kept so far; the rest is thrown away. */
#define SAID_MAX 300
#define FRAME_MAX (2 * JOB_ADDRESS_MAX + 64)
#define ANSWER_MAX (JOB_TEXT_MAX + 16)
/* More than the runner itself waits. */
#define MARGIN_MS 30000

struct runner {
	struct program_rules rules;
	char const *lines;
	size_t len;
	int pair_fd;
};

struct question {
	char sender[JOB_ADDRESS_MAX + 1], recipient[JOB_ADDRESS_MAX + 1];
	uint8_t line;
};

struct said {
	char s[SAID_MAX];
	size_t len;
};

/* NAME=VALUE. */
static bool
set(char **env, size_t *count, char const *name, char const *value, size_t len)
{
	return asprintf(&env[(*count)++], "%s=%.*s", name, (int)len, value) >=
	       0;
}

static char **
environment(struct program_rules const *r, struct question const *q)
{
	static char *env[ENVIRONMENT_MAX + 1];
	char const *const to = q->recipient;
	char const *const at = strrchr(to, '@');
	size_t const local = at != NULL ? (size_t)(at - to) : strlen(to);
	char const *const plus = memchr(to, '+', local);
	size_t n = 0;
	bool const ok =
		set(env, &n, "PATH", "/usr/local/bin:/usr/bin:/bin", 28) &&
		set(env, &n, "LC_ALL", "C", 1) &&
		set(env, &n, "HOME", r->home, strlen(r->home)) &&
		set(env, &n, "SENDER", q->sender, strlen(q->sender)) &&
		set(env, &n, "RECIPIENT", to, strlen(to)) &&
		set(env, &n, "LOCAL", to, local) &&
		set(env, &n, "DOMAIN", at != NULL ? at + 1 : "",
			at != NULL ? strlen(at + 1) : 0) &&
		set(env, &n, "EXTENSION", plus != NULL ? plus + 1 : "",
			plus != NULL ? (size_t)(to + local - plus - 1) : 0);

	return ok ? env : NULL;
}

static bool
limit_processes(void)
{
	struct rlimit const r = {PROCESSES_MAX, PROCESSES_MAX};

	return setrlimit(RLIMIT_NPROC, &r) == 0;
}

static _Noreturn void
become(struct runner const *r, struct question const *q,
	struct programline const *line, int message_fd, int said_fd,
	pid_t parent)
{
	struct proglimits const limits = {.memory = (rlim_t)r->rules.memory,
		.file_size = FILE_MAX,
		.files = FILES_MAX,
		.cpu_seconds = (rlim_t)r->rules.seconds};
	char **const env = environment(&r->rules, q);
	sigset_t none;

	sigemptyset(&none);
	if (env == NULL || setsid() < 0 ||
		prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
		sigprocmask(SIG_SETMASK, &none, NULL) < 0 ||
		lseek(message_fd, 0, SEEK_SET) < 0 || dup2(message_fd, 0) < 0 ||
		dup2(said_fd, 1) < 0 || dup2(said_fd, 2) < 0 ||
		close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ||
		!limit_processes() || !proglimits_enter(&limits))
		_exit(NOT_STARTED);
	execve(line->argv[0], (char *const *)(uintptr_t)line->argv, env);
	_exit(NOT_STARTED);
}

/* What the program has left running, also outside its session: it is ours since
 * we are its reaper. */
static void
kill_rest(void)
{
	char path[64], list[4096];
	int status;

	(void)snprintf(path, sizeof path, "/proc/self/task/%d/children",
		(int)getpid());
	for (;;) {
		int const fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t const n = fd >= 0 ? read(fd, list, sizeof list - 1) : 0;
		char *at = list;

		if (fd >= 0)
			close(fd);
		list[n > 0 ? n : 0] = '\0';
		for (;;) {
			char *end;
			long const pid = strtol(at, &end, 10);

			/* One that is cut off ends the list. */
			if (end == at || *end != ' ' || pid <= 1)
				break;
			(void)kill((pid_t)pid, SIGKILL);
			at = end;
		}
		if (waitpid(-1, &status, 0) < 0 && errno == ECHILD)
			return;
	}
}

static void
hear(int fd, struct said *said)
{
	char rest[4096];
	size_t const room = sizeof said->s - said->len;
	ssize_t const n = read(fd, rest, sizeof rest);

	if (n <= 0)
		return;
	memcpy(said->s + said->len, rest, (size_t)n < room ? (size_t)n : room);
	said->len += (size_t)n < room ? (size_t)n : room;
}

/* False: it took too long. */
static bool
wait_for_end(int pid_fd, int said_fd, uint64_t seconds, struct said *said)
{
	int64_t const end = stream_clock_ms() + (int64_t)seconds * 1000;
	struct pollfd p[] = {{.fd = pid_fd, .events = POLLIN},
		{.fd = said_fd, .events = POLLIN}};

	for (;;) {
		int64_t const left = end - stream_clock_ms();

		if (left <= 0)
			return false;
		if (poll(p, 2, (int)left) < 0)
			continue;
		if (p[1].revents & POLLIN)
			hear(said_fd, said);
		else if (p[1].revents != 0)
			p[1].fd = -1;
		if (p[0].revents != 0 && !(p[1].revents & POLLIN))
			return true;
	}
}

/* A line of it in printable ASCII, for a report. */
static size_t
write_answer(char answer[ANSWER_MAX], struct programline_end end,
	char const *what, struct said const *said)
{
	char text[JOB_TEXT_MAX + 1];
	size_t n = (size_t)snprintf(text, sizeof text, "%s %s", end.code, what);
	struct wire_out w;

	if (said->len > 0 && n + 2 < sizeof text) {
		text[n++] = ':';
		text[n++] = ' ';
	}
	for (size_t i = 0;
		i < said->len && n < JOB_TEXT_MAX && said->s[i] != '\n'; i++)
		text[n++] = said->s[i] >= ' ' && said->s[i] <= '~' ? said->s[i]
								   : '?';
	wire_start(&w, answer, ANSWER_MAX);
	wire_put_u8(&w, (uint8_t)end.status);
	wire_put_u8(&w, end.stops);
	wire_put_bytes(&w, text, n);
	return w.len;
}

static struct programline_end const later = {JOB_RETRY, false, "4.3.0"};

static size_t
serve_line(struct runner const *r, struct question const *q,
	struct programline const *line, int message_fd, char *answer)
{
	pid_t const self = getpid();
	struct said said = {.len = 0};
	int ends[2], status = 0, pid_fd;
	bool in_time;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return write_answer(answer, later, "no pipe", &said);
	pid = fork();
	if (pid == 0)
		become(r, q, line, message_fd, ends[1], self);
	close(ends[1]);
	pid_fd = pid > 0 ? pidfd_open(pid, 0) : -1;
	in_time = pid_fd >= 0 &&
		  wait_for_end(pid_fd, ends[0], r->rules.seconds, &said);
	if (pid > 0) {
		if (in_time)
			(void)waitpid(pid, &status, 0);
		(void)kill(-pid, SIGKILL);
	}
	kill_rest();
	close(ends[0]);
	if (pid_fd < 0)
		return write_answer(
			answer, later, "no process could be started", &said);
	close(pid_fd);
	if (!in_time)
		return write_answer(
			answer, later, "the program took too long", &said);
	if (!WIFEXITED(status))
		return write_answer(
			answer, later, "the program was killed", &said);
	if (WEXITSTATUS(status) == NOT_STARTED)
		return write_answer(
			answer, later, "the program can't be started", &said);
	return write_answer(answer, programline_end(WEXITSTATUS(status)),
		said.len > 0		   ? "the program said"
		: WEXITSTATUS(status) == 0 ? "the program has it"
					   : "the program failed",
		&said);
}

static size_t
serve(struct runner const *r, struct question const *q, int message_fd,
	char *answer)
{
	static struct programline line;
	struct said const nothing = {.len = 0};
	char const *s = r->lines;

	for (uint8_t i = 0; s < r->lines + r->len; i++, s += strlen(s) + 1)
		if (i == q->line)
			return programline_parse(
				       s, strlen(s), r->rules.folder, &line)
				       ? serve_line(r, q, &line, message_fd,
						 answer)
				       : write_answer(answer, later,
						 "that is no program of this "
						 "host",
						 &nothing);
	return write_answer(answer, later, "there is no such line", &nothing);
}

static bool
copy_text(struct wire_in *in, char out[JOB_ADDRESS_MAX + 1])
{
	size_t len;
	char const *const s = wire_get_bytes(in, JOB_ADDRESS_MAX, &len);

	if (in->failed)
		return false;
	memcpy(out, s, len);
	out[len] = '\0';
	return memchr(s, '\0', len) == NULL;
}

static _Noreturn void
run(struct runner const *r, pid_t parent)
{
	char frame[FRAME_MAX], answer[ANSWER_MAX];

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
		prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ||
		(r->pair_fd > 3 &&
			close_range(3, (unsigned)r->pair_fd - 1, 0) < 0) ||
		close_range((unsigned)r->pair_fd + 1, ~0U, 0) < 0)
		_exit(111);
	for (;;) {
		struct question q;
		struct wire_in in;
		size_t count = 0, len;
		int fd;
		ssize_t const n = pair_receive(
			r->pair_fd, frame, sizeof frame, &fd, 1, &count);

		if (n <= 0 || count != 1)
			_exit(0);
		wire_open(&in, frame, (size_t)n);
		q.line = wire_get_u8(&in);
		if (!copy_text(&in, q.sender) || !copy_text(&in, q.recipient) ||
			!wire_end(&in))
			_exit(111);
		len = serve(r, &q, fd, answer);
		close(fd);
		if (!pair_send(r->pair_fd, answer, len, NULL, 0))
			_exit(0);
	}
}

int
program_start(struct program_rules const *rules, char const *lines, size_t len)
{
	pid_t const self = getpid();
	int ends[2];
	pid_t pid;

	if (!pair_make(ends, false))
		return -1;
	pid = fork();
	if (pid == 0)
		run(&(struct runner){.rules = *rules,
			    .lines = lines,
			    .len = len,
			    .pair_fd = ends[1]},
			self);
	return pair_keep(ends, pid > 0);
}

/* The answer. False: there was none, and the runner is lost. */
static bool
wait_for_answer(struct program_runner *r, char *answer, size_t *len_r)
{
	/* Of the channel its end alone is waited for. */
	struct pollfd p[] = {
		{.fd = r->pair_fd, .events = POLLIN}, {.fd = r->channel_fd}};
	ssize_t n = -1;
	int got;

	do
		got = poll(p, 2, (int)r->seconds * 1000 + MARGIN_MS);
	while (got < 0 && errno == EINTR);
	if (got > 0 && p[0].revents != 0)
		n = pair_receive(r->pair_fd, answer, ANSWER_MAX, NULL, 0, NULL);
	*len_r = n > 0 ? (size_t)n : 0;
	return n > 0;
}

bool
program_run(struct program_runner *r, uint8_t line, struct job const *job,
	int fd, struct delivery_result *result)
{
	struct job_recipient const *const to = &job->recipients[0];
	char frame[FRAME_MAX], answer[ANSWER_MAX];
	struct wire_out w;
	struct wire_in in;
	uint8_t status, stops;
	char const *text;
	size_t len;

	wire_start(&w, frame, sizeof frame);
	wire_put_u8(&w, line);
	wire_put_bytes(&w, job->sender, job->sender_len);
	wire_put_bytes(&w, to->address, to->address_len);
	if (w.failed || !pair_send(r->pair_fd, frame, w.len, &fd, 1) ||
		!wait_for_answer(r, answer, &len)) {
		r->is_lost = true;
		deliver_refuse(result, JOB_RETRY,
			"4.3.0 what runs programs gave no answer");
		return false;
	}
	wire_open(&in, answer, len);
	status = wire_get_u8(&in);
	stops = wire_get_u8(&in);
	text = wire_get_bytes(&in, JOB_TEXT_MAX, &len);
	if (!wire_end(&in))
		status = JOB_RETRY;
	result->status = status == JOB_DONE || status == JOB_FAILED
				 ? (enum job_status)status
				 : JOB_RETRY;
	memcpy(result->text, text, len);
	result->text[len] = '\0';
	return result->status == JOB_DONE && stops == 0;
}
