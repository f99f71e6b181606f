/*
 * monitor - the root half of a network service
 *
 * Has a front forked for each client, signs TLS handshakes for it, brings it
 * together with auth, and starts the mailbox program under the mailbox's uid
 * when auth says so. Parses nothing but the fixed-form requests of its own
 * children and root's own tables; never reads an octet of a client's, nor a
 * password. See monitor(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/types.h>
#include "common/log.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/monitor/front.h"
#include "common/monitor/serve.h"

#define USAGE                                                                  \
	"usage: monitor [-t TABLES] [-d FD] [-l] [-T] "                        \
	"smtp|submit|pop3|imap|sieve\n"

static struct service const services[] = {
	{"smtp", "smtpd", NULL, "uid-smtpd", "bind-smtp", NULL, true, false,
		"421 4.7.0 Too many connections, try again later\r\n", false},
	{"submit", "submit-front", "smtpd", "uid-submit", "bind-submit",
		"bind-submits", false, true,
		"421 4.7.0 Too many connections, try again later\r\n", false},
	{"pop3", "pop3-front", "pop3d", "uid-pop3d", "bind-pop3", "bind-pop3s",
		false, false, "-ERR [SYS/TEMP] Too many connections\r\n",
		false},
	{"imap", "imap-front", "imapd", "uid-imapd", "bind-imap", "bind-imaps",
		false, false, "* BYE [UNAVAILABLE] Too many connections\r\n",
		true},
	{"sieve", "sieve-front", "sieved", "uid-sieve", "bind-sieve", NULL,
		false, false, "BYE (TRYLATER) \"Too many connections\"\r\n",
		false},
};

static struct house house;

static int
open_below(int folder, char const *name, int flags)
{
	return openat(folder, name, flags | O_CLOEXEC);
}

/* False: errno says why something is missing. */
static bool
open_house(char const *tables)
{
	struct service const *s = house.service;
	char const *path;
	int state, libexec;

	house.tables_fd = open_below(AT_FDCWD, tables, O_DIRECTORY);
	if (house.tables_fd < 0 ||
		!table_refresh(
			&house.settings, house.tables_fd, "settings.cdb") ||
		!table_refresh(&house.users, house.tables_fd, "users.cdb") ||
		!table_refresh(
			&house.networks, house.tables_fd, "networks.cdb"))
		return false;
	errno = ENOENT;
	if ((path = settings_text(&house.settings, "state")) == NULL ||
		(state = open_below(AT_FDCWD, path, O_DIRECTORY)) < 0 ||
		fchdir(state) < 0 ||
		(path = settings_text(&house.settings, "libexec")) == NULL ||
		(libexec = open_below(AT_FDCWD, path, O_DIRECTORY)) < 0)
		return false;
	house.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	house.queue_fd = open_below(state, "queue", O_DIRECTORY);
	house.empty_fd = open_below(state, "empty", O_DIRECTORY);
	house.tmp_fd = open_below(house.queue_fd, "tmp", O_DIRECTORY);
	house.new_fd = open_below(house.queue_fd, "new", O_DIRECTORY);
	house.load_fd = open_below(house.queue_fd, "load", O_NONBLOCK);
	house.front_fd = open_below(libexec, s->front, O_PATH);
	house.mailbox_fd = s->mailbox == NULL
				   ? house.null_fd
				   : open_below(libexec, s->mailbox, O_PATH);
	if (house.load_fd < 0)
		house.load_fd = house.null_fd;
	return house.empty_fd >= 0 && house.tmp_fd >= 0 && house.new_fd >= 0 &&
	       house.null_fd >= 0 && house.front_fd >= 0 &&
	       house.mailbox_fd >= 0;
}

/* The numbers that children get are kept free of what we open ourselves. */
static bool
reserve_descriptors(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	while (null >= 0 && null <= FRONT_CHECK_FD)
		null = fcntl(null, F_DUPFD_CLOEXEC, null <= 2 ? 0 : null + 1);
	return null >= 0;
}

struct options {
	char const *tables;
	bool listens, implicit_tls;
	int ready_fd;
};

