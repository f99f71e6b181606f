/* What the manager knows of its host. */
#include "common/log.h"
#include "queue/host.h"
#include "queue/loop.h"

/* Who has changed a route tries it at once. */
#define REFRESH_US 10000

struct host host = {.tables_fd = -1};

static bool
refresh(void)
{
	struct route_tables *t = &host.tables;

	return table_refresh(
		       &t->recipients, host.tables_fd, "recipients.cdb") &&
	       table_refresh(&t->aliases, host.tables_fd, "aliases.cdb") &&
	       table_refresh(&t->routes, host.tables_fd, "routes.cdb");
}

bool
host_open(int tables_fd, struct table const *settings)
{
	host.tables_fd = tables_fd;
	host.name = settings_text(settings, "hostname");
	host.tables.hostname = host.name;
	host.lifetime = settings_number(settings, "queue-lifetime", 432000);
	host.retry_first = settings_number(settings, "retry-first", 300);
	host.retry_max = settings_number(settings, "retry-max", 14400);
	host.delay_warning = settings_number(settings, "delay-warning", 14400);
	host.release_max =
		settings_number(settings, "future-release-max", 2592000);
	owner_read(&host.accounts, settings);
	return refresh();
}

void
host_refresh_now(void)
{
	if (!refresh())
		log_error("table-failed", NULL, (char *)0);
}

void
host_refresh(void)
{
	static uint64_t refreshed_us;

	if (loop_time_us() - refreshed_us < REFRESH_US)
		return;
	refreshed_us = loop_time_us();
	host_refresh_now();
}

uid_t
host_dropper(struct queued const *m)
{
	return m->owner == host.accounts.queue && m->q.has_dropper
		       ? (uid_t)m->q.dropper
		       : m->owner;
}
