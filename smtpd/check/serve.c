/* The processes of check: one a session, one a message. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/sandbox.h"
#include "common/wire.h"
#include "smtpd/check/attend.h"
#include "smtpd/check/serve.h"

/* Address space of a message's process: so much, and so many times the message
 * (mapped, changed, decoded). */
#define MEMORY (768ull << 20)
#define COPIES 5u
#define FILES 64

struct request {
	char frame[WIRE_FRAME_MAX]; /* what message points into */
	struct checking_message message;
	int file_fd;
	stralloc to;
	size_t count;
};

/* One request; 1 there, 0 the session is over, -1 malformed. */
static int
receive(int fd, struct request *r)
{
	static char frame[WIRE_FRAME_MAX];
	size_t count = 0;
	ssize_t n = pair_receive(
		fd, r->frame, sizeof r->frame, &r->file_fd, 1, &count);

	if (n == 0)
		return 0;
	if (n < 0 || count != 1) {
		r->file_fd = -1;
		return -1;
	}
	if (!checking_message_decode(r->frame, (size_t)n, &r->message))
		return -1;
	r->to.len = 0;
	r->count = 0;
	for (;;) {
		n = pair_receive(fd, frame, sizeof frame, NULL, 0, NULL);
		if (n <= 0)
			return -1;
		if (checking_is_end(frame, (size_t)n))
			return 1;
		if (!checking_recipients_decode(
			    frame, (size_t)n, &r->to, &r->count))
			return -1;
	}
}

static bool
send_verdict(int fd, struct checking_verdict const *v, int replacement_fd,
	stralloc const *lines)
{
	char frame[WIRE_FRAME_MAX];
	size_t len = checking_verdict_encode(frame, sizeof frame, v);

	if (len == 0 || !pair_send(fd, frame, len, &replacement_fd,
				v->is_replaced ? 1 : 0))
		return false;
	for (size_t at = 0; lines != NULL && at < lines->len;) {
		size_t n = lines->len - at;

		/* Whole fields: what follows a line end and is no fold. */
		if (n > CHECKING_LINES_FRAME) {
			n = CHECKING_LINES_FRAME;
			while (n > 1 && (lines->s[at + n - 1] != '\n' ||
						lines->s[at + n] == ' ' ||
						lines->s[at + n] == '\t'))
				n--;
		}
		len = checking_lines_encode(
			frame, sizeof frame, lines->s + at, n);
		if (len == 0 || !pair_send(fd, frame, len, NULL, 0))
			return false;
		at += n;
	}
	frame[0] = CHECKING_END;
	return pair_send(fd, frame, 1, NULL, 0);
}

/* The message, mapped: a file that is cut while it is looked at costs its own
 * process alone. */
static char const *
map(struct request const *r, char **from_r, size_t *size_r)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t start = r->message.message_offset / page * page;
	uint64_t front = r->message.message_offset - start;
	struct stat st;

	if (r->message.message_len == 0 || fstat(r->file_fd, &st) < 0 ||
		!S_ISREG(st.st_mode) ||
		(uint64_t)st.st_size < r->message.message_offset ||
		(uint64_t)st.st_size - r->message.message_offset <
			r->message.message_len) {
		errno = EINVAL;
		return NULL;
	}
	*size_r = (size_t)(front + r->message.message_len);
	*from_r = mmap(NULL, *size_r, PROT_READ, MAP_PRIVATE, r->file_fd,
		(off_t)start);
	return *from_r == MAP_FAILED ? NULL : *from_r + front;
}

static bool
limit(int what, rlim_t n)
{
	struct rlimit r = {n, n};

	return setrlimit((__rlimit_resource_t)what, &r) == 0;
}

/* On top of the session's sandbox: nothing can be forked, and memory ends. (A
 * filter for each message would cost more than all checks.) */
