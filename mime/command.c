/* What the subcommands of mime share; see command.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/strerr.h>

#include "common/log.h"
#include "mime/command.h"

/* Octets of output that are held. */
#define HELD_MAX 65536

#define NAMES_STEP 4096
#define NAMES_MAX (64u * 1024 * 1024)

bool
command_flush(stralloc *out, bool all)
{
	size_t const len = out->len;

	if (len < HELD_MAX && !all)
		return true;
	out->len = 0;
	return allwrite(1, out->s, len) == len;
}

int
command_open(char const *name)
{
	int fd = 0;

	if (strcmp(name, "-") != 0)
		fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		strerr_diefu2sys(111, "open ", name);
	return fd;
}

int
command_take(int from, char const *name)
{
	int const fd = memfd_create("message", MFD_CLOEXEC);
	static char buf[65536];
	size_t total = 0;
	ssize_t n;

	if (fd < 0)
		strerr_diefu1sys(111, "keep the message");
	do {
		n = read(from, buf, sizeof buf);
		if (n < 0 && errno != EINTR)
			strerr_diefu2sys(111, "read ", name);
		total += n > 0 ? (size_t)n : 0;
		if (total > MESSAGE_MAX)
			strerr_dief2x(111, name, " is larger than 256 MiB");
		if (n > 0 && allwrite(fd, buf, (size_t)n) != (size_t)n)
			strerr_diefu1sys(111, "keep the message");
	} while (n != 0);
	if (lseek(fd, 0, SEEK_SET) < 0)
		strerr_diefu1sys(111, "keep the message");
	if (from > 2)
		close(from);
	return fd;
}

void
command_enter_reader(void)
{
	struct sandbox sandbox = {.filter = SANDBOX_MIME_FILES,
		.memory = COMMAND_MEMORY_MAX,
		.may_write = true,
		.read_only_count = 1};
	int const root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		strerr_diefu1sys(111, "open /");
	sandbox.read_only[0] = root;
	sandbox_enter_or_exit(&sandbox);
	close(root);
}

void
command_enter_writer(int const *fds, size_t count)
{
	struct sandbox sandbox = {.filter = SANDBOX_MIME_FILES,
		.memory = COMMAND_MEMORY_MAX,
		.may_write = true,
		.read_write_count = count};

	memcpy(sandbox.read_write, fds, count * sizeof fds[0]);
	sandbox_enter_or_exit(&sandbox);
}

bool
command_read_names(stralloc *names)
{
	ssize_t n;

	do {
		if (!stralloc_readyplus(names, NAMES_STEP + 1))
			return false;
		n = read(0, names->s + names->len, NAMES_STEP);
		if (n < 0 && errno != EINTR)
			return false;
		names->len += n > 0 ? (size_t)n : 0;
		if (names->len > NAMES_MAX) {
			errno = EFBIG;
			return false;
		}
	} while (n != 0);
	if (names->len > 0 && names->s[names->len - 1] != '\n')
		names->s[names->len++] = '\n';
	for (size_t i = 0; i < names->len; i++)
		if (names->s[i] == '\n')
			names->s[i] = '\0';
	return true;
}

bool
command_put_number(stralloc *out, size_t n)
{
	char digits[24];
	size_t i = sizeof digits;

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return stralloc_catb(out, digits + i, sizeof digits - i);
}
