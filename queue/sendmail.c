/*
 * sendmail - hand a message to the queue, as local programs do
 *
 * Setgid kr-drop, which lets it pass into the queue's folder; that right is
 * given up as soon as the folders are open, before anything of the caller's is
 * read. Trusts the tables that root owns and nothing that the caller controls:
 * not the environment, not the arguments, not the input. Who sent the file is
 * the kernel's to say (its owner); what the caller claims is the manager's to
 * judge.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>
#include "common/settings.h"
#include "queue/batch.h"
#include "queue/compose.h"
#include "queue/handin.h"
#include "queue/mailopts.h"
#include "queue/route.h"
#include "queue/textin.h"

#define TABLES_DEFAULT "/var/lib/kereru/tables"
#define SIZE_MAX_DEFAULT 52428800
#define RECIPIENTS_MAX_DEFAULT 1000
#define CHUNK 16384

char const *PROG = "sendmail";

static void
usage(void)
{
	strerr_dief1x(EX_USAGE,
		"usage: sendmail [-ti] [-c tables] [-f sender] [-F name] "
		"[-N notify] [-R full|hdrs] [-V id] [-bm|-bs|-bp|-bi|-bv] "
		"[recipient ...]");
}

/* Whatever the caller has left us: closed descriptors that a file of ours would
 * take, limits, an environment that libraries read. */