static void
confine(struct request const *r)
{
#ifndef KERERU_SANITIZE
	if (!limit(RLIMIT_AS,
		    (rlim_t)(MEMORY + COPIES * r->message.message_len)))
		goto fail;
#else
	(void)r;
#endif
	if (limit(RLIMIT_NPROC, 0))
		return;
#ifndef KERERU_SANITIZE
fail:
#endif
	log_error("sandbox-failed", NULL, "what", "limits", (char *)0);
	_exit(111);
}

static void
note(struct request const *r, struct examine_verdict const *v, bool replaced)
{
	struct log_line line;
	char action[] = {(char)v->action, '\0'}, id[CHECKING_ID_MAX + 1];

	memcpy(id, r->message.id.s, r->message.id.len);
	id[r->message.id.len] = '\0';
	log_begin(&line, "checked", id);
	log_text(&line, "action", action, 1);
	if (v->is_junk)
		log_text(&line, "junk", "yes", 3);
	if (replaced)
		log_text(&line, "replaced", "yes", 3);
	if (*v->text != '\0')
		log_text(&line, "text", v->text, strlen(v->text));
	log_end(&line);
}

/* The process of one message. */
static int
examine(int pair_fd, struct request const *r, struct examine *x)
{
	struct examine_verdict v;
	struct checking_verdict answer = {.code = 0};
	char *from = NULL;
	size_t size;
	char const *s = map(r, &from, &size);
	int fd = -1;
	bool has_lines;

	if (s == NULL) {
		log_error("no-message", NULL, (char *)0);
		return 111;
	}
	confine(r);
	x->message = &r->message;
	x->to = r->to.s;
	x->to_len = r->to.len;
	x->to_count = r->count;
	edit_init(&x->edit, s, (size_t)r->message.message_len);
	if (!examine_message(x, &v)) {
		log_error("check-failed", NULL, (char *)0);
		return 111;
	}
	has_lines = v.action == CHECKING_ACCEPT;
	answer.action = v.action;
	answer.code = (uint16_t)v.code;
	answer.text = (struct checking_bytes){v.text, strlen(v.text)};
	answer.is_junk = v.is_junk;
	if (has_lines && x->edit.is_replaced) {
		fd = attend_file(x->edit.s, x->edit.len);
		if (fd < 0) {
			log_error("check-failed", NULL, (char *)0);
			return 111;
		}
		answer.is_replaced = true;
		answer.replacement_len = x->edit.len;
	}
	note(r, &v, fd >= 0);
	return send_verdict(
		       pair_fd, &answer, fd, has_lines ? &x->edit.front : NULL)
		       ? 0
		       : 111;
}

/* Whether the message's process has answered. */
static bool
has_answered(pid_t pid)
{
	struct log_line line;
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (WIFSIGNALED(status)) {
		log_begin(&line, "died", NULL);
		log_number(&line, "signal", (uint64_t)WTERMSIG(status));
		log_end(&line);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int
serve_session(int pair_fd, struct examine *x)
{
	static struct request r;
	struct checking_verdict later = {.action = CHECKING_TEMPFAIL,
		.code = 451,
		.text = {"4.3.0 the message could not be checked", 38}};
	struct sandbox sandbox = {.filter = SANDBOX_CHECK_MESSAGE,
		.files = FILES,
		.may_fork = true,
		.may_connect = true,
		/* Files without a name, for hooks and the replacement. */
		.may_write = true};
	int got;

	sandbox_enter_or_exit(&sandbox);
	while ((got = receive(pair_fd, &r)) > 0) {
		pid_t pid = fork();
		bool answered;

		if (pid == 0)
			_exit(examine(pair_fd, &r, x));
		answered = pid > 0 && has_answered(pid);
		close(r.file_fd);
		if (!answered && !send_verdict(pair_fd, &later, -1, NULL))
			break;
	}
	if (got < 0) {
		if (r.file_fd >= 0)
			close(r.file_fd);
		log_event("malformed", NULL, "from", "smtpd", (char *)0);
	}
	stralloc_free(&r.to);
	return 0;
}
