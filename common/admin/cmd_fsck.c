/* `kereru fsck`: mailboxes and the queue are verified, and repaired. As root it
 * looks up whose they are and makes folders; all else is done by a child under
 * the owner's uid. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "common/addr.h"
#include "common/privilege.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/table.h"
#include "common/user.h"
#include "common/admin/command.h"
#include "common/admin/edit.h"
#include "common/admin/folder.h"
#include "common/admin/fsck.h"
#include "common/admin/layout.h"
#include "common/admin/values.h"

static char const usage[] =
	"usage: kereru [-c DIR] fsck [--repair] [--caches] [MAILBOX...] "
	"[queue]\n";

/* Faults were found, and are still there. */
#define FSCK_FAULTS 1

struct run {
	struct values values;
	struct table users, settings;
	bool repairs, drops_caches;
	int code; /* the worst */
};

static void
worse(struct run *r, int code)
{
	if (code > r->code)
		r->code = code;
}

static int
trouble(char const *what)
{
	fprintf(stderr, "kereru: fsck: %s: %s\n", what, strerror(errno));
	return COMMAND_TEMPORARY;
}

/* In the child: only what is below folder_fd, as its owner. */
static int
look(struct fsck *f, int folder_fd, gid_t gid, pid_t parent, bool is_queue)
{
	struct sandbox const sandbox = {.filter = SANDBOX_FSCK,
		.may_write = true,
		.files = 32,
		.read_write = {folder_fd},
		.read_write_count = 1};
	bool ok;

	(void)umask(077);
	if (!privilege_drop(f->uid, gid) || fchdir(folder_fd) < 0 ||
		prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		return trouble(f->what);
	sandbox_enter_or_exit(&sandbox);
	f->root_fd = folder_fd;
	ok = is_queue ? fsck_queue(f, folder_fd) : fsck_maildir(f);
	printf("%s: %lu message%s, %lu fault%s, %lu mended\n", f->what,
		f->messages, f->messages == 1 ? "" : "s", f->faults,
		f->faults == 1 ? "" : "s", f->mended);
	if (fflush(stdout) != 0)
		ok = false;
	return !ok		       ? COMMAND_TEMPORARY
	       : f->mended < f->faults ? FSCK_FAULTS
				       : COMMAND_OK;
}

static int
look_in_child(
	struct run *r, char const *what, uid_t uid, gid_t gid, int folder_fd)
{
	struct fsck f = {.what = what,
		.uid = uid,
		.repairs = r->repairs,
		.drops_caches = r->drops_caches,
		.now_s = (uint64_t)time(NULL),
		.guids = STRALLOC_ZERO};
	bool const is_queue = strcmp(what, "queue") == 0;
	pid_t const parent = getpid();
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	/* The other mailboxes are none of its business. */
	if (pid == 0)
		table_close(&r->users);
	if (pid == 0)
		_exit(look(&f, folder_fd, gid, parent, is_queue));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return trouble("fork");
	if (!WIFEXITED(status))
		fprintf(stderr, "kereru: fsck: %s: died of signal %d\n", what,
			WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : COMMAND_TEMPORARY;
}

static int
open_folder(char const *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void
check_mailbox(struct run *r, char const *name, uid_t uid, char const *path)
{
	int fd = open_folder(path);
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		printf("%s: %s: is missing%s\n", name, path,
			r->repairs ? ": made" : "");
		if (!r->repairs)
			worse(r, FSCK_FAULTS);
		else if (folder_maildir(path, uid))
			fd = open_folder(path);
		else
			worse(r, COMMAND_TEMPORARY);
	} else if (fd < 0) {
		worse(r, trouble(path));
	}
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid != uid) {
		printf("%s: %s: belongs to uid %u: chown -Rh %u:%u %s\n", name,
			path, (unsigned)st.st_uid, (unsigned)uid, (unsigned)uid,
			path);
		worse(r, FSCK_FAULTS);
	} else if (fd >= 0) {
		worse(r, look_in_child(r, name, uid, uid, fd));
	}
	if (fd >= 0)
		close(fd);
}

/* The folders are root's to make: see doc/QUEUE.md. */
static bool
check_queue_folders(struct run *r, char const *state)
{
	for (size_t i = 0; i < layout_count; i++) {
		struct layout const *l = &layout_table[i];
		char path[512];
		struct stat st;
		uid_t uid;
		gid_t gid;

		if (l->kind != LAYOUT_FOLDER ||
			strncmp(l->path, "queue", 5) != 0)
			continue;
		if (!layout_owner(l, &r->values, &uid, &gid))
			return false;
		(void)snprintf(path, sizeof path, "%s/%s", state, l->path);
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
			st.st_uid == uid && st.st_gid == gid &&
			(st.st_mode & 07777) == l->mode)
			continue;
		printf("queue: %s: must be a folder of %u:%u, mode %04o%s\n",
			path, (unsigned)uid, (unsigned)gid, (unsigned)l->mode,
			r->repairs ? ": made so" : "");
		worse(r, r->repairs ? COMMAND_OK : FSCK_FAULTS);
		if (!r->repairs)
			return false;
		if (!folder_make(path, uid, gid, l->mode)) {
			worse(r, COMMAND_TEMPORARY);
			return false;
		}
	}
	return true;
}

