/*
 * mailq - what waits in the queue
 *
 * For root (or kr-queue): reads queue/new and queue/cur and prints them. The
 * files are foreign input; what they hold is printed as plain characters.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include "common/id.h"
#include "common/settings.h"
#include "queue/listing.h"

#define USAGE "mailq [-t tables]"
#define TABLES "/var/lib/kereru/tables"

static int
open_queue(char const *tables)
{
	struct table settings = TABLE_ZERO;
	int tables_fd = open(tables, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char const *state;
	char path[4096];
	int fd;

	if (tables_fd < 0 ||
		!table_refresh(&settings, tables_fd, "settings.cdb"))
		strerr_diefu3sys(111, "read ", tables, "/settings.cdb");
	state = settings_text(&settings, "state");
	if (state == NULL)
		strerr_dief1x(100, "settings lack state");
	if (snprintf(path, sizeof path, "%s/queue", state) >= (int)sizeof path)
		strerr_dief1x(100, "state is too long");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		strerr_diefu2sys(111, "open ", path);
	table_close(&settings);
	return fd;
}

/* Names sort by age, for they begin with an id. */
static int
is_message(struct dirent const *e)
{
	return strlen(e->d_name) >= ID_LEN && id_valid(e->d_name, ID_LEN);
}

static void
list_folder(int queue_fd, char const *name, struct listing *l)
{
	int fd = openat(queue_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries;
	int n;

	if (fd < 0)
		strerr_diefu2sys(111, "open queue/", name);
	n = scandirat(fd, ".", &entries, is_message, alphasort);
	if (n < 0)
		strerr_diefu2sys(111, "read queue/", name);
	for (int i = 0; i < n; i++) {
		listing_print(l, fd, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	close(fd);
}

int
main(int argc, char const *const *argv)
{
	struct listing l = {.now = (uint64_t)time(NULL), .out = stdout};
	subgetopt o = SUBGETOPT_ZERO;
	char const *tables = TABLES;
	int opt, queue_fd;

	PROG = "mailq";
	while ((opt = subgetopt_r(argc, argv, "t:", &o)) != -1) {
		if (opt != 't')
			strerr_dieusage(100, USAGE);
		tables = o.arg;
	}
	if (argc != o.ind)
		strerr_dieusage(100, USAGE);
	queue_fd = open_queue(tables);
	list_folder(queue_fd, "cur", &l);
	list_folder(queue_fd, "new", &l);
	if (l.count == 0)
		puts("the queue is empty");
	else
		printf("%zu message%s, %llu octets\n", l.count,
			l.count == 1 ? "" : "s", (unsigned long long)l.octets);
	if (fflush(stdout) == EOF)
		strerr_diefu1sys(111, "write");
	return 0;
}
