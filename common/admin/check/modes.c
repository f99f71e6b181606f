/* Who owns what, and who else could read or change it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/admin/certificate.h"
#include "common/admin/defaults.h"
#include "common/admin/layout.h"
#include "common/admin/service.h"
#include "common/admin/check/doctor.h"

static char const *
octal(mode_t mode, char text_r[16])
{
	snprintf(text_r, 16, "%04o", (unsigned)mode & 07777);
	return text_r;
}

static char const *
number(unsigned long n, char text_r[16])
{
	snprintf(text_r, 16, "%lu", n);
	return text_r;
}

/* A secret is root's, and nobody else reads it; the rest nobody else writes. */
static void
own_file(struct doctor *d, char const *path, bool is_secret)
{
	struct stat st;
	char mode[16], owner[16];

	if (stat(path, &st) < 0 ||
		(st.st_uid == 0 && (st.st_mode & (is_secret ? 077 : 022)) == 0))
		return;
	doctor_find(d, is_secret ? FIND_SECRET_OPEN : FIND_TEXT_OPEN, 0, path,
		octal(st.st_mode, mode), number(st.st_uid, owner), NULL);
}

static void
texts(struct doctor *d)
{
	struct config const *c = &d->config;
	char path[512];

	own_file(d, d->folder, false);
	for (size_t i = 0; defaults_name(i) != NULL; i++) {
		snprintf(path, sizeof path, "%s/%s", d->folder,
			defaults_name(i));
		own_file(d, path, (defaults_mode(i) & 077) == 0);
	}
	own_file(d, c->dkim_text.path, false);
	for (size_t i = 0; i < c->dkim.count; i++)
		own_file(d, c->dkim.list[i].file.path, true);
}

static void
certificates(struct doctor *d)
{
	char const *names = doctor_setting(d, "tls-certificates");

	while (*names != '\0') {
		size_t len = strcspn(names, " ");
		stralloc path = STRALLOC_ZERO, key = STRALLOC_ZERO;
		if ((*names == '/' || (stralloc_cats(&path, d->folder) &&
					      stralloc_append(&path, '/'))) &&
			stralloc_catb(&path, names, len) &&
			stralloc_append(&path, '\0') &&
			certificate_key_path(path.s, &key)) {
			own_file(d, path.s, false);
			own_file(d, key.s, true);
		}
		stralloc_free(&path);
		stralloc_free(&key);
		names += len + (names[len] == ' ');
	}
}

static void
place(struct doctor *d, char const *path, bool is_folder, uid_t uid, gid_t gid,
	mode_t mode)
{
	struct stat st;
	char has[40], wants[40];

	if (lstat(path, &st) < 0) {
		doctor_find(
			d, FIND_PATH_MISSING, 0, path, d->hostname, NULL, NULL);
		return;
	}
	if (is_folder ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)) {
		doctor_find(d, FIND_PATH_KIND, 0, path,
			is_folder ? "folder" : "file", d->hostname, NULL);
		return;
	}
	if (st.st_uid != uid || st.st_gid != gid) {
		snprintf(has, sizeof has, "%u:%u", (unsigned)st.st_uid,
			(unsigned)st.st_gid);
		snprintf(wants, sizeof wants, "%u:%u", (unsigned)uid,
			(unsigned)gid);
		doctor_find(d, FIND_PATH_OWNER, 0, path, has, wants, NULL);
	}
	if ((st.st_mode & 07777) != mode)
		doctor_find(d, FIND_PATH_MODE, 0, path, octal(st.st_mode, has),
			octal(mode, wants), NULL);
}

static void
layout(struct doctor *d)
{
	for (size_t i = 0; i < layout_count; i++) {
		struct layout const *l = &layout_table[i];
		char path[512];
		uid_t uid;
		gid_t gid;
		snprintf(path, sizeof path, "%s%s%s", d->state,
			*l->path != '\0' ? "/" : "", l->path);
		/* An account that is missing is a fault of the text. */
		if (!layout_owner(l, &d->config.values, &uid, &gid))
			continue;
		/* That one is missing is told by tables.c. */
		if ((l->kind == LAYOUT_LATER || l->kind == LAYOUT_TABLE) &&
			access(path, F_OK) < 0)
			continue;
		place(d, path, l->kind == LAYOUT_FOLDER, uid, gid, l->mode);
	}
}

