/*
 * remote-spawner - deliver mail to other hosts
 *
 * Forks a process for each destination that the manager names; that process
 * looks its hosts up and speaks SMTP with them. Trusts nobody: neither the
 * manager's frames, nor the resolver, nor any host. Can write nothing; the
 * message is a read-only descriptor that comes with its job. See
 * remote-spawner(8).
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include "common/dns.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/spawner.h"
#include "common/table.h"
#include "remote/channel.h"

#define USAGE "usage: remote-spawner [-t TABLES]\n"
#define CONTROL_FD 3
/* Address space of a delivery, in octets. */
#define MEMORY (32u << 20)
#define PORT 25u
#define CHILDREN_MAX 100u

struct remote {
	struct table settings;
	struct dns dns;
	char self[DNS_NAME_SIZE];
	struct deliver deliver;
};

static struct sandbox const spawner_sandbox = {
	.filter = SANDBOX_SPAWNER, .may_fork = true, .may_connect = true};
static struct sandbox const remote_sandbox = {.filter = SANDBOX_REMOTE,
	.memory = MEMORY,
	.files = 32,
	.may_connect = true};

static enum job_opened
admit(void *data, char const *name, size_t len)
{
	struct remote *r = data;

	return destination_parse(name, len, &r->deliver.destination)
		       ? JOB_OPENED
		       : JOB_UNKNOWN;
}

static int
run(void *data, char const *name, size_t len, int channel_fd)
{
	struct remote *r = data;

	(void)name;
	(void)len;
	sandbox_enter_or_exit(&remote_sandbox);
	/* Without the manager there is nobody to tell how it went. */
	r->deliver.client.hangup_fd = channel_fd;
	return channel_serve(channel_fd, &r->deliver);
}

static bool
open_settings(struct remote *r, char const *folder)
{
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && table_refresh(&r->settings, fd, "settings.cdb");

	if (fd >= 0)
		close(fd);
	return ok;
}

static void
set_up(struct remote *r)
{
	struct table const *s = &r->settings;
	char const *hostname = settings_text(s, "hostname");
	char const *hello = settings_text(s, "remote-hello");
	struct destination self;

	if (hostname == NULL)
		hostname = "localhost";
	if (hello == NULL || *hello == '\0')
		hello = hostname;
	if (destination_parse(hostname, strlen(hostname), &self))
		memcpy(r->self, self.name, sizeof r->self);
	r->deliver.dns = &r->dns;
	r->deliver.self = r->self;
	r->deliver.port = (unsigned)settings_number(s, "remote-port", PORT);
	client_init(&r->deliver.client, hello,
		(unsigned)settings_number(
			s, "remote-timeout", CLIENT_WAIT_END));
}

int
main(int argc, char const *const *argv)
{
	static struct remote r = {.settings = TABLE_ZERO};
	struct spawner spawner = {.admit = admit, .run = run, .data = &r};
	subgetopt options = SUBGETOPT_ZERO;
	char const *tables = "/var/lib/kereru/tables";
	int code;

	/* A logger that dies takes nobody along. */
	(void)signal(SIGPIPE, SIG_IGN);
	log_open("remote");
	for (int c; (c = subgetopt_r(argc, argv, "t:", &options)) != -1;) {
		if (c != 't')
			goto usage;
		tables = options.arg;
	}
	if (options.ind != argc)
		goto usage;
	if (geteuid() == 0 || getuid() == 0) {
		log_event("refused", NULL, "why", "runs as root", (char *)0);
		return 100;
	}
	if (!open_settings(&r, tables)) {
		log_error("no-settings", NULL, "tables", tables, (char *)0);
		return 111;
	}
	set_up(&r);
	if (!dns_open(&r.dns, settings_text(&r.settings, "resolver"))) {
		log_error("no-resolver", NULL, (char *)0);
		return 111;
	}
	spawner.children_max = (unsigned)settings_number(
		&r.settings, "remote-concurrency", CHILDREN_MAX);
	sandbox_enter_or_exit(&spawner_sandbox);
	code = spawner_loop(&spawner, CONTROL_FD);
	dns_close(&r.dns);
	table_close(&r.settings);
	return code;

usage:
	(void)!write(2, USAGE, sizeof USAGE - 1);
	return 100;
}
