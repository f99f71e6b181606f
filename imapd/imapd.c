/*
 * imapd.c - IMAP4rev1 after login, over one maildir
 *
 * Runs as the mailbox's own user and reads the commands of that user's client,
 * which are hostile input; can write this maildir and nothing else. Started by
 * the monitor with -m after login, or by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <sodium.h>

#include "common/log.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/table.h"
#include "imapd/attach.h"
#include "imapd/capabilities.h"
#include "imapd/naming.h"
#include "imapd/session.h"
#include "imapd/share.h"

/* The descriptor of settings.cdb that the monitor hands down. */
#define SETTINGS_FD 5
#define TIMEOUT_S 1800 /* RFC 3501, 5.4: at least 30 minutes */
#define MEMORY_MAX ((size_t)1 << 30)
#define FILES_MAX 64
#define MMAP_THRESHOLD (128 * 1024)

static int volatile stop;

static void
on_term(int signal_number)
{
	(void)signal_number;
	stop = 1;
}

static void
usage(void)
{
	static char const text[] =
		"usage: imapd [-m ADDRESS] [-a CLIENT] [-s USER] MAILDIR\n";

	(void)!write(2, text, sizeof text - 1);
	_exit(100);
}

static void
fail(char const *what)
{
	log_error("cannot-start", NULL, "what", what, (char *)0);
	_exit(111);
}

/* The maildir must be ours: no link, nobody else's, writable to no one else. */
static int
open_maildir(char const *path)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchdir(fd) < 0 || fstat(fd, &st) < 0)
		fail("maildir");
	if (st.st_uid != geteuid() || st.st_mode & S_IWOTH) {
		errno = EPERM;
		fail("maildir");
	}
	return fd;
}

/* Signals are let through only while the stream waits. */
static void
catch_term(void)
{
	struct sigaction const action = {.sa_handler = on_term};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
		sigaction(SIGTERM, &action, NULL) < 0)
		fail("signals");
}

static void
confine(int root_fd)
{
	struct sandbox const sandbox = {.filter = SANDBOX_IMAPD,
		.memory = MEMORY_MAX,
		.files = FILES_MAX,
		.may_write = true,
		.read_write = {root_fd},
		.read_write_count = 1};

	sandbox_enter_or_exit(&sandbox);
}

/* The maildir is a shared mailbox, and this user of it asks. */
static void
serve(struct session *s, char const *user)
{
	static struct share share;

	if (s->shared == NULL || !share_of(s->shared, s->owner, user, &share)) {
		errno = ENOENT;
		fail("shared mailbox");
	}
	s->shared = NULL;
	s->asker = user;
	s->asker_administers = share.administers;
	s->asker_takes_part = share.takes_part;
	naming_share(share.prefix);
	log_event(
		"attached", NULL, "mailbox", s->owner, "user", user, (char *)0);
}

int
main(int argc, char const *const *argv)
{
	static char greeting[2048], host[65];
	static struct table settings = TABLE_ZERO;
	static struct stream stream;
	static struct session session;
	subgetopt o = SUBGETOPT_ZERO;
	char const *address = NULL, *user = NULL;
	uint64_t timeout_s = TIMEOUT_S;
	int c;

	log_open("imapd");
	while ((c = subgetopt_r(argc, argv, "m:a:s:", &o)) >= 0) {
		if (c == 'm')
			address = o.arg;
		else if (c == 's')
			user = o.arg;
		else if (c != 'a')
			usage();
	}
	if (argc - o.ind != 1)
		usage();
	/* By hand root may read its own mail; behind a front it never does. */
	if (address != NULL && geteuid() == 0) {
		errno = EPERM;
		log_error("cannot-start", NULL, "what", "root", (char *)0);
		_exit(100);
	}
	if (sodium_init() < 0)
		fail("random numbers");
	session.append_max = UINT32_MAX;
	session.owner = address != NULL ? address : "";
	if (address != NULL && table_open_fd(&settings, SETTINGS_FD)) {
		timeout_s =
			settings_number(&settings, "imap-timeout", TIMEOUT_S);
		session.append_max = settings_number(
			&settings, "message-size-max", UINT32_MAX);
		session.shared = settings_text(&settings, "shared");
		close(SETTINGS_FD);
	}
	if (user != NULL)
		serve(&session, user);
	else if (!attach_possible())
		session.shared = NULL;
	(void)umask(077);
	if (gethostname(host, sizeof host - 1) < 0)
		fail("hostname");
	session.root_fd = open_maildir(argv[o.ind]);
	session.host = host;
	session.stream = &stream;
	/* What a large message needed is given back, whatever came before. */
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
	catch_term();
	confine(session.root_fd);
	stream_init(&stream, 0, 1,
		timeout_s < INT32_MAX / 1000 ? (int)timeout_s * 1000
					     : INT32_MAX);
	stream.stop = &stop;
	(void)snprintf(greeting, sizeof greeting,
		"* PREAUTH [CAPABILITY %s] Kereru ready\r\n", capabilities);
	session_run(&session, address == NULL ? greeting : NULL);
	return 0;
}
