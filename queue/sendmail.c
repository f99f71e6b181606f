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
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>
#include "common/datetime.h"
#include "common/drop.h"
#include "common/settings.h"
#include "queue/compose.h"
#include "queue/textin.h"

#define TABLES_DEFAULT "/var/lib/kereru/tables"
#define SIZE_MAX_DEFAULT 52428800
#define RECIPIENTS_MAX_DEFAULT 1000
#define CHUNK 16384

char const *PROG = "sendmail";

struct options {
	bool from_header;   /* -t */
	bool dot_continues; /* -i */
	char const *sender; /* -f, or NULL */
	char const *name;   /* -F, or NULL */
	char const *tables; /* -c */
};

struct queue {
	struct table settings;
	char const *hostname;
	uint64_t size_max;
	int tmp_fd, new_fd;
};

static void
usage(void)
{
	strerr_dief1x(EX_USAGE, "usage: sendmail [-ti] [-c tables] "
				"[-f sender] [-F name] [recipient ...]");
}

/* Options of old that change nothing here are taken, since programs give
 * them. -o and -b hold their own. */
static void
parse(int argc, char const *const *argv, struct options *o, int *used_r)
{
	subgetopt l = SUBGETOPT_ZERO;
	int opt;

	while ((opt = subgetopt_r(argc, argv,
			"tif:r:F:c:b:o:e:B:N:R:V:O:h:L:X:vUGmn", &l)) >= 0) {
		switch (opt) {
		case 't':
			o->from_header = true;
			break;
		case 'i':
			o->dot_continues = true;
			break;
		case 'o':
			if (l.arg[0] == 'i')
				o->dot_continues = true;
			break;
		case 'f':
		case 'r':
			o->sender = l.arg;
			break;
		case 'F':
			o->name = l.arg;
			break;
		case 'c':
			o->tables = l.arg;
			break;
		case 'b':
			if (strcmp(l.arg, "m") != 0)
				strerr_dief3x(EX_USAGE, "mode -b", l.arg,
					" is not supported");
			break;
		case '?':
			usage();
			break;
		default:
			break;
		}
	}
	*used_r = l.ind;
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
open_settings(struct queue *q, char const *folder)
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
open_queue(struct queue *q)
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

/* RFC 5321 4.4, as far as it fits what came without SMTP. */
static bool
put_received(stralloc *out, struct queue const *q, char const *id,
	char const *uid, char const *date)
{
	return stralloc_cats(out, "Received: by ") &&
	       stralloc_cats(out, q->hostname) &&
	       stralloc_cats(out, " (sendmail, uid ") &&
	       stralloc_cats(out, uid) && stralloc_cats(out, ") id ") &&
	       stralloc_cats(out, id) && stralloc_cats(out, ";\r\n\t") &&
	       stralloc_cats(out, date) && stralloc_cats(out, "\r\n");
}

static void
fill_recipients(struct queuefile_recipient *recipients, struct compose const *c)
{
	char const *s = c->to.s;

	for (size_t i = 0; i < c->to_count; i++) {
		recipients[i] = (struct queuefile_recipient){.address = s,
			.address_len = strlen(s),
			.state = QUEUEFILE_TODO};
		s += strlen(s) + 1;
	}
}

/* Write it all. Ends the program if it can't. */
static void
submit(struct queue *q, struct compose const *c, stralloc const *message,
	unsigned flags, char const *sender, struct compose_missing *missing)
{
	static struct drop drop;
	struct queuefile_recipient *recipients =
		calloc(c->to_count, sizeof *recipients);
	char uid[UINT_FMT], origin[sizeof "sendmail uid " + UINT_FMT];
	char date[DATETIME_MAX];
	struct drop_envelope e = {.origin = origin,
		.sender = sender,
		.sender_len = strlen(sender),
		.recipients = recipients,
		.recipient_count = c->to_count,
		.flags = flags};
	stralloc added = STRALLOC_ZERO;

	if (recipients == NULL)
		strerr_dief1x(EX_TEMPFAIL, "out of memory");
	fill_recipients(recipients, c);
	uid[uint_fmt(uid, getuid())] = '\0';
	strcpy(origin, "sendmail uid ");
	strcat(origin, uid);
	e.origin_len = strlen(origin);
	if (!drop_begin(&drop, q->tmp_fd, q->new_fd, DROP_SYNC_FILE, &e))
		strerr_dief1sys(EX_TEMPFAIL, "can't add to the queue");
	drop_message(&drop, c->header.s, c->header.len);
	drop_message(&drop, message->s + c->body, message->len - c->body);
	datetime_format(date, drop.q.arrived / 1000000);
	missing->date = date;
	missing->id = drop.q.id;
	if (!put_received(&added, q, drop.q.id, uid, date) ||
		!compose_missing(c, &added, missing)) {
		drop_abort(&drop);
		strerr_dief1x(EX_TEMPFAIL, "out of memory");
	}
	drop_added(&drop, added.s, added.len);
	if (!drop_commit(&drop))
		strerr_dief1sys(EX_TEMPFAIL, "can't add to the queue");
	stralloc_free(&added);
	free(recipients);
}

int
main(int argc, char const *const *argv)
{
	struct options o = {.tables = TABLES_DEFAULT};
	struct queue q = {.settings = TABLE_ZERO};
	struct compose c = {.header = STRALLOC_ZERO, .to = STRALLOC_ZERO};
	stralloc message = STRALLOC_ZERO;
	char login[ADDR_PATH_MAX + 1], sender[ADDR_PATH_MAX + 1];
	struct compose_missing missing = {.address = login};
	bool is_8bit;
	int used;

	clean_up();
	parse(argc, argv, &o, &used);
	open_settings(&q, o.tables);
	open_queue(&q);
	c.hostname = q.hostname;
	c.recipients_max = (size_t)settings_number(
		&q.settings, "recipients-max", RECIPIENTS_MAX_DEFAULT);
	if (c.recipients_max > QUEUEFILE_RECIPIENTS_MAX)
		c.recipients_max = QUEUEFILE_RECIPIENTS_MAX;
	login_address(q.hostname, login);
	if (!compose_qualify(o.sender ? o.sender : login, q.hostname, sender))
		strerr_dief2x(EX_DATAERR, "bad sender: ", o.sender);
	for (int i = used; i < argc; i++)
		check(compose_recipients(&c, argv[i], strlen(argv[i])), &c);
	if (c.to_count == 0 && !o.from_header)
		strerr_dief1x(EX_USAGE, "no recipients");
	is_8bit = read_message(&message, !o.dot_continues, q.size_max);
	check(compose_header(&c, message.s, message.len, o.from_header), &c);
	if (c.to_count == 0)
		strerr_dief1x(EX_USAGE, "no recipients");
	missing.name = o.name;
	if (sender[0] != '\0')
		missing.address = sender;
	submit(&q, &c, &message, is_8bit ? QUEUEFILE_8BIT : 0, sender,
		&missing);
	stralloc_free(&message);
	compose_free(&c);
	table_close(&q.settings);
	return EX_OK;
}
