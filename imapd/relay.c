/* Talking to the imapd of a shared mailbox; see relay.h. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "imapd/attach.h"
#include "imapd/naming.h"
#include "imapd/relay.h"

#define TIMEOUT_MS 600000
/* Octets of a line: what SEARCH finds in a million messages. */
#define LINE_MAX_OCTETS (16u << 20)
#define LINE_KEEP 65536

/* Bits of enabled. */
static struct {
	char const *name;
	size_t offset; /* in struct session */
} const extensions[] = {
	{"IMAP4rev2", offsetof(struct session, rev2)},
	{"UTF8=ACCEPT", offsetof(struct session, utf8)},
	{"CONDSTORE", offsetof(struct session, condstore)},
	{"QRESYNC", offsetof(struct session, qresync)},
	{"UIDONLY", offsetof(struct session, uid_only)},
};
#define EXTENSIONS (sizeof extensions / sizeof *extensions)

static struct relay relays[RELAYS_MAX];
static uint64_t uses;

void
relay_close(struct session *s, struct relay *r)
{
	if (!r->is_open)
		return;
	close(r->stream.in_fd);
	close(r->stream.out_fd);
	r->is_open = false;
	stralloc_free(&r->line);
	if (s->remote != r)
		return;
	s->remote = NULL;
	/* RFC 9051, 7.1: no mailbox is selected any more. */
	session_puts(s, "* OK [CLOSED] The shared mailbox went away\r\n");
}

static void
lose(struct session *s, struct relay *r, char const *why)
{
	log_error("relay-lost", NULL, "mailbox", r->share.mailbox, "why", why,
		(char *)0);
	relay_close(s, r);
}

static bool
start(struct session *s, struct relay *r, struct share const *share)
{
	int pipes[2];

	if (!attach(share->mailbox, pipes)) {
		log_error("no-attach", NULL, "mailbox", share->mailbox,
			(char *)0);
		return false;
	}
	r->share = *share;
	r->enabled = 0;
	r->validity = 0;
	r->line = (stralloc)STRALLOC_ZERO;
	stream_init(&r->stream, pipes[1], pipes[0], TIMEOUT_MS);
	r->stream.stop = s->stream->stop;
	/* Nobody waits for it when the client has gone. */
	r->stream.hangup_fd = s->stream->in_fd;
	r->is_open = true;
	return true;
}

/* One that says something without being asked has ended. */
static bool
is_alive(struct relay const *r)
{
	struct pollfd p = {.fd = r->stream.in_fd, .events = POLLIN};

	return stream_pending(&r->stream) == 0 && poll(&p, 1, 0) == 0;
}

static unsigned
wanted(struct session const *s)
{
	unsigned bits = 0;

	for (size_t i = 0; i < EXTENSIONS; i++)
		if (*(bool const *)((char const *)s + extensions[i].offset))
			bits |= 1u << i;
	return bits;
}

static enum relay_taken
drop(void *data, struct relay *r)
{
	(void)data;
	(void)r;
	return RELAY_DROP;
}

/* What the client has enabled holds there too. */
static struct relay *
prepare(struct session *s, struct relay *r)
{
	unsigned const bits = wanted(s);

	r->used = ++uses;
	if (bits == r->enabled)
		return r;
	relay_puts(r, RELAY_TAG " ENABLE");
	for (size_t i = 0; i < EXTENSIONS; i++)
		if (bits >> i & 1) {
			relay_puts(r, " ");
			relay_puts(r, extensions[i].name);
		}
	relay_puts(r, "\r\n");
	r->enabled = bits;
	return relay_finish(s, r, drop, NULL) ? r : NULL;
}

static struct relay *
find_place(struct session *s)
{
	struct relay *oldest = NULL;

	for (size_t i = 0; i < RELAYS_MAX; i++) {
		struct relay *const r = &relays[i];

		if (!r->is_open)
			return r;
		if (r != s->remote &&
			(oldest == NULL || r->used < oldest->used))
			oldest = r;
	}
	relay_close(s, oldest);
	return oldest;
}

struct relay *
relay_get(struct session *s, struct share const *share)
{
	struct relay *r;

	for (size_t i = 0; i < RELAYS_MAX; i++) {
		r = &relays[i];
		if (!r->is_open ||
			strcmp(r->share.mailbox, share->mailbox) != 0)
			continue;
		if (r == s->remote || is_alive(r))
			return prepare(s, r);
		relay_close(s, r);
	}
	r = find_place(s);
	return start(s, r, share) ? prepare(s, r) : NULL;
}

struct relay *
relay_selected(struct session *s)
{
	return prepare(s, s->remote);
}

void
relay_write(struct relay *r, char const *s, size_t len)
{
	(void)stream_write(&r->stream, s, len);
}

void
relay_puts(struct relay *r, char const *text)
{
	relay_write(r, text, strlen(text));
}

