/* The side of a service that monitors call. */
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
#include "common/pair.h"
#include "common/settings.h"
#include "common/monitor/role.h"

#define BACKLOG 256

bool
role_options(struct role_options *o, int argc, char const *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	int opt;

	*o = (struct role_options){.tables = "/var/lib/kereru/tables"};
	while ((opt = subgetopt_r(argc, argv, "t:d:l:", &l)) >= 0)
		if (opt == 't')
			o->tables = l.arg;
		else if (opt == 'l' && uint0_scan(l.arg, &o->lock_fd))
			continue;
		else if (opt != 'd' || !uint0_scan(l.arg, &o->ready_fd))
			break;
	if (opt < 0 && l.ind == argc)
		return true;
	log_event("usage", NULL, "want", "[-t TABLES] [-d FD] [-l FD]", (char *)0);
	return false;
}

bool
role_enter(char const *tables, char const *name, struct table *settings)
{
	int folder = open(tables, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok =
		folder >= 0 && table_refresh(settings, folder, "settings.cdb");
	char const *state = ok ? settings_text(settings, "state") : NULL;

	if (folder >= 0)
		close(folder);
	if (ok && state == NULL)
		errno = ENOENT;
	return state != NULL && chdir(state) == 0 && chdir(name) == 0;
}

void
role_ready(struct role_options const *o)
{
	if (o->ready_fd == 0)
		return;
	(void)!write((int)o->ready_fd, "\n", 1);
	close((int)o->ready_fd);
}

int
role_listen(char const *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;

	errno = ENAMETOOLONG;
	if (strlen(path) >= sizeof a.sun_path)
		return -1;
	memcpy(a.sun_path, path, strlen(path));
	(void)unlink(path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
		chmod(path, 0600) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int
role_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	socklen_t len = sizeof(struct ucred);
	struct ucred peer;

	if (fd < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
		(peer.uid == 0 || peer.uid == geteuid()))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

int
role_take(int control, struct role_call *call_r)
{
	int fds[2];
	size_t count = 0;
	ssize_t n = pair_receive(
		control, call_r->frame, sizeof call_r->frame, fds, 2, &count);

	if (n < 0 && errno == EAGAIN)
		return -1;
	if (n > 0 && count == 2 &&
		role_session_decode(
			call_r->frame, (size_t)n, &call_r->session) &&
		fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0) {
		call_r->pair = fds[0];
		call_r->table = fds[1];
		return 1;
	}
	while (count > 0)
		close(fds[--count]);
	return 0;
}
