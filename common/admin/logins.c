/* The logins of a mailbox, from the logs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/types.h>
#include "common/addr.h"
#include "common/admin/command.h"
#include "common/admin/edit.h"
#include "common/admin/logins.h"
#include "common/admin/logs.h"
#include "common/admin/values.h"

#define VALUE_MAX 330

static char const usage[] =
	"usage: kereru [-c DIR] user logins ADDRESS [-n COUNT]\n";

/* What auth said of the login that the monitor tells of next. */
struct app {
	char client[VALUE_MAX], service[VALUE_MAX], name[VALUE_MAX];
};

static size_t
value_of(struct logline const *l, char const *key, char out[VALUE_MAX])
{
	struct logline_pair p;

	out[0] = '\0';
	return logline_find(l, key, &p) ? logline_value(&p, out, VALUE_MAX) : 0;
}

/* A value that came from outside is shown as it stands in the log: escaped. */
static void
print(struct logline const *l, struct app const *app, bool is_failure)
{
	char client[VALUE_MAX], service[VALUE_MAX], tls[VALUE_MAX],
		name[VALUE_MAX];

	value_of(l, "client", client);
	value_of(l, "service", service);
	value_of(l, "tls", tls);
	if (app != NULL)
		snprintf(name, sizeof name, "%s", app->name);
	else
		value_of(l, "app", name);
	printf("%.19s %-6s %-8s %s%s%s%s%s\n", l->time,
		is_failure ? "failed" : "ok", *service != '\0' ? service : "-",
		client, *tls != '\0' ? " " : "", tls,
		*name != '\0' ? " app-password " : "", name);
}

static bool
is_about(struct logline const *l, char const *address)
{
	struct logline_pair p;

	return logline_find(l, "mailbox", &p) &&
	       logline_has(&p, address, strlen(address));
}

static bool
is_same(struct logline const *l, struct app const *app)
{
	char client[VALUE_MAX], service[VALUE_MAX];

	value_of(l, "client", client);
	value_of(l, "service", service);
	return *app->name != '\0' && strcmp(client, app->client) == 0 &&
	       strcmp(service, app->service) == 0;
}

/* Those behind the first skip. Returns how many there are. */
static size_t
pass(struct logs *logs, char const *address, size_t skip, bool is_dry)
{
	struct app app = {.name = ""};
	struct logs_line l;
	size_t count = 0;

	logs_seek(logs, NULL, address);
	while (logs_next(logs, &l)) {
		bool const failed = logline_event_is(&l.line, "login-failed");
		bool is_app;

		if (!is_about(&l.line, address))
			continue;
		if (logline_event_is(&l.line, "app-password")) {
			value_of(&l.line, "client", app.client);
			value_of(&l.line, "service", app.service);
			value_of(&l.line, "app", app.name);
			continue;
		}
		if (!failed && !logline_event_is(&l.line, "login"))
			continue;
		is_app = !failed && is_same(&l.line, &app);
		if (!is_dry && count >= skip)
			print(&l.line, is_app ? &app : NULL, failed);
		if (is_app)
			app.name[0] = '\0';
		count++;
	}
	return count;
}

static bool
show(int folder_fd, char const *address, size_t last)
{
	struct logs logs;
	size_t count;

	if (!logs_open(&logs, folder_fd, NULL, 0)) {
		int const error = errno;
		logs_close(&logs);
		errno = error;
		return false;
	}
	count = pass(&logs, address, 0, true);
	(void)pass(&logs, address, count > last ? count - last : 0, false);
	logs_close(&logs);
	return fflush(stdout) == 0;
}

int
user_logins(char const *folder, int argc, char const *const *argv)
{
	char key[ADDR_KEY_MAX + 1];
	uint32_t last = 100;
	int fd;
	bool ok;

	if ((argc != 1 && argc != 3) ||
		(argc == 3 && (strcmp(argv[1], "-n") != 0 ||
				      uint320_scan(argv[2], &last) == 0))) {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	if (!edit_address(argv[0], key, sizeof key))
		return COMMAND_PERMANENT;
	fd = values_open_folder(folder, "log");
	if (fd < 0)
		return COMMAND_TEMPORARY;
	ok = show(fd, key, last);
	if (!ok)
		fprintf(stderr, "kereru: read the logs: %s\n", strerror(errno));
	close(fd);
	return ok ? COMMAND_OK : COMMAND_TEMPORARY;
}
