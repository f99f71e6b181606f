/*
 * check - look at messages before they are accepted
 *
 * A service under its own uid; monitors hand it a pair for each session that
 * asks. Workers look at messages, one at a time each. Two helpers execute what
 * has to be executed: the classifier, and hooks. Trusts its settings and rules;
 * neither messages, nor who sent them, nor the DNS. Can write nothing with a
 * name. See check(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/dns.h"
#include "common/log.h"
#include "common/pair.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/monitor/role.h"
#include "smtpd/check/attend.h"
#include "smtpd/check/bayes.h"
#include "smtpd/check/hook.h"
#include "smtpd/check/pool.h"
#include "smtpd/check/serve.h"

/* A helper's ends. */
#define HELPER_CONTROL_FD 3
#define WORKERS 200u
/* Monitors that may call at once: one a service, and those under inetd. */
#define MONITORS_MAX 256
/* Seconds. */
#define DNS_TIMEOUT 5u
#define HOOK_TIMEOUT 30u
#define CHECK_TIMEOUT 120u
/* smtpd has given up long before. */
#define LATE_S 30
/* Messages of one worker. */
#define MESSAGES 50u

struct helper {
	pid_t pid;
	int control_fd, requests_fd; /* our ends */
};

struct check {
	struct table settings;
	dev_t device; /* of the settings' file, to notice a newer one */
	ino_t inode;
	struct rules rules;
	struct dns dns;
	struct psl psl;
	bool has_psl;
	enum dnsbl_state *zone_states; /* shared with who tests the zones */
	struct helper bayes, hook;
	pid_t tester;
	struct pool pool;
	unsigned lock_fd; /* 0: none */
	/* The listener, the monitors, then what the pool waits for. */
	struct pollfd polls[1 + MONITORS_MAX + POOL_POLLS_MAX];
	size_t monitors;
	int dmarc_fd; /* dmarc-data(5); -1: nothing is collected */
};

/* Fork a helper; before the sandbox closes, since it stays outside. */
static bool
start_helper(struct helper *h, int (*serve)(int control_fd, int requests_fd))
{
	int control[2], requests[2];

	if (!pair_make(control, false) || !pair_make(requests, false))
		return false;
	h->pid = fork();
	if (h->pid < 0)
		return false;
	if (h->pid == 0) {
		/* Who starts foreign programs holds nothing else. */
		if (dup2(control[1], HELPER_CONTROL_FD) < 0 ||
			dup2(requests[1], HELPER_CONTROL_FD + 1) < 0 ||
			close_range(HELPER_CONTROL_FD + 2, ~0u, 0) < 0 ||
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(111);
		_exit(serve(HELPER_CONTROL_FD, HELPER_CONTROL_FD + 1));
	}
	close(control[1]);
	close(requests[1]);
	h->control_fd = control[0];
	h->requests_fd = requests[0];
	return true;
}

/* In a child: what others wait for the end of. */
static void
leave(struct check const *c)
{
	for (size_t i = 0; i <= c->monitors; i++)
		close(c->polls[i].fd);
	if (c->lock_fd > 0)
		close((int)c->lock_fd);
}

/* The test points of all zones, in a process of its own: nobody waits. */
static void
test_zones(struct check *c, int timeout_ms)
{
	if (c->rules.zone_count == 0)
		return;
	c->tester = fork();
	if (c->tester == 0) {
		struct query query;
		unsigned missing;

		leave(c);
		pool_leave(&c->pool);
		query_init(&query, query_dns, &c->dns, timeout_ms);
		dnsbl_test(&c->rules, c->zone_states, &query, &missing);
		for (unsigned i = 0; i < c->rules.zone_count; i++) {
			struct rules_text name = c->rules.zones[i].name;
			bool is_bad = c->zone_states[i] == DNSBL_BAD;
			struct log_line line;

			if (!is_bad && (missing >> i & 1) == 0)
				continue;
			log_begin(&line,
				is_bad ? "list-unusable"
				       : "list-without-test-point",
				NULL);
			log_text(&line, "zone", name.s, name.len);
			log_end(&line);
		}
		_exit(0);
	}
}

/* States of zones anew: who still uses the old ones has them mapped. */
static bool
forget_zones(struct check *c)
{
	size_t size = RULES_ZONES_MAX * sizeof *c->zone_states;

	if (c->zone_states != NULL)
		munmap(c->zone_states, size);
	c->zone_states = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->zone_states == MAP_FAILED)
		c->zone_states = NULL;
	return c->zone_states != NULL;
}

