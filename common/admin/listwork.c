/* Working on a mailing list's own files, as its uid; see listwork.h. */
#include "common/admin/listwork.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/admin/command.h"
#include "common/admin/config.h"
#include "common/privilege.h"

int
listwork_failed(char const *what, char const *on)
{
	fprintf(stderr, "kereru: cannot %s %s: %s\n", what, on,
		strerror(errno));
	return COMMAND_TEMPORARY;
}

static int
work(char const *maildir, uid_t uid, struct outgoing const *outgoing,
	char const *hostname, bool opens, listwork_act *act, void *data)
{
	static struct list l;
	int root_fd, code;

	if (geteuid() != uid && !privilege_drop(uid, uid))
		return listwork_failed("become the owner of", maildir);
	root_fd =
		open(maildir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root_fd < 0)
		return listwork_failed("open", maildir);
	if (!opens)
		return act(NULL, root_fd, data);
	if (!list_open(&l, root_fd, outgoing, hostname)) {
		if (l.fault[0] == '\0')
			return listwork_failed("open the list in", maildir);
		fprintf(stderr, "kereru: %s/%s\n", maildir, l.fault);
		return COMMAND_PERMANENT;
	}
	code = act(&l, root_fd, data);
	list_close(&l);
	return code;
}

int
listwork_run(char const *maildir, uid_t uid, char const *state,
	char const *hostname, bool opens, listwork_act *act, void *data)
{
	struct outgoing outgoing;
	int status = 0;
	pid_t child;

	if (chdir(state) < 0)
		return listwork_failed("enter", state);
	outgoing_open(&outgoing);
	fflush(NULL);
	child = fork();
	if (child < 0)
		return listwork_failed("fork for", maildir);
	if (child == 0)
		exit(work(maildir, uid, &outgoing, hostname, opens, act, data));
	close(outgoing.tmp_fd);
	close(outgoing.new_fd);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return listwork_failed("wait for", maildir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : COMMAND_TEMPORARY;
}

int
listwork_by_name(
	char const *folder, char const *key, listwork_act *act, void *data)
{
	struct config c = {.folder = folder};
	struct faults f = {.is_quiet = true};
	struct config_user const *u;
	stralloc maildir = STRALLOC_ZERO, state = STRALLOC_ZERO,
		 hostname = STRALLOC_ZERO;
	uid_t uid = 0;
	int code = COMMAND_PERMANENT;
	bool ok = config_read(&c, folder, &f) && f.count == 0;

	u = ok ? config_user(&c, key, strlen(key)) : NULL;
	if (!ok) {
		fprintf(stderr, "kereru: nothing was done\n");
	} else if (u == NULL || !config_is_list(&c, key)) {
		fprintf(stderr, "kereru: there is no list %s\n", key);
		ok = false;
	} else {
		uid = u->uid;
		ok = config_maildir(&c, u, &maildir) &&
		     stralloc_append(&maildir, '\0') &&
		     stralloc_cats(&state, values_text(&c.values, "state")) &&
		     stralloc_append(&state, '\0') &&
		     stralloc_cats(
			     &hostname, values_text(&c.values, "hostname")) &&
		     stralloc_append(&hostname, '\0');
		code = COMMAND_TEMPORARY;
	}
	/* Passwords and keys are none of the list's business. */
	config_free(&c);
	if (ok)
		code = listwork_run(
			maildir.s, uid, state.s, hostname.s, true, act, data);
	stralloc_free(&maildir);
	stralloc_free(&state);
	stralloc_free(&hostname);
	return code;
}
