/*
 * Starting what the monitor starts: templates of fronts, mailbox programs. Each
 * is forked (not vforked: a process of the new uid could stop such a child, and
 * its parent with it), takes its descriptors, loses root, and is executed from
 * an open descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/privilege.h"
#include "common/settings.h"
#include "common/user.h"
#include "common/monitor/front.h"
#include "common/monitor/request.h"
#include "common/monitor/service.h"
#include "common/monitor/sign.h"
#include "common/monitor/template.h"

#define PATIENCE_MS 1000

/* A descriptor that a child gets, and under which number. */
struct gift {
	int from, to;
};

/* After this the child has these and 0, 1, 2, whatever it inherited. */
static bool
give(struct gift const *gifts, size_t count)
{
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (gifts[i].from < 0 || dup2(gifts[i].from, gifts[i].to) < 0)
			return false;
	return true;
}

static int
open_table(struct house const *h, char const *name)
{
	return openat(h->tables_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static bool
enter_home(char const *home)
{
	int fd = open(home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && fchdir(fd) == 0;
}

/* Returns only if something failed. home: where to go, as that uid; or NULL. */
static void
become(int program_fd, uid_t uid, char const *home, char const *const *argv)
{
	static char *const environment[] = {NULL};
	sigset_t none;

	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) == 0 &&
		privilege_drop(uid, (gid_t)uid) &&
		(home == NULL || enter_home(home)))
		(void)execveat(program_fd, "", (char *const *)(uintptr_t)argv,
			environment, AT_EMPTY_PATH);
}

static void
die_in_child(char const *what)
{
	log_error("not-started", NULL, "program", what, (char *)0);
	_exit(111);
}

static bool
enter_root(struct house const *h, bool drops)
{
#ifdef KERERU_SANITIZE
	(void)h;
	(void)drops;
	return true;
#else
	return privilege_chroot(drops ? h->queue_fd : h->empty_fd);
#endif
}

/* From the monitor's folder, the host's state. */
static int
call_service(enum role role)
{
	static struct sockaddr_un const addresses[ROLES] = {
		[ROLE_AUTH] = {AF_UNIX, "auth/socket"},
		[ROLE_CHECK] = {AF_UNIX, "check/socket"},
		[ROLE_POLICY] = {AF_UNIX, "policy/socket"}};
	int fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr const *)&addresses[role],
		    sizeof addresses[role]) == 0)
		return fd;
	close(fd);
	return -1;
}

int
start_role(struct house const *h, enum role role)
{
	bool drops = h->service->drops;
	char const *argv[] = {h->service->front, NULL};
	char const *account =
		role == ROLE_LISTED ? "uid-relay" : h->service->account;
	int ends[2];
	pid_t pid;

	if (role >= ROLE_AUTH)
		return call_service(role);
	if (!pair_make(ends, true))
		return -1;
	pid = fork();
	if (pid == 0) {
		/* It must not hold a client's socket (inetd). */
		struct gift gifts[] = {{h->null_fd, 0}, {h->null_fd, 1},
			{ends[1], TEMPLATE_PAIR_FD},
			{h->front_fd, TEMPLATE_PROGRAM_FD},
			{h->null_fd, TEMPLATE_CHILDREN_FD},
			{h->tmp_fd, FRONT_TMP_FD}, {h->new_fd, FRONT_NEW_FD}};
		if (give(gifts, drops ? 7 : 5) && enter_root(h, drops))
			become(h->front_fd,
				(uid_t)settings_number(
					&h->settings, account, 0),
				NULL, argv);
		die_in_child(argv[0]);
	}
	return pair_keep(ends, pid > 0);
}

/* Hand one end of a new pair to a role, with descriptors besides. Returns the
 * other end. */
static int
hand_over(int role_pair, char const *frame, size_t len, int *fds, size_t count,
	size_t place)
{
	struct pollfd p = {.fd = role_pair, .events = POLLOUT};
	int ends[2];
	bool done;

	/* Only the monitor's own ends must not block. */
	if (!pair_make(ends, place > 0))
		return -1;
	fds[place] = ends[1];
	/* A template that has much to fork takes its time. */
	done = pair_send(role_pair, frame, len, fds, count) ||
	       (errno == EAGAIN && poll(&p, 1, PATIENCE_MS) == 1 &&
		       pair_send(role_pair, frame, len, fds, count));
	return pair_keep(ends, done);
}

