/* The steps of `kereru setup`: files, accounts, folders, services. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/admin/command.h"
#include "common/admin/config.h"
#include "common/admin/defaults.h"
#include "common/admin/edit.h"
#include "common/admin/folder.h"
#include "common/admin/layout.h"
#include "common/admin/selfsigned.h"
#include "common/admin/service.h"
#include "common/admin/setup.h"

bool
setup_doing(struct setup const *s, char const *format, ...)
{
	va_list args;

	/* `make run` has words of its own. */
	if (!s->is_demo) {
		fputs("; ", stdout);
		va_start(args, format);
		vprintf(format, args);
		va_end(args);
		putchar('\n');
	}
	return !s->is_dry;
}

static char *
text_of(struct setup const *s, size_t i)
{
	struct defaults d = {.hostname = s->hostname,
		.domain = s->domain,
		.state = s->state,
		.libexec = s->libexec,
		.addresses = s->addresses,
		.address_count = s->address_count,
		.is_demo = s->is_demo};

	return defaults_text(i, &d);
}

static bool
is_there(char const *folder, char const *name)
{
	char path[700];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

/* Files that a person has written are left alone. */
bool
setup_files(struct setup const *s)
{
	struct publish p = {.folder_fd = -1};
	bool ok = s->is_dry || (folder_make(s->folder, 0, 0, 0755) &&
				       edit_begin(&p, s->folder));

	for (size_t i = 0; ok && defaults_name(i) != NULL; i++) {
		char const *name = defaults_name(i);
		char *text;
		if (is_there(s->folder, name) ||
			!setup_doing(s, "write %s/%s", s->folder, name))
			continue;
		text = text_of(s, i);
		ok = text != NULL &&
		     edit_file(&p, name, NULL, text, defaults_mode(i));
		free(text);
	}
	if (s->is_dry)
		return true;
	ok = ok && edit_commit(&p);
	edit_end(&p);
	return ok;
}

int
setup_values(struct setup const *s, struct values *v)
{
	struct faults f = {0};
	char *text;
	bool ok;

	if (!s->is_dry || is_there(s->folder, "settings"))
		return values_read(v, s->folder, &f) && f.count == 0
			       ? COMMAND_OK
			       : COMMAND_PERMANENT;
	/* The settings are the first of the files. */
	text = text_of(s, 0);
	ok = text != NULL && values_of_text(v, text, strlen(text), &f);
	return ok && f.count == 0 ? COMMAND_OK : COMMAND_PERMANENT;
}

bool
setup_accounts(struct setup const *s, struct values const *v)
{
	for (size_t i = 0; i < setting_count; i++) {
		enum setting_type type = setting_table[i].type;
		char const *name = v->normal[i].s;
		struct account a;
		gid_t gid;
		bool ok = true;
		if (type == SETTING_ACCOUNT && account_find(name, &a) == 0)
			ok = !setup_doing(s, "make the account %s", name) ||
			     account_create(name);
		if (type == SETTING_GROUP &&
			account_find_group(name, &gid) == 0)
			ok = !setup_doing(s, "make the group %s", name) ||
			     account_create_group(name);
		if (!ok)
			return false;
	}
	return true;
}

/* Who has it open goes on with it: what is there is left alone. */
static bool
make_file(char const *path, uid_t uid, gid_t gid, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	bool ok = fd >= 0 ? fchown(fd, uid, gid) == 0 && fchmod(fd, mode) == 0
			  : errno == EEXIST;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Without its account, which a dry run does not make, it is not right. */
static bool
is_right(struct layout const *l, struct values const *v, char const *path)
{
	struct stat st;
	uid_t uid;
	gid_t gid;

	if (lstat(path, &st) < 0)
		return false;
	if (l->kind == LAYOUT_FILE)
		return true;
	return layout_owner(l, v, &uid, &gid) && S_ISDIR(st.st_mode) &&
	       st.st_uid == uid && st.st_gid == gid &&
	       (st.st_mode & 07777) == l->mode;
}

bool
setup_folders(struct setup const *s, struct values const *v)
{
	char path[600];
	uid_t uid;
	gid_t gid;

	for (size_t i = 0; i < layout_count; i++) {
		struct layout const *l = &layout_table[i];
		if (l->kind != LAYOUT_FOLDER && l->kind != LAYOUT_FILE)
			continue;
		snprintf(path, sizeof path, "%s%s%s", values_text(v, "state"),
			*l->path != '\0' ? "/" : "", l->path);
		if (!is_right(l, v, path))
			(void)setup_doing(s, "make %s, mode %04o", path,
				(unsigned)l->mode);
		if (s->is_dry)
			continue;
		if (!layout_owner(l, v, &uid, &gid) ||
			!(l->kind == LAYOUT_FOLDER
					? folder_make(path, uid, gid, l->mode)
					: make_file(path, uid, gid, l->mode)))
			return false;
	}
	return true;
}

bool
setup_certificates(struct setup const *s, struct values const *v)
{
	char path[600];

	if (values_line(v, "tls-certificates") > 0)
		return true;
	snprintf(path, sizeof path, "%s/tls", s->folder);
	if (is_there(path, "ca.pem") || is_there(path, "ec.pem") ||
		is_there(path, "rsa.pem"))
		return true;
	return !setup_doing(s,
		       "make certificates (EC and RSA) in %s, signed by "
		       "ca.pem there alone",
		       path) ||
	       (folder_make(path, 0, 0, 0755) &&
		       selfsigned_make(path, values_text(v, "hostname")));
}

bool
setup_sendmail(struct setup const *s, struct values const *v)
{
	struct stat st;
	gid_t drop = 0;
	bool has_group = values_group_drop(v, &drop);

	if (stat(s->sendmail, &st) < 0 ||
		(has_group && st.st_uid == 0 && st.st_gid == drop &&
			(st.st_mode & 07777) == 02755))
		return true;
	if (!setup_doing(s, "give %s the group %s", s->sendmail,
		    values_text(v, "group-drop")))
		return true;
	if (has_group && chown(s->sendmail, 0, drop) == 0 &&
		chmod(s->sendmail, 02755) == 0)
		return true;
	fprintf(stderr, "kereru: %s: %s\n", s->sendmail, strerror(errno));
	return false;
}

bool
setup_services(struct setup const *s, struct values const *v)
{
	char path[600];

	/* Their files are replaced each time; they are told of once. */
	snprintf(path, sizeof path, "%s/scan", values_text(v, "state"));
	if (!is_there(path, "smtp/run"))
		(void)setup_doing(s, "make the services in %s", path);
	return s->is_dry || service_install(v, s->share);
}
