/*
 * mime send: a message, handed to sendmail, or by mime-submit to a server.
 *
 * The message is kept in memory, whole, before sendmail sees an octet: what a
 * pipe cuts short is not sent. A child in a sandbox looks at it first, as far
 * as it takes to tell a draft from a message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/strerr.h>

#include "mime/address.h"
#include "mime/command.h"
#include "mime/cryptcall.h"

#define SENDMAIL "/usr/sbin/sendmail"

static bool
has_address(struct message const *m, char const *name)
{
	struct header_field f;
	struct address_cursor c;
	struct address a;
	stralloc buf = STRALLOC_ZERO;
	bool found = false;

	if (!message_field(m, &m->parts[0], name, &f))
		return false;
	if (!stralloc_ready(&buf, ADDRESS_BUF(f.value_len)))
		strerr_diefu1sys(111, "read the message");
	address_init(&c, f.value, f.value_len, buf.s);
	while (!found && address_next(&c, &a) > 0)
		found = a.kind == ADDRESS_MAILBOX && a.local.len > 0;
	stralloc_free(&buf);
	return found;
}

/* In the child. */
static _Noreturn void
look(int fd, char const *name)
{
	static struct message m;
	struct sandbox const sandbox = {.filter = SANDBOX_MIME,
		.memory = COMMAND_MEMORY_MAX,
		.may_write = true};
	static char const *const draft[] = {"attach", "attach-message"};
	struct header_field f;

	sandbox_enter_or_exit(&sandbox);
	if (!message_read(&m, fd))
		strerr_diefu2sys(111, "read ", name);
	for (size_t i = 0; i < sizeof draft / sizeof draft[0]; i++)
		if (message_field(&m, &m.parts[0], draft[i], &f))
			strerr_dief2x(100, name,
				" is a draft: mime compose makes a message "
				"of it");
	for (size_t i = 0; i < m.parts[0].header_len; i++)
		if ((unsigned char)m.text.s[i] >= 0x80)
			strerr_dief2x(100, name,
				" has a header that is not ASCII: mime compose "
				"makes a message of a draft");
	if (!has_address(&m, "from"))
		strerr_dief2x(100, name, " has no sender in From");
	if (!has_address(&m, "to") && !has_address(&m, "cc") &&
		!has_address(&m, "bcc"))
		strerr_dief2x(100, name, " has no recipient in To, Cc or Bcc");
	_exit(0);
}

static void
check(int fd, char const *name)
{
	pid_t const pid = fork();
	int status;

	if (pid == 0)
		look(fd, name);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			strerr_diefu1sys(111, "wait");
	if (pid < 0 || !WIFEXITED(status))
		strerr_diefu2sys(111, "look at ", name);
	if (WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
}

int
mime_send(struct options const *o, int argc, char const *const *argv)
{
	char const *const name = argc > 0 ? argv[0] : "-";
	char const *const set = getenv("MIME_SENDMAIL");
	char const *const program =
		options_value(o, 's', set && set[0] != '\0' ? set : SENDMAIL);
	int const fd = command_take(command_open(name), name);

	check(fd, name);
	if (options_has(o, 'h') && lseek(fd, 0, SEEK_SET) == 0)
		cryptcall_become("mime-submit", "send", o, fd);
	if (lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, 0) < 0)
		strerr_diefu1sys(111, "pass on the message");
	/* -i: a line with a dot alone is text. */
	execl(program, program, "-t", "-i", (char *)NULL);
	strerr_diefu2sys(111, "run ", program);
}
