/* A POP3 session after login. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/types.h>
#include "pop3d/command.h"
#include "pop3d/filename.h"
#include "pop3d/language.h"
#include "pop3d/lines.h"
#include "pop3d/session.h"

/* Wrong commands in a row that end a session: no client of ours. */
#define BAD_COMMANDS_MAX 20

static void
say(struct pop3_session *p, char const *text)
{
	stream_puts(p->stream, text);
}

static void
say_number(struct pop3_session *p, uint64_t n)
{
	char digits[UINT64_FMT];

	stream_write(p->stream, digits, uint64_fmt(digits, n));
}

/* The message that a command means, or NULL (said). */
static struct pop3_message *
pick(struct pop3_session *p, struct pop3_command const *c)
{
	uint32_t n = c->numbers[0];

	if (n == 0 || n > p->maildrop->count)
		say(p, "-ERR No such message\r\n");
	else if (p->maildrop->messages[n - 1].deleted)
		say(p, "-ERR Message is deleted\r\n");
	else
		return &p->maildrop->messages[n - 1];
	return NULL;
}

static void
cmd_capa(struct pop3_session *p, struct pop3_command const *c)
{
	(void)c;
	say(p, POP3_CAPABILITIES);
	/* RFC 2449 6.2, 6.3: the same in both states. */
	if (p->has_login)
		say(p, "USER\r\nSASL PLAIN\r\n");
	say(p, POP3_CAPABILITIES_END);
}

/* The messages that are not deleted. */
static uint64_t
left(struct pop3_session const *p)
{
	return p->maildrop->count - p->maildrop->deleted_count;
}

static uint64_t
left_octets(struct pop3_session *p)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < p->maildrop->count; i++)
		if (!p->maildrop->messages[i].deleted)
			sum += pop3_maildrop_size(
				p->maildrop, &p->maildrop->messages[i]);
	return sum;
}

static void
cmd_stat(struct pop3_session *p, struct pop3_command const *c)
{
	(void)c;
	say(p, "+OK ");
	say_number(p, left(p));
	say(p, " ");
	say_number(p, left_octets(p));
	say(p, "\r\n");
}

static void
say_size(struct pop3_session *p, struct pop3_message *message)
{
	say_number(p, pop3_maildrop_size(p->maildrop, message));
}

static void
say_uidl(struct pop3_session *p, struct pop3_message *message)
{
	char const *name = pop3_maildrop_name(p->maildrop, message);
	char uidl[POP3_UIDL_MAX + 1];

	stream_write(
		p->stream, uidl, pop3_filename_uidl(name, strlen(name), uidl));
}

/* LIST and UIDL: a line for one message, or for all. */
static void
listing(struct pop3_session *p, struct pop3_command const *c,
	void (*say_it)(struct pop3_session *, struct pop3_message *))
{
	struct pop3_message *message;

	if (c->number_count > 0) {
		message = pick(p, c);
		if (message == NULL)
			return;
		say(p, "+OK ");
		say_number(p, c->numbers[0]);
		say(p, " ");
		say_it(p, message);
		say(p, "\r\n");
		return;
	}
	say(p, "+OK\r\n");
	for (size_t i = 0; i < p->maildrop->count && p->stream->error == 0;
		i++) {
		message = &p->maildrop->messages[i];
		if (message->deleted)
			continue;
		say_number(p, i + 1);
		say(p, " ");
		say_it(p, message);
		say(p, "\r\n");
	}
	say(p, ".\r\n");
}

static void
cmd_list(struct pop3_session *p, struct pop3_command const *c)
{
	listing(p, c, say_size);
}

static void
cmd_uidl(struct pop3_session *p, struct pop3_command const *c)
{
	listing(p, c, say_uidl);
}

static void
put(void *data, char const *s, size_t len)
{
	struct pop3_session *p = data;

	p->octets += len;
	stream_write(p->stream, s, len);
}

static char piece[65536];

/* The lines of the file, of which the first piece has been read. A file that
 * fails half-way ends the session: a closing dot would make the client take the
 * half for the whole. */
static void
send_file(struct pop3_session *p, int fd, ssize_t r, struct pop3_lines *lines)
{
	while (r > 0 && p->stream->error == 0 &&
		pop3_lines_push(lines, piece, (size_t)r))
		r = read(fd, piece, sizeof piece);
	if (r < 0) {
		int error = errno;
		if (stream_flush(p->stream))
			p->stream->error = error;
		return;
	}
	pop3_lines_end(lines);
	say(p, ".\r\n");
}

static void
send_message(struct pop3_session *p, struct pop3_message *message, int fd,
	struct pop3_lines *lines)
{
	ssize_t r = read(fd, piece, sizeof piece);

