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
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include "common/log.h"
#include "common/privilege.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/spawner.h"
#include "common/user.h"
#include "local/local.h"

#define USAGE "local-spawner -t tables"
#define CONTROL_FD 3
#define HOME_MAX 4096

/* By what deliveries execute: see tables(5). */
static enum sandbox_filter const filters[] = {
	SANDBOX_LOCAL_SPAWNER, SANDBOX_LOCAL_SPAWNER_GPG, SANDBOX_NONE};

struct spawning {
	int tables_fd;
	struct table users;
	uint64_t uid_min, uid_max;
	struct local local;
	/* of the mailbox that was admitted last */
	uid_t uid;
	char home[HOME_MAX];
};

static enum job_opened
admit(void *data, char const *name, size_t len)
{
	struct spawning *s = data;
	char const *home;
	int found;

	if (!table_refresh(&s->users, s->tables_fd, "users.cdb"))
		log_error("table-failed", NULL, (char *)0);
	found = user_find(
		&s->users, name, len, s->uid_min, s->uid_max, &s->uid, &home);
	if (found == 0)
		return JOB_UNKNOWN;
	if (found > 0 && strlen(home) < HOME_MAX) {
		memcpy(s->home, home, strlen(home) + 1);
		return JOB_OPENED;
	}
	log_event("bad-user", NULL, (char *)0);
	return JOB_LATER;
}

static int
run(void *data, char const *name, size_t len, int channel_fd)
{
	struct spawning *s = data;

	(void)name;
	(void)len;
	/* To add to the queue is all that it can do there: by the folders'
	 * modes, once it is nobody but the mailbox. */
	outgoing_open(&s->local.outgoing);
	/* The other mailboxes are none of its business. */
	table_close(&s->users);
	if (!privilege_drop(s->uid, s->uid))
		return 111;
	s->local.channel_fd = channel_fd;
	return local_run(&s->local);
}

/* Texts stay where they are, in the table. */
static void
read_settings(struct spawning *s, char const *tables)
{
	static struct table t = TABLE_ZERO;
	char const *state;

	s->tables_fd = open(tables, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->tables_fd < 0 ||
		!table_refresh(&t, s->tables_fd, "settings.cdb") ||
		!table_refresh(&s->users, s->tables_fd, "users.cdb"))
		strerr_diefu2sys(111, "read the tables in ", tables);
	s->uid_min = settings_number(&t, "mailbox-uid-min", 1);
	s->uid_max = settings_number(&t, "mailbox-uid-max", 0);
	s->local.settings = &t;
	state = settings_text(&t, "state");
	if (settings_text(&t, "hostname") == NULL || state == NULL ||
		chdir(state) < 0)
		strerr_diefu2sys(111, "use the settings in ", tables);
}

int
main(int argc, char const *const *argv)
{
	static struct spawning spawning = {
		.users = TABLE_ZERO, .local = {.home = spawning.home}};
	struct spawner spawner = {.admit = admit,
		.run = run,
		.data = &spawning,
		.children_max = 1000};
	struct sandbox box = {.may_fork = true, .may_write = true};
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
	/* Who executes something inherits it. */
	box.filter = filters[settings_number(
				     spawning.local.settings, "executes", 0) %
			     3];
	sandbox_enter_as_root(&box);
	return spawner_loop(&spawner, CONTROL_FD);
}
