/* Mailboxes shut and opened again, and how much they may hold. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include <skalibs/types.h>
#include "common/addr.h"
#include "common/admin/command.h"
#include "common/admin/compile.h"
#include "common/admin/config.h"
#include "common/admin/edit.h"
#include "common/admin/user_state.h"
#include "common/privilege.h"
#include "common/quota.h"

#define NEW_FILE QUOTA_FILE ".new"

static struct config_password const *
find_password(struct config const *c, char const *key)
{
	return name_find(c->passwords.list, c->passwords.count,
		sizeof *c->passwords.list, key, strlen(key));
}

/* The line as it shall be; empty: none. False: memory is out. */
static bool
password_line(struct config_password const *p, char const *key,
	enum user_state state, stralloc *line)
{
	static char const *const marks[] = {[USER_ENABLED] = " ",
		[USER_DISABLED] = " !",
		[USER_REFUSED] = " !!"};
	char const *const hash = p != NULL ? p->hash : "";

	if (*hash == '\0' && state == USER_ENABLED)
		return true;
	return stralloc_cats(line, key) && stralloc_cats(line, marks[state]) &&
	       stralloc_cats(line, hash) &&
	       (p == NULL || p->keys == NULL ||
		       (stralloc_append(line, ' ') &&
			       stralloc_cats(line, p->keys))) &&
	       stralloc_append(line, '\0');
}

static int
set_state(struct publish *p, struct config const *c, char const *key,
	enum user_state state)
{
	struct config_password const *const old = find_password(c, key);
	stralloc line = STRALLOC_ZERO;
	bool ok;

	if (config_user(c, key, strlen(key)) == NULL) {
		fprintf(stderr, "kereru: there is no user %s\n", key);
		return COMMAND_PERMANENT;
	}
	ok = password_line(old, key, state, &line) &&
	     edit_file(
		     p, "passwords", key, line.len > 0 ? line.s : NULL, 0600) &&
	     edit_commit(p);
	stralloc_free(&line);
	return ok ? COMMAND_OK : COMMAND_TEMPORARY;
}

int
user_set_state(char const *folder, char const *address, enum user_state state)
{
	char key[ADDR_KEY_MAX + 1];
	struct publish p;
	struct config c = {.folder = folder};
	struct faults f = {.is_quiet = true};
	int code = COMMAND_PERMANENT;

	if (!edit_address(address, key, sizeof key))
		return COMMAND_PERMANENT;
	if (!edit_begin(&p, folder))
		return COMMAND_TEMPORARY;
	if (!config_read(&c, folder, &f) || f.count > 0)
		fprintf(stderr, "kereru: nothing was changed\n");
	else
		code = set_state(&p, &c, key, state);
	config_free(&c);
	edit_end(&p);
	return code == COMMAND_OK ? compile_tables(folder) : code;
}

/* `500M`, `2G`, `100k`; 0 for `none`. */
static bool
scan_size(char const *s, uint64_t *n_r)
{
	static char const units[] = "kMG";
	uint64_t factor = 1;
	size_t const len = uint64_scan(s, n_r);
	char const *const unit =
		len > 0 && s[len] != '\0' ? strchr(units, s[len]) : NULL;

	if (strcmp(s, "none") == 0) {
		*n_r = 0;
		return true;
	}
	for (char const *u = units; unit != NULL && u <= unit; u++)
		factor *= 1024;
	return len > 0 && *n_r > 0 && s[len + (unit != NULL)] == '\0' &&
	       !__builtin_mul_overflow(*n_r, factor, n_r) && *n_r < INT64_MAX;
}

static bool
write_limit(int root_fd, uint64_t octets)
{
	char text[64];
	size_t const len = (size_t)snprintf(
		text, sizeof text, "%lluS\n0 0\n", (unsigned long long)octets);
	int fd;
	bool ok;

	if (unlinkat(root_fd, NEW_FILE, 0) < 0 && errno != ENOENT)
		return false;
	fd = openat(root_fd, NEW_FILE,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = allwrite(fd, text, len) == len && fsync(fd) == 0;
	if (close(fd) < 0 || !ok)
		return false;
	if (renameat(root_fd, NEW_FILE, root_fd, QUOTA_FILE) < 0)
		return false;
	/* What is there already counts. */
	quota_recount(root_fd);
	return fsync(root_fd) == 0;
}

static int
show(int root_fd)
{
	struct quota q;
	int const r = quota_read(root_fd, &q);

	if (r == 0)
		puts("none");
	else if (r > 0)
		printf("%llu of %llu octets\n",
			(unsigned long long)(q.octets > 0 ? q.octets : 0),
			(unsigned long long)q.max_octets);
	(void)fflush(stdout);
	return r < 0 ? COMMAND_TEMPORARY : COMMAND_OK;
}

/* In a child: what its owner has put there leads nowhere else. */
static int
as_owner(struct config_user const *u, char const *maildir, char const *size,
	uint64_t octets)
{
	int root_fd, code = COMMAND_OK;

	if (!privilege_drop((uid_t)u->uid, (gid_t)u->uid) ||
		(root_fd = open(maildir,
			 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		code = COMMAND_TEMPORARY;
	else if (size == NULL)
		code = show(root_fd);
	else if (octets > 0 ? !write_limit(root_fd, octets)
			    : unlinkat(root_fd, QUOTA_FILE, 0) < 0 &&
				      errno != ENOENT)
		code = COMMAND_TEMPORARY;
	if (code != COMMAND_OK)
		fprintf(stderr, "kereru: %s/%s: %s\n", maildir, QUOTA_FILE,
			strerror(errno));
	return code;
}

static int
run_as_owner(struct config const *c, struct config_user const *u,
	char const *size, uint64_t octets)
{
	stralloc maildir = STRALLOC_ZERO;
	int status = 0;
	pid_t pid = -1;

	if (config_maildir(c, u, &maildir) && stralloc_append(&maildir, '\0'))
		pid = fork();
	if (pid == 0)
		_exit(as_owner(u, maildir.s, size, octets));
	stralloc_free(&maildir);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			pid = -1;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status)
					    : COMMAND_TEMPORARY;
}

int
user_quota(char const *folder, char const *address, char const *size)
{
	char key[ADDR_KEY_MAX + 1];
	struct config c = {.folder = folder};
	struct faults f = {.is_quiet = true};
	struct config_user const *u = NULL;
	uint64_t octets = 0;
	int code = COMMAND_PERMANENT;

	if (!edit_address(address, key, sizeof key))
		return COMMAND_PERMANENT;
	if (size != NULL && !scan_size(size, &octets)) {
		fprintf(stderr,
			"kereru: %s is neither none nor a size such as 500M "
			"or 2G\n",
			size);
		return COMMAND_PERMANENT;
	}
	if (config_read(&c, folder, &f))
		u = config_user(&c, key, strlen(key));
	if (u == NULL)
		fprintf(stderr, "kereru: there is no user %s\n", key);
	else
		code = run_as_owner(&c, u, size, octets);
	config_free(&c);
	return code;
}
