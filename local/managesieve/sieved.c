/*
 * sieved - ManageSieve after login, over one maildir (RFC 5804)
 *
 * Runs as the mailbox's own user and reads the commands of that user's client,
 * which are hostile input; can write this maildir and nothing else. Started by
 * the monitor with -m after login, or by hand. See sieved(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include "common/log.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/stop.h"
#include "local/managesieve/session.h"

#define USAGE "usage: sieved [-m ADDRESS] [-a CLIENT] MAILDIR\n"
/* The descriptor of settings.cdb that the monitor hands down. */
#define SETTINGS_FD 5
#define TIMEOUT_S 1800 /* RFC 5804, 1.2: at least 30 minutes */
#define MEMORY_MAX ((size_t)64 * 1024 * 1024)
#define FILES_MAX 16

static void
fail(char const *what)
{
	log_error("cannot-start", NULL, "what", what, (char *)0);
	_exit(111);
}

static int
timeout_ms(void)
{
	struct table settings = TABLE_ZERO;
	uint64_t seconds = TIMEOUT_S;

	if (table_open_fd(&settings, SETTINGS_FD)) {
		seconds =
			settings_number(&settings, "sieve-timeout", TIMEOUT_S);
		table_close(&settings);
	}
	close(SETTINGS_FD);
	return seconds > 86400 ? 86400000 : (int)seconds * 1000;
}

/* The maildir must be ours: no link, nobody else's, writable to no one else. */
static int
open_maildir(char const *path)
{
	int const fd =
		open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fchdir(fd) < 0 || fstat(fd, &st) < 0)
		fail("maildir");
	if (st.st_uid != geteuid() || (st.st_mode & S_IWOTH) != 0) {
		errno = EPERM;
		fail("maildir");
	}
	return fd;
}

int
main(int argc, char const *const *argv)
{
	static struct stream stream;
	struct managesieve_session session = {.stream = &stream};
	struct sandbox sandbox = {.filter = SANDBOX_SIEVED,
		.memory = MEMORY_MAX,
		.files = FILES_MAX,
		.may_write = true,
		.may_link = true,
		.read_write_count = 1};
	subgetopt o = SUBGETOPT_ZERO;
	int wait_ms = TIMEOUT_S * 1000, c;

	log_open("sieved");
	while ((c = subgetopt_r(argc, argv, "m:a:", &o)) >= 0) {
		if (c == 'm')
			session.owner = o.arg;
		else if (c != 'a')
			argc = 0;
	}
	if (argc - o.ind != 1) {
		(void)!write(2, USAGE, sizeof USAGE - 1);
		return 100;
	}
	/* By hand root may change its own scripts; behind a front it never
	 * does. */
	if (session.owner != NULL && geteuid() == 0) {
		errno = EPERM;
		log_error("cannot-start", NULL, "what", "root", (char *)0);
		return 100;
	}
	if (session.owner != NULL)
		wait_ms = timeout_ms();
	(void)umask(077);
	session.scripts.root_fd = open_maildir(argv[o.ind]);
	sandbox.read_write[0] = session.scripts.root_fd;
	stop_catch();
	sandbox_enter_or_exit(&sandbox);
	stream_init(&stream, 0, 1, wait_ms);
	stream.stop = &stop_asked;
	managesieve_run(&session, session.owner == NULL);
	return 0;
}
