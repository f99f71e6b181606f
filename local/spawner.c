/*
 * local-spawner - starts the processes that deliver into mailboxes
 *
 * Runs as root. Gets names of mailboxes from the manager, looks them up in the
 * users table, which root alone can write, and forks a child that becomes that
 * mailbox's uid. Whoever sends a name never chooses a uid. No message comes
 * here.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>
#include "common/log.h"
#include "common/privilege.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/spawner.h"
#include "local/local.h"

#define USAGE "local-spawner -t tables"
#define CONTROL_FD 3
#define CHILD_MEMORY ((size_t)32 * 1024 * 1024)
#define CHILD_FILES 64
#define HOME_MAX 4096

struct spawning {
	int tables_fd;
	struct table users;
	uid_t uid_min, uid_max;
	char hostname[256];
	/* of the mailbox that was admitted last */
	uid_t uid;
	char home[HOME_MAX];
};

/* The value `UID NUL HOME NUL` of a mailbox. */
static bool
read_user(struct spawning *s, char const *value, size_t len)
{
	size_t uid_len = strnlen(value, len), home_len;
	uint64_t uid;

	if (uid_len == len || uint640_scan(value, &uid) != uid_len)
		return false;
	value += uid_len + 1;
	len -= uid_len + 1;
	home_len = strnlen(value, len);
	if (home_len == len || home_len >= sizeof s->home || *value != '/' ||
		uid == 0 || uid < s->uid_min || uid > s->uid_max)
		return false;
	s->uid = (uid_t)uid;
	memcpy(s->home, value, home_len + 1);
	return true;
}

static enum job_opened
admit(void *data, char const *name, size_t len)
{
	struct spawning *s = data;
	char const *value;
	size_t value_len;
	int found;

	if (!table_refresh(&s->users, s->tables_fd, "users.cdb"))
		log_error("table-failed", NULL, (char *)0);
	found = table_find(&s->users, name, len, &value, &value_len);
	if (found < 0)
		return JOB_LATER;
	if (found == 0)
		return JOB_UNKNOWN;
	if (read_user(s, value, value_len))
		return JOB_OPENED;
	log_event("bad-user", NULL, (char *)0);
	return JOB_LATER;
}

/* The mailbox's folder, if it is what it should be; as the mailbox's uid. */
static int
open_home(struct spawning const *s, char const **problem)
{
	int fd = open(s->home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	*problem = "4.2.1 the mailbox's folder can't be opened";
	if (fd < 0)
		return -1;
	*problem = "4.2.1 the mailbox's folder is not its own";
	if (fstat(fd, &st) == 0 && st.st_uid == s->uid &&
		!(st.st_mode & S_IWOTH) && fchdir(fd) == 0) {
		*problem = NULL;
		return fd;
	}
	close(fd);
	return -1;
}

static int
run(void *data, char const *name, size_t len, int channel_fd)
{
	struct spawning *s = data;
	struct local l = {.channel_fd = channel_fd, .hostname = s->hostname};
	struct sandbox box = {.filter = SANDBOX_LOCAL,
		.memory = CHILD_MEMORY,
		.files = CHILD_FILES,
		.may_write = true};

	(void)name;
	(void)len;
	/* The other mailboxes are none of its business. */
	table_close(&s->users);
	if (!privilege_drop(s->uid, s->uid))
		return 111;
	log_open("local");
	l.folder_fd = open_home(s, &l.problem);
	if (l.folder_fd >= 0)
		box.read_write[box.read_write_count++] = l.folder_fd;
	sandbox_enter_or_exit(&box);
	return local_serve(&l);
}

static void
read_settings(struct spawning *s, char const *tables)
{
	struct table t = TABLE_ZERO;
	char const *hostname;

	s->tables_fd = open(tables, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->tables_fd < 0 ||
		!table_refresh(&t, s->tables_fd, "settings.cdb"))
		strerr_diefu3sys(111, "read ", tables, "/settings.cdb");
	s->uid_min = (uid_t)settings_number(&t, "mailbox-uid-min", 1);
	s->uid_max = (uid_t)settings_number(&t, "mailbox-uid-max", 0);
	hostname = settings_text(&t, "hostname");
	if (hostname == NULL || strlen(hostname) >= sizeof s->hostname)
		strerr_dief1x(100, "settings lack hostname");
	memcpy(s->hostname, hostname, strlen(hostname) + 1);
	table_close(&t);
}

int
main(int argc, char const *const *argv)
{
	static struct spawning spawning = {.users = TABLE_ZERO};
	struct spawner spawner = {.admit = admit,
		.run = run,
		.data = &spawning,
		.children_max = 1000};
	struct sandbox box = {.filter = SANDBOX_LOCAL_SPAWNER,
		.may_fork = true,
		.may_write = true};
	subgetopt l = SUBGETOPT_ZERO;
	char const *tables = NULL;
	int opt;

	PROG = "local-spawner";
	while ((opt = subgetopt_r(argc, argv, "t:", &l)) != -1) {
		if (opt != 't')
			strerr_dieusage(100, USAGE);
		tables = l.arg;
	}
	if (tables == NULL || argc != l.ind)
		strerr_dieusage(100, USAGE);
	log_open("local-spawner");
	read_settings(&spawning, tables);
	if (!table_refresh(&spawning.users, spawning.tables_fd, "users.cdb"))
		strerr_diefu3sys(111, "read ", tables, "/users.cdb");
	sandbox_enter_or_exit(&box);
	return spawner_loop(&spawner, CONTROL_FD);
}
