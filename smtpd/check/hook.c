/* External programs that look at a message before it is accepted. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/proglimits.h"
#include "common/settings.h"
#include "common/wire.h"
#include "smtpd/check/attend.h"
#include "smtpd/check/hook.h"
#include "smtpd/check/rules.h"

#define FILES 64
#define MEMORY (512ull << 20)
#define TIMEOUT_S 30
#define JOBS_MAX 50

/* The fields of a request, in the order in which they travel, and the names
 * under which a hook sees them. A client's name is foreign: no field says what
 * a name in the environment is. */
static char const *const names[] = {"SENDER", "CLIENT", "CLIENTNAME", "HELO",
	"MAILBOX", "ID", "RECIPIENTS"};
#define FIELDS (sizeof names / sizeof *names)

struct server {
	struct attend attend;
	struct rules rules;
	unsigned jobs;
};

struct job {
	char path[256];
	char *environment[FIELDS + 2];
	int message_fd, answer_fd;
	unsigned timeout_s;
	uint64_t memory;
};

/* In the child: become the hook. */
static void
become(struct job const *job, int output_fd)
{
	char *argv[] = {NULL, NULL};
	char const *path = job->path;
	int in = fcntl(job->message_fd, F_DUPFD_CLOEXEC, 20);
	int out = fcntl(output_fd, F_DUPFD_CLOEXEC, 20);

	memcpy(&argv[0], &path, sizeof path);
	(void)signal(SIGPIPE, SIG_DFL);
	/* A group of its own: what it starts ends with it. Standard error is
	 * the log. */
	if (setsid() < 0 || in < 0 || out < 0 || dup2(in, 0) < 0 ||
		dup2(out, 1) < 0 || close_range(3, ~0u, 0) < 0 ||
		!proglimits_enter(&(struct proglimits){.memory = job->memory,
			.file_size = HOOK_OUTPUT_MAX,
			.files = FILES,
			.cpu_seconds = job->timeout_s + 1}))
		_exit(127);
	execve(path, argv, job->environment);
	_exit(127);
}

/* Its exit code, within the time limit. */
static unsigned
wait_for(pid_t pid, unsigned timeout_s)
{
	struct timespec limit_time = {.tv_sec = (time_t)timeout_s};
	sigset_t set;
	int status, r;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	do
		r = sigtimedwait(&set, NULL, &limit_time);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		log_event("hook-too-slow", NULL, (char *)0);
	/* Also when it has ended: what it has left behind goes too. */
	kill(-pid, SIGKILL);
	if (r < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return HOOK_FAILED;
	if (r < 0 || !WIFEXITED(status) || WEXITSTATUS(status) == 127)
		return HOOK_FAILED;
	return (unsigned)WEXITSTATUS(status);
}

/* The process of one request. */
static void
run(struct job const *job)
{
	int output_fd = memfd_create("hook", MFD_CLOEXEC);
	unsigned code = HOOK_FAILED;
	struct stat st = {.st_size = 0};
	struct wire_out out;
	char frame[16];
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = output_fd >= 0 ? fork() : -1;
	if (pid == 0) {
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		become(job, output_fd);
	}
	if (pid > 0)
		code = wait_for(pid, job->timeout_s);
	if (output_fd < 0 || fstat(output_fd, &st) < 0)
		code = HOOK_FAILED;
	wire_start(&out, frame, sizeof frame);
	wire_put_u32(&out, code);
	wire_put_u64(&out, (uint64_t)st.st_size);
	(void)!pair_send(job->answer_fd, frame, out.len, &output_fd,
		output_fd >= 0 ? 1 : 0);
	_exit(0);
}

/* Only what the rules name is executed, whoever asks. */
static bool
is_named(struct server const *s, char const *path, size_t len)
{
	for (size_t i = 0; i < s->rules.count; i++) {
		struct rules_statement const *st = &s->rules.statements[i];

		if (st->kind == RULES_HOOK && st->where.len == len &&
			memcmp(st->where.s, path, len) == 0)
			return true;
	}
	return false;
}

static char *
variable(char const *name, char const *s, size_t len)
{
	char *text = NULL;

	if (memchr(s, '\0', len) != NULL ||
		asprintf(&text, "%s=%.*s", name, (int)len, s) < 0)
		return NULL;
	return text;
}

static bool
parse(struct server const *s, char const *frame, size_t len, struct job *job)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	struct wire_in in;
	char const *text;
	size_t n;
	bool ok;

	wire_open(&in, frame, len);
	ok = wire_get_u8(&in) == 'k';
	text = wire_get_bytes(&in, sizeof job->path - 1, &n);
	if (!ok || !is_named(s, text, n))
		return false;
	memcpy(job->path, text, n);
	job->path[n] = '\0';
	job->environment[0] = path;
	for (size_t i = 0; i < FIELDS; i++) {
		text = wire_get_bytes(&in, HOOK_RECIPIENTS_MAX, &n);
		job->environment[i + 1] = variable(names[i], text, n);
		if (job->environment[i + 1] == NULL)
			return false;
	}
	return wire_end(&in);
}

