/*
 * mime - show what is in a message
 *
 * Runs as whoever calls it, root too: it opens one file, closes the sandbox
 * and reads; nothing of the message is trusted.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "common/log.h"
#include "common/sandbox.h"
#include "mime/command.h"

#define USAGE "mime show|headers|parts|imap FILE|-"

/* Address space: the message, what is made of it, and room to grow. */
#define MEMORY_MAX (4ul * MESSAGE_MAX)

char const *PROG;

static struct {
	char const *name;
	bool (*run)(struct message const *m, stralloc *out);
	bool raw; /* what it writes is no text for a terminal */
} const commands[] = {
	{"show", cmd_show, false},
	{"headers", cmd_headers, false},
	{"parts", cmd_parts, false},
	{"imap", cmd_imap, true},
};

static size_t
find_command(char const *name)
{
	size_t i = 0;

	while (i < sizeof commands / sizeof commands[0] &&
		strcmp(commands[i].name, name) != 0)
		i++;
	if (i == sizeof commands / sizeof commands[0])
		strerr_dieusage(100, USAGE);
	return i;
}

static int
open_message(char const *name)
{
	int fd = 0;

	if (strcmp(name, "-") != 0)
		fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		strerr_diefu2sys(111, "open ", name);
	return fd;
}

int
main(int argc, char const *const *argv)
{
	static struct message message;
	struct sandbox const sandbox = {.filter = SANDBOX_MIME,
		.memory = MEMORY_MAX,
		.may_write = true};
	stralloc out = STRALLOC_ZERO;

	PROG = "mime";
	if (argc != 3)
		strerr_dieusage(100, USAGE);

	size_t const command = find_command(argv[1]);

	if (commands[command].raw && isatty(1))
		strerr_dief1x(100, "imap writes raw octets: not to a terminal");

	int const fd = open_message(argv[2]);

	log_open(PROG);
	sandbox_enter_or_exit(&sandbox);
	if (!message_read(&message, fd))
		strerr_diefu2sys(111, "read ", argv[2]);
	if (!commands[command].run(&message, &out) ||
		!command_flush(&out, true))
		strerr_diefu1sys(111, "write to standard output");
	return 0;
}
