/*
 * Starting what the monitor starts: fronts, mailbox programs, auth. Each is
 * forked (not vforked: a process of the new uid could stop such a child, and
 * its parent with it), takes its descriptors, loses root, and is executed
 * from an open descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <unistd.h>
#include <skalibs/types.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/privilege.h"
#include "common/settings.h"
#include "common/monitor/front.h"
#include "common/monitor/service.h"

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

pid_t
start_front(struct house const *h, int socket_fd, bool implicit_tls,
	struct client const *c, int *pair_r)
{
	struct service const *s = h->service;
	char port[UINT64_FMT] = "";
	char const *argv[] = {s->front, "-a", c->text, "-p", port,
		implicit_tls ? "-T" : NULL, NULL};
	char const *account = s->account;
	uid_t uid;
	pid_t pid;
	int ends[2];

	port[uint64_fmt(port, c->port)] = '\0';
	if (s->drops && client_is_listed(&h->networks, c))
		account = "uid-relay";
	uid = (uid_t)settings_number(&h->settings, account, 0);
	if (!pair_make(ends, true))
		return -1;
	pid = fork();
	if (pid == 0) {
		struct gift gifts[] = {{socket_fd, 0}, {socket_fd, 1},
			{ends[1], FRONT_PAIR_FD},
			{open_table(h, "certs"), FRONT_CERTIFICATES_FD},
			{open_table(h, "settings.cdb"), FRONT_SETTINGS_FD},
			{h->tmp_fd, FRONT_TMP_FD}, {h->new_fd, FRONT_NEW_FD},
			{open_table(h, "recipients.cdb"), FRONT_RECIPIENTS_FD}};
		if (give(gifts, s->drops ? 8 : 5) && enter_root(h, s->drops))
			become(h->front_fd, uid, NULL, argv);
		/* Short of descriptors, memory or processes: not in silence. */
		if (!implicit_tls)
			(void)send(socket_fd, s->busy, strlen(s->busy),
				MSG_DONTWAIT | MSG_NOSIGNAL);
		die_in_child(s->front);
	}
	close(ends[1]);
	if (pid < 0)
		close(ends[0]);
	*pair_r = ends[0];
	return pid;
}

/* The uid and the maildir of a mailbox, which the users table must name. */
static bool
look_up(struct house const *h, char const *mailbox, size_t len, uid_t *uid_r,
	char const **home_r)
{
	char const *value;
	size_t value_len;
	uint64_t uid;

	errno = ENOENT;
	if (table_find(&h->users, mailbox, len, &value, &value_len) <= 0 ||
		value_len < 3 || value[value_len - 1] != '\0' ||
		uint640_scan(value, &uid) == 0)
		return false;
	*home_r = value + strlen(value) + 1;
	*uid_r = (uid_t)uid;
	errno = EPERM;
	return *home_r < value + value_len &&
	       uid >= settings_number(
			      &h->settings, "mailbox-uid-min", UINT32_MAX) &&
	       uid <= settings_number(&h->settings, "mailbox-uid-max", 0);
}

static void
run_mailbox(struct house const *h, uid_t uid, char const *home,
	int const gifts_from[2], int status, char const *const *argv)
{
	struct gift gifts[] = {{gifts_from[0], 0}, {gifts_from[1], 1},
		{open_table(h, "settings.cdb"), FRONT_SETTINGS_FD},
		{h->tmp_fd, FRONT_TMP_FD}, {h->new_fd, FRONT_NEW_FD},
		{open_table(h, "recipients.cdb"), FRONT_RECIPIENTS_FD}};
	bool drops = h->service->mailbox_drops;

	if (give(gifts, drops ? 6 : 3) && (!drops || enter_root(h, true)))
		become(h->mailbox_fd, uid, drops ? NULL : home, argv);
	log_error(
		"not-started", NULL, "program", h->service->mailbox, (char *)0);
	(void)!write(status, "", 1);
	_exit(111);
}

pid_t
start_mailbox(struct house const *h, char const *mailbox, size_t len,
	struct client const *c, int pipes_r[2], int *status_r)
{
	char address[REQUEST_MAILBOX_MAX + 1];
	char const *argv[] = {h->service->mailbox, "-m", address, "-a", c->text,
		h->service->mailbox_drops ? NULL : ".", NULL};
	int in[2], out[2], status[2];
	char const *home;
	uid_t uid;
	pid_t pid;

	if (len > REQUEST_MAILBOX_MAX || !look_up(h, mailbox, len, &uid, &home))
		return -1;
	memcpy(address, mailbox, len);
	address[len] = '\0';
	if (pipe2(in, O_CLOEXEC) < 0)
		return -1;
	if (pipe2(out, O_CLOEXEC) < 0)
		goto close_in;
	if (pipe2(status, O_CLOEXEC | O_NONBLOCK) < 0)
		goto close_out;
	pid = fork();
	if (pid == 0)
		run_mailbox(
			h, uid, home, (int[]){in[0], out[1]}, status[1], argv);
	close(status[1]);
	if (pid < 0) {
		close(status[0]);
		goto close_out;
	}
	close(in[0]);
	close(out[1]);
	pipes_r[0] = in[1];
	pipes_r[1] = out[0];
	*status_r = status[0];
	return pid;

close_out:
	close(out[0]);
	close(out[1]);
close_in:
	close(in[0]);
	close(in[1]);
	return -1;
}

int
start_auth(struct house const *h)
{
	static char const *argv[] = {"auth", NULL};
	uid_t uid = (uid_t)settings_number(&h->settings, "uid-auth", 0);
	char const *program = settings_text(&h->settings, "checkpassword");
	bool has_program = program != NULL && *program != '\0';
	int ends[2];
	pid_t pid;

	if (!pair_make(ends, true))
		return -1;
	pid = fork();
	if (pid == 0) {
		struct gift gifts[] = {{ends[1], FRONT_PAIR_FD},
			{h->throttle_fd, FRONT_CERTIFICATES_FD},
			{open_table(h, "settings.cdb"), FRONT_SETTINGS_FD}};
		/* It must not hold a client's socket (inetd). */
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 &&
			give(gifts, 3) && (has_program || enter_root(h, false)))
			become(h->auth_fd, uid, NULL, argv);
		die_in_child("auth");
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -1;
	}
	return ends[0];
}