static void
check_queue(struct run *r)
{
	char const *state = values_text(&r->values, "state");
	struct account queue;
	char path[512];
	int fd;

	if (!values_account(&r->values, "queue", &queue) ||
		!check_queue_folders(r, state))
		return;
	(void)snprintf(path, sizeof path, "%s/queue", state);
	fd = open_folder(path);
	if (fd < 0) {
		worse(r, trouble(path));
		return;
	}
	worse(r, look_in_child(r, "queue", queue.uid, queue.gid, fd));
	close(fd);
}

/* 1 it is one, 0 there is none, -1 what the table says cannot be. */
static int
check_key(struct run *r, char const *key, size_t len)
{
	char const *home;
	char name[ADDR_KEY_MAX + 1];
	uid_t uid;
	int const found =
		len >= sizeof name
			? 0
			: user_find(&r->users, key, len,
				  settings_number(&r->settings,
					  "mailbox-uid-min", UINT32_MAX),
				  settings_number(
					  &r->settings, "mailbox-uid-max", 0),
				  &uid, &home);

	if (found > 0) {
		memcpy(name, key, len);
		name[len] = '\0';
		check_mailbox(r, name, uid, home);
	}
	return found;
}

static void
check_named(struct run *r, char const *name)
{
	char key[ADDR_KEY_MAX + 1];

	if (strcmp(name, "queue") == 0)
		check_queue(r);
	else if (!edit_address(name, key, sizeof key))
		worse(r, COMMAND_PERMANENT);
	else if (check_key(r, key, strlen(key)) <= 0) {
		fprintf(stderr, "kereru: fsck: %s: is no mailbox here\n", name);
		worse(r, COMMAND_PERMANENT);
	}
}

static void
check_all(struct run *r)
{
	cdb_data key, value;
	uint32_t at = CDB_TRAVERSE_INIT();

	check_queue(r);
	/* Shared ones stand there a second time, behind a word and a blank. */
	while (cdb_traverse_next(&r->users.map, &key, &value, &at) > 0)
		if (key.len > 0 && memchr(key.s, ' ', key.len) == NULL)
			(void)check_key(r, key.s, key.len);
}

static bool
read_settings(struct run *r, char const *folder)
{
	struct faults f = {.is_quiet = true};
	int fd;
	bool ok;

	if (!values_read(&r->values, folder, &f) || f.count > 0)
		return false;
	fd = values_open_folder(folder, "tables");
	if (fd < 0)
		return false;
	ok = table_refresh(&r->users, fd, "users.cdb") &&
	     table_refresh(&r->settings, fd, "settings.cdb");
	if (!ok)
		(void)trouble("tables");
	close(fd);
	return ok;
}

int
command_fsck(struct command_context const *x, int argc, char const *const *argv)
{
	static struct run r;
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++)
		if (strcmp(argv[i], "--repair") == 0)
			r.repairs = true;
		else if (strcmp(argv[i], "--caches") == 0)
			r.drops_caches = true;
		else
			break;
	if ((i < argc && argv[i][0] == '-') || (r.drops_caches && !r.repairs)) {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	if (!read_settings(&r, x->folder))
		return COMMAND_TEMPORARY;
	if (i == argc)
		check_all(&r);
	for (; i < argc; i++)
		check_named(&r, argv[i]);
	values_free(&r.values);
	return r.code;
}