int
start_front(struct house const *h, int template_pair, uint32_t ticket,
	int socket_fd, bool implicit_tls, struct client const *c,
	unsigned *keys_r)
{
	int fds[TEMPLATE_FDS] = {socket_fd, -1, open_table(h, "certs"),
		open_table(h, "settings.cdb"),
		h->service->drops ? open_table(h, "recipients.cdb")
				  : h->null_fd,
		h->load_fd};
	char frame[REQUEST_FRAME_MAX];
	size_t len = template_encode(frame, sizeof frame, TEMPLATE_FORK, ticket,
		implicit_tls, c->port, c->text);
	int pair;

	if (!sign_refresh(h->tables_fd))
		log_error("stale-table", NULL, (char *)0);
	*keys_r = sign_set(fds[2]);
	pair = hand_over(template_pair, frame, len, fds, TEMPLATE_FDS, 1);

	for (int i = 2; i < 5; i++)
		if (fds[i] >= 0 && fds[i] != h->null_fd)
			close(fds[i]);
	return pair;
}

int
start_session(struct house const *h, int role_pair, uint32_t ticket,
	struct client const *c, char const *mailbox, char const *table)
{
	int fds[2] = {-1, open_table(h, table)};
	char frame[REQUEST_FRAME_MAX];
	size_t len = role_session_encode(frame, sizeof frame, ticket,
		h->service->name, c->text, mailbox, strlen(mailbox),
		client_is_listed(&h->networks, "", c));
	int pair = hand_over(role_pair, frame, len, fds, 2, 0);

	close(fds[1]);
	return pair;
}

static void
run_mailbox(struct house const *h, uid_t uid, char const *home,
	int const from[4], int status, char const *const *argv)
{
	struct gift gifts[] = {{from[0], 0}, {from[1], 1},
		{open_table(h, "settings.cdb"), FRONT_SETTINGS_FD},
		{from[2] < 0 ? h->null_fd : from[2], FRONT_POLICY_FD},
		{from[3] < 0 ? h->null_fd : from[3], FRONT_CHECK_FD},
		{h->tmp_fd, FRONT_TMP_FD}, {h->new_fd, FRONT_NEW_FD},
		{open_table(h, "recipients.cdb"), FRONT_RECIPIENTS_FD},
		{h->load_fd, FRONT_LOAD_FD}};
	bool drops = h->service->mailbox_drops;

	if (give(gifts, drops ? 9 : 4) && (!drops || enter_root(h, true)))
		become(h->mailbox_fd, uid, drops ? NULL : home, argv);
	(void)!write(status, "", 1);
	die_in_child(h->service->mailbox);
}

static pid_t
close_all(int const ends[6])
{
	int error = errno;

	for (int i = 0; i < 6; i++)
		close(ends[i]);
	errno = error;
	return -1;
}

pid_t
start_mailbox(struct house const *h, char const *mailbox, char const *user,
	struct client const *c, int const sessions[2], int pipes_r[2],
	int *status_r)
{
	char const *argv[] = {h->service->mailbox, "-m", mailbox, "-a", c->text,
		user != NULL		    ? "-s"
		: h->service->mailbox_drops ? NULL
					    : ".",
		user, ".", NULL};
	char key[sizeof "shared " + REQUEST_MAILBOX_MAX];
	/* input, output, status */
	int ends[6] = {-1, -1, -1, -1, -1, -1};
	char const *home;
	uid_t uid;
	pid_t pid;

	/* One that is shared has its place in the table twice. */
	(void)snprintf(key, sizeof key, "%s%s", user != NULL ? "shared " : "",
		mailbox);
	if (user_find(&h->users, key, strlen(key),
		    settings_number(
			    &h->settings, "mailbox-uid-min", UINT32_MAX),
		    settings_number(&h->settings, "mailbox-uid-max", 0), &uid,
		    &home) <= 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (pipe2(&ends[2 * i], O_CLOEXEC) < 0)
			return close_all(ends);
	pid = fork();
	if (pid == 0)
		run_mailbox(h, uid, home,
			(int[]){ends[0], ends[3], sessions[0], sessions[1]},
			ends[5], argv);
	if (pid < 0)
		return close_all(ends);
	close(ends[0]);
	close(ends[3]);
	close(ends[5]);
	pipes_r[0] = ends[1];
	pipes_r[1] = ends[2];
	*status_r = ends[4];
	return pid;
}