static void
logs(struct doctor *d)
{
	struct account log;

	if (!values_account(&d->config.values, "log", &log))
		return;
	for (size_t i = 0; service_name(i) != NULL; i++) {
		char path[512];
		snprintf(path, sizeof path, "%s/log/%s", d->state,
			service_name(i));
		if (access(path, F_OK) == 0)
			place(d, path, true, log.uid, log.gid, 0700);
	}
}

static bool
is_maildir(char const *path)
{
	static char const *const parts[] = {"", "/cur", "/new", "/tmp"};
	char part[1200];
	struct stat st;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		snprintf(part, sizeof part, "%s%s", path, parts[i]);
		if (lstat(part, &st) < 0 || !S_ISDIR(st.st_mode))
			return false;
	}
	return true;
}

static void
one_maildir(struct doctor *d, struct config_user const *u, char const *path)
{
	char has[16], wants[16];
	struct stat st;

	number(u->uid, wants);
	if (!is_maildir(path)) {
		doctor_find(d, FIND_MAILDIR_MISSING, 0, path, u->name.s, wants,
			NULL);
		return;
	}
	if (lstat(path, &st) < 0)
		return;
	if (st.st_uid != u->uid)
		doctor_find(d, FIND_MAILDIR_OWNER, 0, path,
			number(st.st_uid, has), wants, NULL);
	if (st.st_mode & 077)
		doctor_find(d, FIND_MAILDIR_OPEN, 0, path,
			octal(st.st_mode, has), NULL, NULL);
}

static void
maildirs(struct doctor *d)
{
	stralloc path = STRALLOC_ZERO;

	for (size_t i = 0; i < d->config.users.count; i++) {
		struct config_user const *u = &d->config.users.list[i];
		path.len = 0;
		if (config_maildir(&d->config, u, &path) &&
			stralloc_append(&path, '\0'))
			one_maildir(d, u, path.s);
	}
	stralloc_free(&path);
}

/* False: it is missing, or others can change it. */
static bool
one_program(struct doctor *d, char const *path)
{
	struct stat st;
	char mode[16], owner[16];

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
		(st.st_mode & 0111) == 0) {
		doctor_find(d, FIND_PROGRAM_MISSING, 0, path, d->prefix, NULL,
			NULL);
		return false;
	}
	if (st.st_uid == 0 && (st.st_mode & 022) == 0)
		return true;
	doctor_find(d, FIND_PROGRAM_OPEN, 0, path, octal(st.st_mode, mode),
		number(st.st_uid, owner), NULL);
	return false;
}

static void
programs(struct doctor *d)
{
	static char const *const names[] = {"monitor", "auth", "check",
		"policy", "sts", "smtpd", "submit-front", "pop3-front",
		"imap-front", "sieve-front", "pop3d", "imapd", "sieved",
		"starter", "manager", "remote-spawner", "local-spawner",
		"signer"};
	char path[600], mode[16], has[16], wants[16];
	struct stat st;
	gid_t drop;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", d->libexec, names[i]);
		(void)one_program(d, path);
	}
	snprintf(path, sizeof path, "%s/sbin/sendmail", d->prefix);
	if (access(path, F_OK) < 0 || !one_program(d, path) ||
		stat(path, &st) < 0 ||
		!values_group_drop(&d->config.values, &drop))
		return;
	if ((st.st_mode & 07777) != 02755 || st.st_gid != drop)
		doctor_find(d, FIND_SENDMAIL_RIGHTS, 0, path,
			octal(st.st_mode, mode), number(st.st_gid, has),
			number(drop, wants));
}

void
modes_examine(struct doctor *d)
{
	texts(d);
	certificates(d);
	layout(d);
	logs(d);
	maildirs(d);
	programs(d);
}