static bool
parse_options(int argc, char const *const *argv, struct options *o)
{
	subgetopt l = SUBGETOPT_ZERO;
	unsigned n;
	int opt;

	while ((opt = subgetopt_r(argc, argv, "t:d:lT", &l)) >= 0) {
		if (opt == 't')
			o->tables = l.arg;
		else if (opt == 'l')
			o->listens = true;
		else if (opt == 'T')
			o->implicit_tls = true;
		else if (opt == 'd' && uint0_scan(l.arg, &n) && n < 1024)
			o->ready_fd = (int)n;
		else
			return false;
	}
	for (size_t i = 0; argc == l.ind + 1 && i < 5; i++)
		if (strcmp(argv[l.ind], services[i].name) == 0)
			house.service = &services[i];
	return house.service != NULL;
}

/* inetd makes the client's socket standard error too: log lines go to the
 * system's log instead, a datagram each, or nowhere. */
static bool
spare_the_client(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	struct stat socket_st, log_st;
	int fd;

	if (fstat(0, &socket_st) < 0 || fstat(2, &log_st) < 0 ||
		socket_st.st_ino != log_st.st_ino ||
		socket_st.st_dev != log_st.st_dev)
		return true;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return fd >= 0 && dup2(fd, 2) == 2;
}

static int
fail(char const *what)
{
	log_error("not-started", NULL, "what", what, (char *)0);
	return 111;
}

/* Those of a monitor before us, if there was one. */
static bool
keep_listeners(int *fds, size_t *clear, size_t *count)
{
	for (int i = 0; i < 2 * SERVE_LISTENERS_MAX; i++) {
		fds[*count] = fcntl(SERVE_KEPT_FD + i, F_DUPFD_CLOEXEC, 0);
		if (fds[*count] >= 0 && close(SERVE_KEPT_FD + i) == 0)
			*clear += ++*count > 0 && i < SERVE_LISTENERS_MAX;
	}
	return *count > 0;
}

/* Opens the listeners of the service; its TLS ones come last. */
static bool
open_listeners(int *fds, size_t *clear, size_t *count)
{
	struct service const *s = house.service;

	if (keep_listeners(fds, clear, count))
		return true;
	if (!listen_on(&house.settings, s->listen, fds, SERVE_LISTENERS_MAX,
		    count))
		return false;
	*clear = *count;
	return s->listen_tls == NULL ||
	       listen_on(&house.settings, s->listen_tls, fds,
		       SERVE_LISTENERS_MAX, count);
}

int
main(int argc, char const *const *argv)
{
	struct options o = {.tables = "/var/lib/kereru/tables", .ready_fd = -1};
	struct sandbox sandbox = {
		.filter = SANDBOX_MONITOR, .may_fork = true, .may_write = true};
	struct client client;
	int listeners[SERVE_LISTENERS_MAX];
	size_t max = 1, count = 0, clear = 0;

	if (!spare_the_client())
		return 111;
	log_open("monitor");
	house.argv = (char *const *)(uintptr_t)argv;
	if (!parse_options(argc, argv, &o)) {
		(void)!write(2, USAGE, sizeof USAGE - 1);
		return 100;
	}
	if (!reserve_descriptors() || !open_house(o.tables))
		return fail(o.tables);
	if (o.listens) {
		max = settings_number(&house.settings, "connections-max", 1000);
		if (!open_listeners(listeners, &clear, &count))
			return 111;
	} else if (!client_of(0, &client)) {
		return fail("client");
	}
	if (!serve_prepare(&house, max, listeners, clear, count))
		return fail("events");
	/* A session has its pair, and for a moment two pipes and a status. */
	sandbox.files = (unsigned)(max * 4 + 128);
	sandbox_enter_as_root(&sandbox);
	if (!o.listens)
		serve_one(&client, 0, o.implicit_tls);
	if (o.ready_fd >= 0) {
		(void)!write(o.ready_fd, "\n", 1);
		close(o.ready_fd);
	}
	serve_loop();
	return 0;
}
