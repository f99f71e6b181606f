/* `kereru import`: mail brought into a mailbox. As root it only looks up who
 * that is, opens what is to be read, and becomes the mailbox's uid. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/addr.h"
#include "common/privilege.h"
#include "common/settings.h"
#include "common/table.h"
#include "common/tls_anchors.h"
#include "common/user.h"
#include "common/admin/command.h"
#include "common/admin/import.h"
#include "common/admin/password.h"
#include "common/admin/values.h"

static char const usage[] =
	"usage: kereru import [-F FOLDER] MAILBOX MBOX|MAILDIR\n"
	"       kereru import [-p PASSWORD-FILE] [-C CA-FILE] MAILBOX "
	"imap[s]://USER@HOST[:PORT]\n";

enum kind { MBOX, MAILDIR, REMOTE };

struct job {
	char const *mailbox, *source, *folder, *password_file;
	enum kind kind;
	int fd; /* of an mbox file, and of a relative maildir's start */
	struct import_remote remote;
	char password[PASSWORD_MAX + 1];
	char imapd[512];
	uid_t uid;
	char const *home;
	struct table users, settings;
};

static bool
complain(char const *what, char const *why)
{
	fprintf(stderr, "kereru: import: %s: %s\n", what, why);
	return false;
}

static bool
options(struct job *j, int argc, char const *const *argv)
{
	int c;

	j->folder = "INBOX";
	j->remote.ca_file = TLS_ANCHORS_SYSTEM;
	optind = 1;
	while ((c = getopt(argc, (char *const *)(uintptr_t)argv, "F:p:C:")) >=
		0) {
		if (c == 'F')
			j->folder = optarg;
		else if (c == 'p')
			j->password_file = optarg;
		else if (c == 'C')
			j->remote.ca_file = optarg;
		else
			return false;
	}
	if (argc - optind != 2)
		return false;
	j->mailbox = argv[optind];
	j->source = argv[optind + 1];
	return true;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 5092, 3: %40 is @. */
static bool
unquote(char *s)
{
	char *out = s;

	for (; *s != '\0'; s++) {
		if (*s == '%') {
			if (hex(s[1]) < 0 || hex(s[2]) < 0)
				return false;
			*out = (char)(hex(s[1]) << 4 | hex(s[2]));
			if (*out++ == '\0')
				return false;
			s += 2;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
	return true;
}

/* "user@host:port"; the last @ divides, so that a user may have one. */
static bool
split_url(struct job *j, char const *s)
{
	char *const user = strdup(s);
	char *const at = user != NULL ? strrchr(user, '@') : NULL;
	char *host, *colon;

	j->kind = REMOTE;
	if (at == NULL || at == user)
		return complain(j->source, "a user and a host are needed");
	*at = '\0';
	host = at + 1;
	host[strcspn(host, "/")] = '\0';
	j->remote.port = j->remote.implicit_tls ? "993" : "143";
	colon = *host == '[' ? strchr(host, ']') : host;
	colon = colon != NULL ? strchr(colon, ':') : NULL;
	if (colon != NULL) {
		*colon = '\0';
		j->remote.port = colon + 1;
	}
	if (*host == '[') {
		host++;
		host[strcspn(host, "]")] = '\0';
	}
	j->remote.user = user;
	j->remote.host = host;
	return (*host != '\0' && unquote(user)) ||
	       complain(j->source, "is no URL");
}

static bool
ask_password(struct job *j)
{
	int const fd = j->password_file == NULL ? -1
		       : strcmp(j->password_file, "-") == 0
			       ? 0
			       : open(j->password_file, O_RDONLY | O_CLOEXEC);
	size_t len;
	bool ok;

	if (fd < 0 && j->password_file != NULL)
		return complain(j->password_file, strerror(errno));
	ok = password_tell(j->password, &len, fd);
	if (fd > 0)
		close(fd);
	j->password[ok ? len : 0] = '\0';
	j->remote.password = j->password;
	return ok;
}

/* What is to be read is opened, but not looked into. */
static bool
open_source(struct job *j)
{
	struct stat st;
	char *path;

	if (strncmp(j->source, "imap://", 7) == 0)
		return split_url(j, j->source + 7) && ask_password(j);
	if (strncmp(j->source, "imaps://", 8) == 0) {
		j->remote.implicit_tls = true;
		return split_url(j, j->source + 8) && ask_password(j);
	}
	/* The mark is found again wherever it is run from. */
	path = realpath(j->source, NULL);
	if (path == NULL)
		return complain(j->source, strerror(errno));
	j->source = path;
	j->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (j->fd < 0 || fstat(j->fd, &st) < 0)
		return complain(path, strerror(errno));
	j->kind = S_ISDIR(st.st_mode) ? MAILDIR : MBOX;
	return true;
}

static bool
find_mailbox(struct job *j, char const *folder)
{
	struct values v = VALUES_ZERO;
	struct faults f = {0};
	char key[ADDR_KEY_MAX], path[512];
	enum addr_error error;
	struct addr a;
	size_t len;
	int fd;

	if (!addr_parse(j->mailbox, strlen(j->mailbox), ADDR_ALLOW_UTF8, &a,
		    &error) ||
		(len = addr_key(&a, key, sizeof key)) == 0)
		return complain(j->mailbox, "is no address");
	if (!values_read(&v, folder, &f) || f.count > 0)
		return false;
	(void)snprintf(
		path, sizeof path, "%s/tables", values_text(&v, "state"));
	(void)snprintf(j->imapd, sizeof j->imapd, "%s/imapd",
		values_text(&v, "libexec"));
	values_free(&v);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || !table_refresh(&j->users, fd, "users.cdb") ||
		!table_refresh(&j->settings, fd, "settings.cdb"))
		return complain(path, strerror(errno));
	close(fd);
	if (user_find(&j->users, key, len,
		    settings_number(
			    &j->settings, "mailbox-uid-min", UINT32_MAX),
		    settings_number(&j->settings, "mailbox-uid-max", 0),
		    &j->uid, &j->home) <= 0)
		return complain(j->mailbox, "is no mailbox here");
	return true;
}

static bool
run(struct job *j)
{
	char const *const argv[] = {j->imapd, "-m", j->mailbox, ".", NULL};
	static struct import m;
	bool ok = false;

	if (!import_start(&m, argv, j->source))
		return false;
	switch (j->kind) {
	case MBOX:
		import_confine(-1);
		ok = import_mbox(&m, j->fd, j->folder);
		break;
	case MAILDIR:
		ok = import_maildir(&m, j->source);
		break;
	case REMOTE:
		ok = import_remote(&m, &j->remote);
		break;
	}
	ok = import_finish(&m) && ok;
	fprintf(stderr, "%s: %lu message%s brought%s\n", j->mailbox, m.brought,
		m.brought == 1 ? "" : "s",
		ok ? "" : "; the next run goes on from there");
	return ok;
}

/* In the child: from here on it is the mailbox's. */
static int
become(struct job *j, pid_t parent)
{
	(void)umask(077);
	if ((geteuid() != j->uid && !privilege_drop(j->uid, j->uid)) ||
		chdir(j->home) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) < 0) {
		(void)complain(j->home, strerror(errno));
		return COMMAND_TEMPORARY;
	}
	if (getppid() != parent)
		return COMMAND_TEMPORARY;
	/* The other mailboxes are none of its business. */
	table_close(&j->users);
	return run(j) ? COMMAND_OK : COMMAND_TEMPORARY;
}

int
command_import(
	struct command_context const *x, int argc, char const *const *argv)
{
	static struct job j = {.fd = -1};
	char name[BOXNAME_MAX + 1];
	pid_t const parent = getpid();
	int status = 0;
	pid_t pid;

	if (!options(&j, argc, argv)) {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	if (!boxname_check(j.folder, strlen(j.folder), name) ||
		strpbrk(name, "\"\\") != NULL) {
		(void)complain(j.folder, "is no name of a folder");
		return COMMAND_PERMANENT;
	}
	j.folder = name;
	if (!find_mailbox(&j, x->folder) || !open_source(&j))
		return COMMAND_PERMANENT;
	pid = fork();
	if (pid == 0)
		_exit(become(&j, parent));
	sodium_memzero(j.password, sizeof j.password);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		(void)complain("fork", strerror(errno));
		return COMMAND_TEMPORARY;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : COMMAND_TEMPORARY;
}