static void
clean_up(void)
{
	int fd;

	clearenv();
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 3);
	if (fd < 0)
		strerr_dief1sys(EX_OSERR, "can't open /dev/null");
	close(fd);
	if (close_range(3, ~0u, 0) < 0)
		strerr_dief1sys(EX_OSERR, "can't close descriptors");
	umask(077);
	/* A limit on file sizes is an error, not a death that leaves a file. */
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* With the group's right, tables that a user has made could lead anywhere. */
static bool
is_roots(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == 0 &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static void
open_settings(struct handin *q, char const *folder)
{
	bool has_rights = getgid() != getegid() || getuid() != geteuid();
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	fd = dir < 0 ? -1
		     : openat(dir, "settings.cdb",
			       O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		strerr_dief3sys(
			EX_CONFIG, "can't open ", folder, "/settings.cdb");
	if (has_rights && (!is_roots(dir) || !is_roots(fd)))
		strerr_dief3x(EX_CONFIG, "tables in ", folder,
			" are not root's alone");
	if (!table_open_fd(&q->settings, fd))
		strerr_dief3sys(
			EX_CONFIG, "can't read ", folder, "/settings.cdb");
	close(fd);
	close(dir);
	q->hostname = settings_text(&q->settings, "hostname");
	if (q->hostname == NULL)
		strerr_dief1x(EX_CONFIG, "settings have no hostname");
	q->size_max = settings_number(
		&q->settings, "message-size-max", SIZE_MAX_DEFAULT);
}

/* The folders, and then no right that the caller does not have. */
static void
open_queue(struct handin *q)
{
	char const *state = settings_text(&q->settings, "state");
	gid_t gid = getgid();
	int dir;

	if (state == NULL)
		strerr_dief1x(EX_CONFIG, "settings have no state folder");
	dir = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);
	q->tmp_fd = openat(dir, "queue/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	q->new_fd = openat(dir, "queue/new", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (q->tmp_fd < 0 || q->new_fd < 0)
		strerr_dief3sys(EX_CANTCREAT, "can't open the queue in ", state,
			"/queue");
	close(dir);
	if (setresgid(gid, gid, gid) < 0)
		strerr_dief1sys(EX_OSERR, "can't give up the group");
}

/* A program of ours beside which nothing is left to do: with the caller's
 * rights alone. Below what `libexec` of the settings names,
 * PREFIX/libexec/kereru. */
static void
become(struct handin const *q, char const *program, char const *const *argv)
{
	static char *const environment[] = {NULL};
	char const *libexec = settings_text(&q->settings, "libexec");
	char path[512];

	if (libexec == NULL)
		strerr_dief1x(EX_CONFIG, "settings have no libexec folder");
	(void)snprintf(path, sizeof path, "%s/../../%s", libexec, program);
	(void)execve(path, (char *const *)(uintptr_t)argv, environment);
	strerr_dief2sys(EX_UNAVAILABLE, "can't execute ", path);
}

/* What an alias is stands in a text file of root's, and counts once it is
 * compiled. Installers call this without having changed anything. */
static void
new_aliases(struct handin const *q)
{
	char const *const argv[] = {"kereru", "compile", NULL};

	if (getuid() == 0)
		become(q, "sbin/kereru", argv);
	strerr_warnw1x("aliases are in /etc/kereru/aliases; root puts changes "
		       "into effect (kereru compile)");
}

/* The manager tries by itself what is due; root may have all tried now. */
static void
run_queue(struct handin const *q)
{
	char const *const argv[] = {"kereru", "queue", "retry", NULL};

	if (getuid() == 0)
		become(q, "sbin/kereru", argv);
}

static void
check(enum compose_result result, struct compose const *c)
{
	switch (result) {
	case COMPOSE_OK:
		break;
	case COMPOSE_BAD_ADDRESS:
		strerr_dief2x(EX_DATAERR, "bad recipient: ", c->bad);
		break;
	case COMPOSE_TOO_MANY:
		strerr_dief1x(EX_DATAERR, "too many recipients");
		break;
	case COMPOSE_NO_MEMORY:
		strerr_dief1x(EX_TEMPFAIL, "out of memory");
		break;
	}
}

static bool
open_routes(struct route_tables *t, char const *tables)
{
	int const fd = open(tables, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool const ok = table_refresh(&t->recipients, fd, "recipients.cdb") &&
			table_refresh(&t->aliases, fd, "aliases.cdb") &&
			table_refresh(&t->routes, fd, "routes.cdb");

	close(fd);
	return ok;
}

/* -bv: what would become of mail for each. The tables are not everybody's to
 * read. */
static int
verify(struct compose const *c, char const *tables)
{
	static char const *const words[] = {
		[ROUTE_LOCAL] = "deliverable: mailbox ",
		[ROUTE_REMOTE] = "deliverable: goes to ",
		[ROUTE_HOLD] = "waits until it is released",
		[ROUTE_EXPAND] = "deliverable: alias ",
		[ROUTE_UNKNOWN] = "undeliverable: nobody here has it",
		[ROUTE_REFUSED] = "undeliverable: it takes no mail",
		[ROUTE_INVALID] = "undeliverable: no address",
		[ROUTE_FORGED] = "undeliverable: made by nobody here",
		[ROUTE_LOOP] = "undeliverable: an alias of itself",
		[ROUTE_LATER] = "not known now: a table is missing"};
	struct route_tables t = {.recipients = TABLE_ZERO,
		.aliases = TABLE_ZERO,
		.routes = TABLE_ZERO,
		.hostname = c->hostname};
	char const *s = c->to.s;
	int code = EX_OK;

	if (!open_routes(&t, tables))
		strerr_dief2sys(errno == EACCES ? EX_NOPERM : EX_CONFIG,
			"can't read tables in ", tables);
	for (size_t i = 0; i < c->to_count; i++, s += strlen(s) + 1) {
		struct route r = {.kind = ROUTE_INVALID};

		route_find(&t, s, strlen(s), &r);
		printf("%s ... %s%.*s\n", s, words[r.kind],
			words[r.kind][strlen(words[r.kind]) - 1] == ' '
				? (int)r.name_len
				: 0,
			r.name);
		if (strncmp(words[r.kind], "un", 2) == 0)
			code = EX_NOUSER;
		else if (r.kind == ROUTE_LATER && code == EX_OK)
			code = EX_TEMPFAIL;
	}
	return fflush(stdout) == 0 ? code : EX_IOERR;
}

/* `alice`, or `uid1000` where there is no such account. */
static void
login_address(char const *hostname, char out[ADDR_PATH_MAX + 1])
{
	char name[ADDR_LOCAL_MAX + 1] = "uid";
	struct passwd const *account = getpwuid(getuid());
	size_t n = 3;

	n += uint_fmt(name + n, getuid());
	name[n] = '\0';
	if (account == NULL ||
		!compose_qualify(account->pw_name, hostname, out) ||
		out[0] == '\0')
		if (!compose_qualify(name, hostname, out))
			strerr_dief1x(EX_CONFIG, "hostname is malformed");
}

/* All of standard input, as CRLF lines. Returns whether it has octets beyond
 * ASCII. It is kept in memory: the envelope, which stands before it, must say
 * that. */
static bool
read_message(stralloc *message, bool dot_ends, uint64_t size_max)
{
	struct textin in;
	char chunk[CHUNK];
	ssize_t n;

	textin_init(&in, dot_ends);
	for (;;) {
		n = read(0, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			strerr_dief1sys(EX_IOERR, "can't read the message");
		if (n == 0 || in.state == TEXTIN_END)
			break;
		if (!stralloc_readyplus(message, TEXTIN_ROOM((size_t)n)))
			strerr_dief1x(EX_TEMPFAIL, "out of memory");
		message->len += textin_push(
			&in, chunk, (size_t)n, message->s + message->len);
		if (size_max > 0 && message->len > size_max)
			strerr_dief1x(EX_DATAERR, "message is too big");
	}
	if (!stralloc_readyplus(message, TEXTIN_ROOM(0)))
		strerr_dief1x(EX_TEMPFAIL, "out of memory");
	message->len += textin_finish(&in, message->s + message->len);
	return in.is_8bit;
}

static int
deliver(struct handin *q, struct mailopts const *o, struct compose *c)
{
	stralloc message = STRALLOC_ZERO;
	char sender[ADDR_PATH_MAX + 1];
	struct handin_wish wish = {.sender = sender,
		.notify = o->notify,
		.ret = o->ret,
		.envid = o->envid[0] != '\0' ? o->envid : NULL};

	if (!compose_qualify(
		    o->sender ? o->sender : q->login, q->hostname, sender))
		strerr_dief2x(EX_DATAERR, "bad sender: ", o->sender);
	if (c->to_count == 0 && !o->from_header)
		strerr_dief1x(EX_USAGE, "no recipients");
	wish.is_8bit = read_message(&message, !o->dot_continues, q->size_max);
	check(compose_header(c, message.s, message.len, o->from_header), c);
	if (c->to_count == 0)
		strerr_dief1x(EX_USAGE, "no recipients");
	if (!handin_submit(q, c, &message, &wish))
		strerr_dief1sys(EX_TEMPFAIL, "can't add to the queue");
	stralloc_free(&message);
	return EX_OK;
}

static int
act(struct handin *q, struct mailopts const *o, char const *tables)
{
	char const *const mailq[] = {"mailq", "-t", tables, NULL};
	struct compose c = {.hostname = q->hostname,
		.recipients_max = q->recipients_max,
		.header = STRALLOC_ZERO,
		.to = STRALLOC_ZERO};
	int code = EX_OK;

	for (size_t i = 0; i < o->rest_count; i++)
		check(compose_recipients(&c, o->rest[i], strlen(o->rest[i])),
			&c);
	switch (o->mode) {
	case MAILOPTS_DELIVER:
		code = deliver(q, o, &c);
		break;
	case MAILOPTS_SMTP:
		code = batch_run(q) ? EX_OK : EX_IOERR;
		break;
	case MAILOPTS_LIST:
		become(q, "bin/mailq", mailq);
		break;
	case MAILOPTS_ALIASES:
		new_aliases(q);
		break;
	case MAILOPTS_VERIFY:
		code = verify(&c, tables);
		break;
	case MAILOPTS_RUN:
		run_queue(q);
		break;
	}
	compose_free(&c);
	return code;
}

int
main(int argc, char const **argv)
{
	struct mailopts o;
	struct handin q = {.settings = TABLE_ZERO};
	char const *why, *tables;
	int code;

	clean_up();
	why = mailopts_parse(argc, argv, &o);
	if (why != NULL && *why == '\0')
		usage();
	if (why != NULL)
		strerr_dief1x(EX_USAGE, why);
	tables = o.tables != NULL ? o.tables : TABLES_DEFAULT;
	open_settings(&q, tables);
	open_queue(&q);
	q.recipients_max = (size_t)settings_number(
		&q.settings, "recipients-max", RECIPIENTS_MAX_DEFAULT);
	if (q.recipients_max > QUEUEFILE_RECIPIENTS_MAX)
		q.recipients_max = QUEUEFILE_RECIPIENTS_MAX;
	login_address(q.hostname, q.login);
	q.name = o.name;
	code = act(&q, &o, tables);
	table_close(&q.settings);
	return code;
}