static void
start(struct server *s, char const *frame, size_t len, int message_fd,
	int answer_fd)
{
	struct table const *settings = &s->attend.settings;
	pid_t pid = fork();

	if (pid < 0)
		log_error("no-process", NULL, (char *)0);
	if (pid > 0)
		s->jobs++;
	if (pid == 0) {
		struct job job = {.message_fd = message_fd,
			.answer_fd = answer_fd,
			.timeout_s = (unsigned)settings_number(
				settings, "hook-timeout", TIMEOUT_S),
			.memory = settings_number(
				settings, "hook-memory", MEMORY)};

		if (!parse(s, frame, len, &job)) {
			log_event("hook-refused", NULL, (char *)0);
			_exit(0);
		}
		run(&job);
	}
}

static void
take_rules(struct server *s)
{
	char const *text = settings_text(&s->attend.settings, "rules"), *why;
	unsigned line;

	s->attend.is_new = false;
	s->rules.count = 0;
	if (text != NULL &&
		!rules_parse(&s->rules, text, strlen(text), &line, &why))
		log_event("bad-rules", NULL, "why", why, (char *)0);
}

int
hook_serve(int control_fd, int requests_fd)
{
	static struct server s;
	static char frame[WIRE_FRAME_MAX];

	s.attend = (struct attend){.control_fd = control_fd,
		.requests_fd = requests_fd,
		.settings = TABLE_ZERO};
	for (;;) {
		int message_fd, answer_fd, r;
		size_t len;

		while (s.jobs > 0 && waitpid(-1, NULL, WNOHANG) > 0)
			s.jobs--;
		r = attend_wait(&s.attend, s.jobs > 0 ? 1000 : -1, frame,
			sizeof frame, &len, &message_fd, &answer_fd);
		if (r < 0)
			return 0;
		if (s.attend.is_new)
			take_rules(&s);
		if (r == 0)
			continue;
		if (s.jobs < JOBS_MAX)
			start(&s, frame, len, message_fd, answer_fd);
		close(message_fd);
		close(answer_fd);
	}
}

static void
put(struct wire_out *out, struct checking_bytes b)
{
	wire_put_bytes(out, b.s, b.len);
}

/* A line each. */
static void
put_recipients(struct wire_out *out, char const *to, size_t len)
{
	char lines[HOOK_RECIPIENTS_MAX];
	size_t n = 0;

	for (size_t at = 0; at < len;) {
		size_t one = strnlen(to + at, len - at);

		if (sizeof lines - n < one + 1)
			break;
		memcpy(lines + n, to + at, one);
		n += one;
		lines[n++] = '\n';
		at += one + 1;
	}
	wire_put_bytes(out, lines, n > 0 ? n - 1 : 0);
}

void
hook_ask(int requests_fd, struct hook_request const *request,
	struct hook_answer *answer_r)
{
	struct checking_message const *m = request->message;
	char frame[WIRE_FRAME_MAX], answer[16];
	struct wire_out out;
	struct wire_in in;
	ssize_t n = -1;
	int fd = attend_file(request->s, request->len);

	*answer_r = (struct hook_answer){.code = HOOK_FAILED, .output_fd = -1};
	wire_start(&out, frame, sizeof frame);
	wire_put_u8(&out, 'k');
	put(&out, request->path);
	put(&out, m->sender);
	put(&out, m->client);
	put(&out, m->name);
	put(&out, m->helo);
	put(&out, m->mailbox);
	put(&out, m->id);
	put_recipients(&out, request->to, request->to_len);
	if (fd >= 0 && !out.failed)
		n = attend_ask(requests_fd, frame, out.len, fd,
			request->timeout_ms, answer, sizeof answer,
			&answer_r->output_fd);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return;
	wire_open(&in, answer, (size_t)n);
	answer_r->code = wire_get_u32(&in);
	answer_r->output_len = wire_get_u64(&in);
	if (!wire_end(&in) || answer_r->output_len > HOOK_OUTPUT_MAX)
		answer_r->code = HOOK_FAILED;
}
