/*
 * pop3d - POP3 over a maildir, after login
 *
 * Runs as the mailbox's uid, on two pipes to pop3-front, or on a terminal or a
 * remote shell by hand. Trusts nobody's input; can read and change that maildir
 * and nothing else. See pop3d(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include "common/log.h"
#include "common/maildir.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/stop.h"
#include "common/stream.h"
#include "pop3d/session.h"

#define USAGE "usage: pop3d [-m ADDRESS] [-a CLIENT] MAILDIR\n"
#define SETTINGS_FD 5
#define TIMEOUT_S 600
#define LOCK_WAIT_MS 1000
#define MEMORY_MAX ((size_t)512 * 1024 * 1024)
#define FILES_MAX 16

struct options {
	char const *mailbox; /* NULL: by hand */
	char const *client;
	char const *folder;
};

static struct stream stream;

static bool
parse_options(int argc, char const *const *argv, struct options *o_r)
{
	subgetopt l = SUBGETOPT_ZERO;
	int opt;

	*o_r = (struct options){.client = ""};
	while ((opt = subgetopt_r(argc, argv, "m:a:", &l)) >= 0) {
		if (opt == 'm')
			o_r->mailbox = l.arg;
		else if (opt == 'a')
			o_r->client = l.arg;
		else
			return false;
	}
	if (argc != l.ind + 1)
		return false;
	o_r->folder = argv[l.ind];
	return true;
}

static int
timeout_ms(struct options const *o)
{
	struct table settings = TABLE_ZERO;
	uint64_t seconds = TIMEOUT_S;

	if (o->mailbox != NULL && table_open_fd(&settings, SETTINGS_FD)) {
		seconds = settings_number(&settings, "pop3-timeout", TIMEOUT_S);
		table_close(&settings);
	}
	if (o->mailbox != NULL)
		close(SETTINGS_FD);
	return seconds > 86400 ? 86400000 : (int)seconds * 1000;
}

/* The maildir, ours alone; its folders are made if they are missing. */
static int
open_folder(char const *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (st.st_uid != geteuid() || (st.st_mode & S_IWOTH) != 0) {
		errno = EPERM;
		return -1;
	}
	return maildir_create(fd, ".") ? fd : -1;
}

static int
fail(char const *answer, char const *what)
{
	log_error("pop3-failed", NULL, "what", what, (char *)0);
	stream_puts(&stream, answer);
	(void)stream_flush(&stream);
	return 111;
}

static void
log_end_of(struct pop3_session const *p, struct options const *o)
{
	struct log_line line;

	log_begin(&line, "pop3", NULL);
	log_text(&line, "mailbox", o->mailbox, strlen(o->mailbox));
	log_text(&line, "client", o->client, strlen(o->client));
	log_number(&line, "messages", p->maildrop->count);
	log_number(&line, "retrieved", p->retrieved);
	log_number(&line, "octets", p->octets);
	log_number(&line, "deleted", p->removed);
	log_text(&line, "end", p->has_quit ? "quit" : "lost", 4);
	log_end(&line);
}

static int
serve(struct options const *o, int folder_fd)
{
	struct pop3_maildrop maildrop;
	struct pop3_session session = {.stream = &stream,
		.maildrop = &maildrop,
		.has_login = o->mailbox != NULL};

	if (!pop3_maildrop_lock(&maildrop, folder_fd, LOCK_WAIT_MS))
		return errno == EAGAIN ? fail("-ERR [IN-USE] Maildrop is "
					      "locked by another "
					      "session\r\n",
						 "lock")
				       : fail("-ERR [SYS/TEMP] Cannot lock the "
					      "maildrop\r\n",
						 "lock");
	if (!pop3_maildrop_scan(&maildrop))
		return fail(
			"-ERR [SYS/TEMP] Cannot read the maildrop\r\n", "scan");
	pop3_session_run(&session);
	if (o->mailbox != NULL)
		log_end_of(&session, o);
	return 0;
}

int
main(int argc, char const *const *argv)
{
	struct sandbox sandbox = {.filter = SANDBOX_POP3D,
		.memory = MEMORY_MAX,
		.files = FILES_MAX,
		.may_write = true,
		.read_write_count = 1};
	struct options o;
	int folder_fd;

	log_open("pop3d");
	if (!parse_options(argc, argv, &o)) {
		(void)!write(2, USAGE, sizeof USAGE - 1);
		return 100;
	}
	if (geteuid() == 0) {
		log_event("refused", NULL, "why", "runs as root", (char *)0);
		return 100;
	}
	stream_init(&stream, 0, 1, timeout_ms(&o));
	stop_catch();
	stream.stop = &stop_asked;
	folder_fd = open_folder(o.folder);
	if (folder_fd < 0)
		return fail("-ERR [SYS/TEMP] Cannot open the maildrop\r\n",
			o.folder);
	sandbox.read_write[0] = folder_fd;
	sandbox_enter_or_exit(&sandbox);
	return serve(&o, folder_fd);
}