	if (r < 0) {
		say(p, "-ERR [SYS/TEMP] Cannot read it\r\n");
		return;
	}
	say(p, "+OK");
	if (!lines->limited) {
		say(p, " ");
		say_size(p, message);
		say(p, " octets");
		p->retrieved++;
	}
	say(p, "\r\n");
	send_file(p, fd, r, lines);
}

static void
retrieve(struct pop3_session *p, struct pop3_command const *c, bool limited)
{
	struct pop3_message *message = pick(p, c);
	struct pop3_lines lines;
	int fd;

	if (message == NULL)
		return;
	fd = pop3_maildrop_open(p->maildrop, message);
	if (fd < 0) {
		say(p, errno == ENOENT ? "-ERR Message is gone\r\n"
				       : "-ERR [SYS/TEMP] Cannot read it\r\n");
		return;
	}
	pop3_lines_start(&lines, put, p, true);
	lines.limited = limited;
	lines.body_left = c->numbers[1];
	send_message(p, message, fd, &lines);
	close(fd);
}

static void
cmd_retr(struct pop3_session *p, struct pop3_command const *c)
{
	retrieve(p, c, false);
}

static void
cmd_top(struct pop3_session *p, struct pop3_command const *c)
{
	retrieve(p, c, true);
}

static void
cmd_dele(struct pop3_session *p, struct pop3_command const *c)
{
	struct pop3_message *message = pick(p, c);

	if (message == NULL)
		return;
	message->deleted = true;
	p->maildrop->deleted_count++;
	say(p, "+OK Deleted at QUIT\r\n");
}

static void
cmd_noop(struct pop3_session *p, struct pop3_command const *c)
{
	(void)c;
	say(p, "+OK\r\n");
}

static void
cmd_lang(struct pop3_session *p, struct pop3_command const *c)
{
	say(p, pop3_language(c));
}

static void
cmd_rset(struct pop3_session *p, struct pop3_command const *c)
{
	(void)c;
	for (size_t i = 0; i < p->maildrop->count; i++)
		p->maildrop->messages[i].deleted = false;
	p->maildrop->deleted_count = 0;
	say(p, "+OK\r\n");
}

static void
cmd_quit(struct pop3_session *p, struct pop3_command const *c)
{
	(void)c;
	p->has_quit = true;
	p->removed = p->maildrop->deleted_count;
	if (pop3_maildrop_expunge(p->maildrop))
		say(p, "+OK Bye\r\n");
	else
		say(p, "-ERR [SYS/TEMP] Some deleted messages not removed\r\n");
}

/* Verbs of the state before login are missing here. */
static struct {
	enum pop3_verb verb;
	void (*run)(struct pop3_session *, struct pop3_command const *);
} const commands[] = {
	{POP3_CAPA, cmd_capa},
	{POP3_DELE, cmd_dele},
	{POP3_LANG, cmd_lang},
	{POP3_LIST, cmd_list},
	{POP3_NOOP, cmd_noop},
	{POP3_QUIT, cmd_quit},
	{POP3_RETR, cmd_retr},
	{POP3_RSET, cmd_rset},
	{POP3_STAT, cmd_stat},
	{POP3_TOP, cmd_top},
	{POP3_UIDL, cmd_uidl},
};

static void
refuse(struct pop3_session *p, char const *why)
{
	say(p, "-ERR ");
	say(p, why);
	say(p, "\r\n");
	p->bad_commands++;
}

static void
command(struct pop3_session *p, char const *line, size_t len)
{
	enum pop3_command_error err;
	struct pop3_command c;

	if (!pop3_command_parse(line, len, &c, &err)) {
		refuse(p, pop3_command_strerror(err));
		return;
	}
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (commands[i].verb == c.verb) {
			p->bad_commands = 0;
			commands[i].run(p, &c);
			return;
		}
	refuse(p, "Not now");
}

static void
say_why(struct pop3_session *p)
{
	if (errno == ETIMEDOUT)
		say(p, "-ERR Idle for too long\r\n");
	else if (errno == ECANCELED)
		say(p, "-ERR [SYS/TEMP] Shutting down\r\n");
}

/* False: the session is over. */
static bool
next(struct pop3_session *p)
{
	char const *line;
	size_t len;
	int r = stream_line(p->stream, POP3_LINE_MAX, &line, &len, NULL);

	if (r > 0) {
		command(p, line, len);
	} else if (r < 0 && errno == E2BIG) {
		refuse(p, "Line too long");
		if (stream_skip_line(p->stream) <= 0)
			return false;
	} else {
		if (r < 0)
			say_why(p);
		return false;
	}
	return !p->has_quit && p->bad_commands < BAD_COMMANDS_MAX &&
	       p->stream->error == 0;
}

void
pop3_session_run(struct pop3_session *p)
{
	say(p, "+OK ");
	say_number(p, p->maildrop->count);
	say(p, " messages\r\n");
	while (next(p))
		;
	(void)stream_flush(p->stream);
}
