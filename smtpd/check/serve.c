/* A worker of check: looks at one message at a time. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/sandbox.h"
#include "common/wire.h"
#include "smtpd/check/pool.h"
#include "smtpd/check/attend.h"
#include "smtpd/check/serve.h"

/* Address space of a worker: so much, and so many times the message (mapped,
 * changed, decoded). */
#define MEMORY (768ull << 20)
#define COPIES 5u
#define FILES 64
/* Messages up to here are read into memory that is kept, others are mapped; and
 * the limit of memory above is for one of them. */
#define KEPT_MAX (1u << 20)

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

struct text {
	char *kept; /* KEPT_MAX octets */
	char *from; /* mapped, or NULL */
	size_t size;
};

/* The message. A file that is cut while it is mapped costs its own message
 * alone. */
static char const *
open_text(struct text *t, struct request const *r)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t start = r->message.message_offset / page * page;
	uint64_t front = r->message.message_offset - start;
	uint64_t len = r->message.message_len;
	struct stat st;

	t->from = NULL;
	errno = EINVAL;
	if (len == 0 || fstat(r->file_fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		(uint64_t)st.st_size < r->message.message_offset ||
		(uint64_t)st.st_size - r->message.message_offset < len)
		return NULL;
	if (len <= KEPT_MAX) {
		ssize_t n = pread(r->file_fd, t->kept, (size_t)len,
			(off_t)r->message.message_offset);

		return n == (ssize_t)len ? t->kept : NULL;
	}
	t->size = (size_t)(front + len);
	t->from = mmap(NULL, t->size, PROT_READ, MAP_PRIVATE, r->file_fd,
		(off_t)start);
	if (t->from == MAP_FAILED)
		t->from = NULL;
	return t->from == NULL ? NULL : t->from + front;
}

static void
close_text(struct text *t)
{
	if (t->from != NULL)
		munmap(t->from, t->size);
	t->from = NULL;
}

/* Memory for a message of so many octets. */
static bool
limit_memory(uint64_t len)
{
#ifndef KERERU_SANITIZE
	static uint64_t last;
	struct rlimit r;

	if (len < KEPT_MAX)
		len = KEPT_MAX;
	if (len == last)
		return true;
	if (getrlimit(RLIMIT_AS, &r) < 0)
		return false;
	r.rlim_cur = (rlim_t)(MEMORY + COPIES * len);
	if (setrlimit(RLIMIT_AS, &r) < 0)
		return false;
	last = len;
#else
	(void)len;
#endif
	return true;
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

/* False: the message is to be put off; what is left behind here is unknown. */
static bool
answer(int pair_fd, struct request const *r, struct examine *x, char const *s)
{
	struct examine_verdict v;
	struct checking_verdict verdict = {.code = 0};
	int fd = -1;
	bool has_lines, ok;

	edit_init(&x->edit, s, (size_t)r->message.message_len);
	if (!examine_message(x, &v))
		return false;
	has_lines = v.action == CHECKING_ACCEPT;
	verdict.action = v.action;
	verdict.code = (uint16_t)v.code;
	verdict.text = (struct checking_bytes){v.text, strlen(v.text)};
	verdict.is_junk = v.is_junk;
	if (has_lines && x->edit.is_replaced) {
		fd = attend_file(x->edit.s, x->edit.len);
		if (fd < 0)
			return false;
		verdict.is_replaced = true;
		verdict.replacement_len = x->edit.len;
	}
	note(r, &v, fd >= 0);
	ok = send_verdict(
		pair_fd, &verdict, fd, has_lines ? &x->edit.front : NULL);
	if (fd >= 0)
		close(fd);
	edit_free(&x->edit);
	return ok;
}

static bool
look(int pair_fd, struct request const *r, struct examine *x, struct text *text)
{
	char const *s = open_text(text, r);
	bool ok;

	if (s == NULL) {
		log_error("no-message", NULL, (char *)0);
		return false;
	}
	if (!limit_memory(r->message.message_len)) {
		log_error("sandbox-failed", NULL, "what", "limits", (char *)0);
		return false;
	}
	x->message = &r->message;
	x->to = r->to.s;
	x->to_len = r->to.len;
	x->to_count = r->count;
	ok = answer(pair_fd, r, x, s);
	if (!ok)
		log_error("check-failed", NULL, (char *)0);
	close_text(text);
	return ok;
}

/* One message of a session: an octet of pool.h; '\0': it is to be put off. */
static char
serve_session(int pair_fd, struct examine *x, struct text *text)
{
	static struct request r;
	int got = receive(pair_fd, &r);
	char octet = POOL_IS_OVER;

	if (got > 0)
		octet = look(pair_fd, &r, x, text) ? POOL_GOES_ON : '\0';
	else if (got < 0)
		log_event("malformed", NULL, "from", "smtpd", (char *)0);
	if (got != 0 && r.file_fd >= 0)
		close(r.file_fd);
	return octet;
}

int
serve_worker(int control_fd, struct examine *x)
{
	struct sandbox sandbox = {.filter = SANDBOX_CHECK_MESSAGE,
		.files = FILES,
		.may_connect = true,
		/* Files without a name, for hooks and the replacement. */
		.may_write = true};
	struct text text = {.kept = malloc(KEPT_MAX)};
	char octet;

	/* What a message needed the next will need: pages that are given back
	 * cost more than all else that is done with them. */
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
	(void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
	sandbox_enter_or_exit(&sandbox);
	if (text.kept == NULL || !limit_memory(KEPT_MAX))
		return 111;
	for (;;) {
		size_t count = 0;
		int pair_fd;
		ssize_t n = pair_receive(
			control_fd, &octet, 1, &pair_fd, 1, &count);

		if (n <= 0 || count != 1)
			break;
		octet = serve_session(pair_fd, x, &text);
		close(pair_fd);
		/* The pool puts the message off when its worker ends. */
		if (octet == '\0')
			return 111;
		if (!pair_send(control_fd, &octet, 1, NULL, 0))
			break;
	}
	free(text.kept);
	return 0;
}
