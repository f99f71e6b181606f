/*
 * remote-spawner - deliver mail to other hosts
 *
 * Forks a process for each destination that the manager names; that process
 * looks its hosts up and speaks SMTP with them. Trusts nobody: neither the
 * manager's frames, nor the resolver, nor any host. Can write nothing; the
 * message is a read-only descriptor that comes with its job. See
 * remote-spawner(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/djbunix.h>
#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
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
#define PER_HOST_MAX 20u

struct remote {
	/* Open for the spawner's life: its tables may be replaced. */
	int folder_fd;
	struct table settings, policies, logins;
	struct dns dns;
	struct tls_anchors anchors;
	struct outgoing outgoing;
	bool has_sts;
	char self[DNS_NAME_SIZE];
	struct deliver deliver;
};

static struct sandbox const remote_sandbox = {.filter = SANDBOX_REMOTE,
	.memory = MEMORY,
	.files = 32,
	.may_connect = true,
	.may_bind = true};

/* As it stands now, or as it stood: one that is missing is empty. */
static void
refresh(struct remote *r, struct table *t, char const *name)
{
	if (!table_refresh(t, r->folder_fd, name) && errno == ENOENT)
		table_close(t);
}

/* The name and password that a route has. False: the table is damaged. */
static bool
find_login(struct remote *r, char const *name, size_t len)
{
	struct deliver *d = &r->deliver;
	char const *value;
	size_t value_len;
	int found =
		r->logins.open && !d->destination.by_mx
			? table_find(&r->logins, name, len, &value, &value_len)
			: 0;

	d->has_login = found > 0;
	return found == 0 ||
	       (found > 0 && login_out_parse(value, value_len, &d->login));
}

static enum job_opened
admit(void *data, char const *name, size_t len)
{
	struct remote *r = data;
	struct deliver *d = &r->deliver;

	if (!destination_parse(name, len, &d->destination))
		return JOB_UNKNOWN;
	refresh(r, &r->policies, "tls-policy.cdb");
	refresh(r, &r->logins, "relay-logins.cdb");
	d->turn++;
	if (tlspolicy_find(
		    &r->policies, d->destination.name, &d->demand.table) &&
		find_login(r, name, len))
		return JOB_OPENED;
	/* What must be encrypted must not go in the clear meanwhile. */
	log_event("damaged-table", NULL, "destination", d->destination.name,
		(char *)0);
	return JOB_LATER;
}

static int
run(void *data, char const *name, size_t len, int channel_fd)
{
	struct remote *r = data;

	(void)name;
	(void)len;
	/* Others' passwords are not for this process. */
	table_close(&r->logins);
	stslink_open(&r->deliver.sts,
		r->has_sts ? settings_text(&r->settings, "state") : NULL);
	sandbox_enter_or_exit(&remote_sandbox);
	/* Without the manager there is nobody to tell how it went. */
	r->deliver.client.hangup_fd = channel_fd;
	return channel_serve(channel_fd, &r->deliver);
}

static bool
open_settings(struct remote *r, char const *folder)
{
	r->folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return r->folder_fd >= 0 &&
	       table_refresh(&r->settings, r->folder_fd, "settings.cdb");
}

/* Without them no certificate is believed that is to be verified by one. */
static void
read_anchors(struct remote *r)
{
	char const *path = settings_text(&r->settings, "tls-anchors");
	stralloc pem = STRALLOC_ZERO;

	if (path == NULL)
		path = TLS_ANCHORS_SYSTEM;
	if (!openslurpclose(&pem, path) ||
		!tls_anchors_parse(&r->anchors, pem.s, pem.len))
		log_error("no-anchors", NULL, "file", path, (char *)0);
	stralloc_free(&pem);
}

static bool
read_outgoing(struct remote *r)
{
	char const *value;
	size_t len;
	int found = table_find(&r->settings, "outgoing", 8, &value, &len);

	if (found <= 0)
		return found == 0;
	errno = EINVAL;
	return outgoing_parse(value, len, &r->outgoing);
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
	r->has_sts = settings_number(s, "sts", 0) != 0;
	r->deliver.dns = r->deliver.demand.dns = &r->dns;
	r->deliver.demand.anchors = &r->anchors;
	r->deliver.outgoing = &r->outgoing;
	r->deliver.sts.fd = -1;
	/* Starting anew does not begin with the same address each time. */
	r->deliver.turn = randombytes_random();
	r->deliver.self = r->self;
	r->deliver.port = (unsigned)settings_number(s, "remote-port", PORT);
	/* A delivery keeps its channel and the standard descriptors alone, and
	 * has no use for its input. */
	if (!places_open(&r->deliver.places,
		    (unsigned)settings_number(
			    s, "remote-concurrency-per-host", PER_HOST_MAX),
		    STDIN_FILENO))
		log_error("no-limit", NULL, "of", "sessions with one host",
			(char *)0);
	client_init(&r->deliver.client, hello,
		(unsigned)settings_number(
			s, "remote-timeout", CLIENT_WAIT_END));
}

int
main(int argc, char const *const *argv)
{
	static struct remote r = {.settings = TABLE_ZERO,
		.policies = TABLE_ZERO,
		.logins = TABLE_ZERO};
	struct sandbox sandbox = {.filter = SANDBOX_SPAWNER,
		.may_fork = true,
		.may_connect = true,
		.may_bind = true};
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
	if (!read_outgoing(&r)) {
		log_error("no-outgoing", NULL, (char *)0);
		return 111;
	}
	read_anchors(&r);
	set_up(&r);
	if (!dns_open(&r.dns, settings_text(&r.settings, "resolver"))) {
		log_error("no-resolver", NULL, (char *)0);
		return 111;
	}
	spawner.children_max = (unsigned)settings_number(
		&r.settings, "remote-concurrency", CHILDREN_MAX);
	sandbox.read_only[sandbox.read_only_count++] = r.folder_fd;
	sandbox_enter_or_exit(&sandbox);
	code = spawner_loop(&spawner, CONTROL_FD);
	dns_close(&r.dns);
	table_close(&r.settings);
	table_close(&r.policies);
	table_close(&r.logins);
	return code;

usage:
	(void)!write(2, USAGE, sizeof USAGE - 1);
	return 100;
}