/* Settings, if these are others than before. False: logged. */
static bool
take_settings(struct check *c, int fd)
{
	char const *text, *why;
	struct stat st;
	unsigned line;

	if (fstat(fd, &st) < 0)
		return false;
	if (c->settings.open && st.st_dev == c->device && st.st_ino == c->inode)
		return true;
	table_close(&c->settings);
	c->settings = (struct table)TABLE_ZERO;
	/* No new worker until all is well; others go on by what they have. */
	c->pool.workers_max = 0;
	if (!table_open_fd(&c->settings, fd) || !forget_zones(c)) {
		log_error("no-settings", NULL, (char *)0);
		return false;
	}
	c->device = st.st_dev;
	c->inode = st.st_ino;
	text = settings_text(&c->settings, "rules");
	if (text == NULL)
		text = "";
	if (!rules_parse(&c->rules, text, strlen(text), &line, &why)) {
		log_event("bad-rules", NULL, "why", why, (char *)0);
		table_close(&c->settings);
		return false;
	}
	pool_renew(&c->pool);
	c->pool.workers_max = (size_t)settings_number(
		&c->settings, "check-concurrency", WORKERS);
	c->pool.messages_max = (unsigned)settings_number(
		&c->settings, "check-messages", MESSAGES);
	c->pool.busy_max = (time_t)settings_number(&c->settings,
				   "check-timeout", CHECK_TIMEOUT) +
			   LATE_S;
	if (!attend_settings(c->bayes.control_fd, fd) ||
		!attend_settings(c->hook.control_fd, fd))
		return false;
	test_zones(c, (int)settings_number(
			      &c->settings, "check-dns-timeout", DNS_TIMEOUT) *
			      1000);
	return true;
}

/* In the process of a worker. */
static int
work(void *data, int control_fd)
{
	struct check *c = data;
	char const *hostname = settings_text(&c->settings, "hostname");
	struct examine x = {.dns = &c->dns,
		.psl = c->has_psl ? &c->psl : NULL,
		.zone_states = c->zone_states,
		.bayes_fd = c->bayes.requests_fd,
		.hook_fd = c->hook.requests_fd,
		.dmarc_fd = c->dmarc_fd,
		.rules = &c->rules,
		.hostname = hostname != NULL ? hostname : "localhost",
		.dns_timeout_ms = (int)settings_number(&c->settings,
					  "check-dns-timeout", DNS_TIMEOUT) *
				  1000,
		.hook_timeout_ms = (int)settings_number(&c->settings,
					   "hook-timeout", HOOK_TIMEOUT) *
				   1000};

	leave(c);
	close(c->bayes.control_fd);
	close(c->hook.control_fd);
	return serve_worker(control_fd, &x);
}

static void
open_session(struct check *c, struct role_call const *call)
{
	if (!take_settings(c, call->table)) {
		close(call->pair);
	} else if (!pool_add(&c->pool, call->pair)) {
		log_event("too-many-sessions", NULL, (char *)0);
		close(call->pair);
	}
	close(call->table);
}

/* False: a helper has ended; s6 begins anew with another check. */
static bool
reap(struct check *c)
{
	if (waitpid(c->bayes.pid, NULL, WNOHANG) != 0 ||
		waitpid(c->hook.pid, NULL, WNOHANG) != 0) {
		log_event("died", NULL, "role", "helper", (char *)0);
		return false;
	}
	if (c->tester > 0 && waitpid(c->tester, NULL, WNOHANG) != 0)
		c->tester = 0;
	return true;
}