/* Up to the next LF, which is dropped with its CR. */
static bool
read_line(struct relay *r)
{
	struct stream *const in = &r->stream;

	r->line.len = 0;
	if (r->line.a > LINE_KEEP)
		stralloc_free(&r->line);
	for (;;) {
		size_t const have = stream_pending(in);
		char const *const start = in->in + in->in_start;
		char const *const lf =
			have > 0 ? memchr(start, '\n', have) : NULL;
		size_t const n = lf != NULL ? (size_t)(lf - start) : have;

		if (r->line.len + n > LINE_MAX_OCTETS ||
			!stralloc_catb(&r->line, start, n))
			return false;
		in->in_start += n + (lf != NULL);
		if (lf != NULL)
			break;
		if (stream_fill(in) <= 0)
			return false;
	}
	if (r->line.len == 0 || r->line.s[r->line.len - 1] != '\r')
		return false;
	r->line.len--;
	return true;
}

bool
relay_read(struct session *s, struct relay *r, bool is_first)
{
	static stralloc text = STRALLOC_ZERO;

	if (!read_line(r)) {
		lose(s, r, "ended");
		return false;
	}
	r->has_literal = false;
	r->literal = 0;
	if (is_first) {
		text.len = 0;
		if (text.a > LINE_KEEP)
			stralloc_free(&text);
		if (!stralloc_ready(&text, r->line.len + 1)) {
			lose(s, r, "memory");
			return false;
		}
		relay_line_parse(r->line.s, r->line.len, text.s, &r->parsed);
	}
	/* In what is said to people there are no strings. */
	if (is_first &&
		(r->parsed.kind == RELAY_DONE || r->parsed.kind == RELAY_MORE ||
			r->parsed.kind == RELAY_STATUS ||
			r->parsed.kind == RELAY_BYE)) {
		for (size_t i = 0; i < r->line.len; i++)
			if ((unsigned char)r->line.s[i] < ' ')
				r->line.s[i] = '?';
		return true;
	}
	if (!relay_line_sound(
		    r->line.s, r->line.len, &r->has_literal, &r->literal)) {
		lose(s, r, "malformed");
		return false;
	}
	return true;
}

bool
relay_literal(struct session *s, struct relay *r, relay_put *put, void *data)
{
	struct stream *const in = &r->stream;

	while (r->literal > 0) {
		size_t n = stream_pending(in);

		if (n == 0) {
			if (stream_fill(in) > 0)
				continue;
			lose(s, r, "ended");
			return false;
		}
		if (n > r->literal)
			n = (size_t)r->literal;
		if (put != NULL)
			put(data, in->in + in->in_start, n);
		in->in_start += n;
		r->literal -= n;
	}
	return true;
}

static void
put_client(void *data, char const *s, size_t len)
{
	(void)stream_write(data, s, len);
}

void
relay_pass_line(struct session *s, struct relay const *r)
{
	(void)stream_write(s->stream, r->line.s, r->line.len);
	session_puts(s, "\r\n");
}

bool
relay_pass(struct session *s, struct relay *r, bool pass)
{
	if (pass)
		relay_pass_line(s, r);
	while (r->has_literal) {
		if (!relay_literal(s, r, pass ? put_client : NULL, s->stream) ||
			!relay_read(s, r, false)) {
			/* The client waits for octets that nobody has: only
			 * the end of the connection tells him. */
			if (pass && s->stream->error == 0)
				s->stream->error = EPIPE;
			return false;
		}
		if (pass)
			relay_pass_line(s, r);
	}
	return true;
}

static bool
may_pass(struct session const *s, struct relay const *r)
{
	struct lex_text const *const n = &r->parsed.name;
	char name[BOXNAME_MAX + 1];

	switch (r->parsed.kind) {
	case RELAY_STATUS:
	case RELAY_MESSAGE:
		return s->remote == r;
	case RELAY_NAMED:
		return naming_in(s->utf8, n->s, n->len, name) &&
		       share_holds(&r->share, name);
	case RELAY_DONE:
	case RELAY_MORE:
	case RELAY_BYE:
	case RELAY_OTHER:
		break;
	}
	return false;
}

bool
relay_hear(struct session *s, struct relay *r, relay_each *each, void *data)
{
	enum relay_taken taken = RELAY_DROP;
	uint32_t validity;

	if (r->parsed.kind == RELAY_BYE) {
		lose(s, r, "bye");
		return false;
	}
	if (r->parsed.kind == RELAY_STATUS &&
		relay_line_number(&r->parsed.rest, "UIDVALIDITY", &validity))
		r->validity = validity;
	if (may_pass(s, r))
		taken = each != NULL ? each(data, r) : RELAY_PASS;
	if (taken == RELAY_STOP || !r->is_open)
		return false;
	return taken == RELAY_TAKEN || relay_pass(s, r, taken == RELAY_PASS);
}

bool
relay_finish(struct session *s, struct relay *r, relay_each *each, void *data)
{
	do
		if (!relay_read(s, r, true) ||
			(r->parsed.kind != RELAY_DONE &&
				!relay_hear(s, r, each, data)))
			return false;
	while (r->parsed.kind != RELAY_DONE);
	return true;
}

void
relay_answer(struct session *s, struct relay const *r)
{
	static stralloc text = STRALLOC_ZERO;

	text.len = 0;
	session_reply(s, r->parsed.status, "%s", "");
	if (stralloc_catb(&text, r->parsed.rest.s, r->parsed.rest.len) &&
		stralloc_0(&text))
		s->code = text.s;
}

void
relay_failed(struct session *s)
{
	session_reply(
		s, "NO", "[UNAVAILABLE] The shared mailbox cannot be had now");
}