static void
hear_listener(struct check *c)
{
	int fd = role_accept(c->polls[0].fd);

	if (fd >= 0 && c->monitors == MONITORS_MAX)
		close(fd);
	else if (fd >= 0)
		c->polls[++c->monitors] =
			(struct pollfd){.fd = fd, .events = POLLIN};
}

static void
hear_monitor(struct check *c, size_t i)
{
	struct role_call call;
	int r = role_take(c->polls[i].fd, &call);

	if (r > 0) {
		/* A worker may wait on a pair. */
		(void)fcntl(call.pair, F_SETFL, 0);
		open_session(c, &call);
	} else if (r == 0) {
		close(c->polls[i].fd);
		c->polls[i] = c->polls[c->monitors--];
	}
}

static int
loop(struct check *c)
{
	for (;;) {
		int wait_ms = c->tester > 0 ? 500 : 5000;
		struct pollfd *of_pool = c->polls + c->monitors + 1;
		size_t count = pool_polls(&c->pool, of_pool, &wait_ms);
		int r = poll(c->polls, c->monitors + 1 + count, wait_ms);

		if (r < 0 && errno != EINTR)
			return 111;
		if (!reap(c))
			return 111;
		if (r > 0)
			pool_hear(&c->pool, of_pool, count);
		for (size_t i = c->monitors; r > 0 && i > 0; i--)
			if (c->polls[i].revents != 0)
				hear_monitor(c, i);
		if (r > 0 && c->polls[0].revents != 0)
			hear_listener(c);
	}
}

/* Data for reports is collected if somebody made the file. */
static int
open_dmarc_data(void)
{
	struct stat st;
	int fd = open("dmarc-data",
		O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		log_error("no-dmarc-data", NULL, (char *)0);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		log_event(
			"no-dmarc-data", NULL, "why", "not a file", (char *)0);
		close(fd);
		fd = -1;
	}
	return fd;
}

/* settings.cdb as it is now; -1: errno. */
static int
open_settings(char const *tables)
{
	int folder = open(tables, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = folder < 0
			 ? -1
			 : openat(folder, "settings.cdb", O_RDONLY | O_CLOEXEC);

	if (folder >= 0)
		close(folder);
	return fd;
}

int
main(int argc, char const *const *argv)
{
	static struct check c = {.settings = TABLE_ZERO};
	struct table first = TABLE_ZERO;
	struct sandbox sandbox = {.filter = SANDBOX_CHECK,
		.may_fork = true,
		.may_write = true,
		.may_connect = true};
	struct role_options options;
	int settings;

	(void)signal(SIGPIPE, SIG_IGN);
	log_open("check");
	if (!role_options(&options, argc, argv))
		return 100;
	if (geteuid() == 0 || getuid() == 0) {
		log_event("refused", NULL, "why", "runs as root", (char *)0);
		return 100;
	}
	c.polls[0] = (struct pollfd){.fd = -1, .events = POLLIN};
	if (role_enter(options.tables, "check", &first))
		c.polls[0].fd = role_listen("socket");
	if (c.polls[0].fd < 0) {
		log_error("not-started", NULL, "tables", options.tables,
			(char *)0);
		return 111;
	}
	if (!dns_open(&c.dns, settings_text(&first, "resolver"))) {
		log_error("no-resolver", NULL, (char *)0);
		return 111;
	}
	table_close(&first);
	c.has_psl = psl_open(&c.psl, PSL_FILE);
	if (!c.has_psl)
		log_event("no-public-suffixes", NULL, (char *)0);
	if (!start_helper(&c.bayes, bayes_serve) ||
		!start_helper(&c.hook, hook_serve)) {
		log_error("no-process", NULL, (char *)0);
		return 111;
	}
	c.lock_fd = options.lock_fd;
	c.dmarc_fd = open_dmarc_data();
	pool_init(&c.pool, work, &c);
	settings = open_settings(options.tables);
	sandbox_enter_or_exit(&sandbox);
	if (settings < 0 || !take_settings(&c, settings))
		return 111;
	close(settings);
	role_ready(&options);
	return loop(&c);
}
