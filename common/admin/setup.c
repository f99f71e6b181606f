/* A host made, or completed: accounts, folders, files, services. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/admin/command.h"
#include "common/admin/compile.h"
#include "common/admin/config.h"
#include "common/admin/defaults.h"
#include "common/admin/edit.h"
#include "common/admin/folder.h"
#include "common/admin/layout.h"
#include "common/admin/selfsigned.h"
#include "common/admin/service.h"
#include "common/admin/user.h"
#include "common/admin/values.h"

#define DEMO_STATE "/var/lib/kereru-demo"
#define DEMO_HOST "kereru.test"
#define DEMO_PASSWORD "kereru"

struct setup {
	char const *folder, *hostname, *state;
	bool is_demo;
	char libexec[512], share[512], sendmail[512]; /* of this program */
};

/* What was installed with this program stands below the same prefix. */
static void
find_programs(struct setup *s)
{
	char path[400];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
	char *slash;

	path[len > 0 ? len : 0] = '\0';
	for (int i = 0; i < 2; i++)
		if ((slash = strrchr(path, '/')) != NULL)
			*slash = '\0';
	snprintf(s->libexec, sizeof s->libexec, "%s/libexec/kereru", path);
	snprintf(s->share, sizeof s->share, "%s/share/kereru", path);
	snprintf(s->sendmail, sizeof s->sendmail, "%s/sbin/sendmail", path);
	if (access(s->libexec, F_OK) < 0)
		*s->libexec = '\0';
}

/* Files that a person has written are left alone. */
static bool
write_defaults(struct setup const *s)
{
	struct publish p;
	bool ok =
		folder_make(s->folder, 0, 0, 0755) && edit_begin(&p, s->folder);

	if (!ok)
		return false;
	for (size_t i = 0; ok && defaults_name(i) != NULL; i++) {
		char const *name = defaults_name(i);
		char *text;
		if (faccessat(p.folder_fd, name, F_OK, 0) == 0)
			continue;
		text = defaults_text(
			i, s->hostname, s->state, s->libexec, s->is_demo);
		ok = text != NULL &&
		     edit_file(&p, name, NULL, text, defaults_mode(i));
		free(text);
	}
	ok = ok && edit_commit(&p);
	edit_end(&p);
	return ok;
}

static bool
make_accounts(struct values const *v)
{
	for (size_t i = 0; i < setting_count; i++) {
		char const *name = v->normal[i].s;
		struct account a;
		gid_t gid;
		bool ok = true;
		if (setting_table[i].type == SETTING_ACCOUNT &&
			account_find(name, &a) == 0)
			ok = account_create(name);
		if (setting_table[i].type == SETTING_GROUP &&
			account_find_group(name, &gid) == 0)
			ok = account_create_group(name);
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

static bool
make_folders(struct values const *v)
{
	char path[512];
	uid_t uid;
	gid_t gid;

	for (size_t i = 0; i < layout_count; i++) {
		struct layout const *l = &layout_table[i];
		if (l->kind != LAYOUT_FOLDER && l->kind != LAYOUT_FILE)
			continue;
		if (!layout_owner(l, v, &uid, &gid))
			return false;
		snprintf(path, sizeof path, "%s%s%s", values_text(v, "state"),
			*l->path != '\0' ? "/" : "", l->path);
		if (!(l->kind == LAYOUT_FOLDER
				    ? folder_make(path, uid, gid, l->mode)
				    : make_file(path, uid, gid, l->mode)))
			return false;
	}
	return true;
}

/* Only if nobody has said where others are. */
static bool
make_certificates(struct setup const *s, struct values const *v)
{
	char path[512];

	if (values_line(v, "tls-certificates") > 0)
		return true;
	snprintf(path, sizeof path, "%s/tls", s->folder);
	return folder_make(path, 0, 0, 0755) &&
	       selfsigned_make(path, values_text(v, "hostname"));
}

/* sendmail may add to the queue, by its group; see sendmail(8). */
static bool
give_sendmail(struct setup const *s, struct values const *v)
{
	gid_t drop;

	if (access(s->sendmail, F_OK) < 0)
		return true;
	if (values_group_drop(v, &drop) && chown(s->sendmail, 0, drop) == 0 &&
		chmod(s->sendmail, 02755) == 0)
		return true;
	fprintf(stderr, "kereru: %s: %s\n", s->sendmail, strerror(errno));
	return false;
}

static bool
has_user(char const *folder, char const *key)
{
	struct config c = {.folder = folder};
	struct faults f = {.is_quiet = true};
	bool found = config_read(&c, folder, &f) &&
		     config_user(&c, key, strlen(key)) != NULL;

	config_free(&c);
	return found;
}

static int
add_demo_users(struct setup const *s)
{
	static char const *const users[] = {
		"alice@" DEMO_HOST, "bob@" DEMO_HOST};

	for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
		int code =
			has_user(s->folder, users[i])
				? COMMAND_OK
				: user_add(s->folder, users[i], DEMO_PASSWORD,
					  strlen(DEMO_PASSWORD));
		if (code != COMMAND_OK)
			return code;
	}
	return COMMAND_OK;
}

/* With the settings known. */
static int
complete(struct setup const *s, struct values const *v)
{
	int code = COMMAND_OK;

	if (strcasecmp(values_text(v, "hostname"), s->hostname) != 0) {
		fprintf(stderr,
			"%s:%u: hostname is %s, not %s: change it there\n",
			v->text.path, values_line(v, "hostname"),
			values_text(v, "hostname"), s->hostname);
		return COMMAND_PERMANENT;
	}
	if (!make_accounts(v) || !make_folders(v) || !make_certificates(s, v) ||
		!give_sendmail(s, v))
		return COMMAND_TEMPORARY;
	if (s->is_demo)
		code = add_demo_users(s);
	if (code == COMMAND_OK)
		code = compile_tables(s->folder);
	if (code != COMMAND_OK)
		return code;
	if (access(s->share, F_OK) < 0) {
		fprintf(stderr,
			"kereru: %s is not there, so no services were "
			"made (make install)\n",
			s->share);
		return COMMAND_OK;
	}
	return service_install(v, s->share) ? COMMAND_OK : COMMAND_TEMPORARY;
}

static int
set_up(struct setup const *s)
{
	struct values v = VALUES_ZERO;
	struct faults f = {0};
	int code = COMMAND_PERMANENT;

	if (geteuid() != 0) {
		fprintf(stderr, "kereru: setup has to be run by root\n");
		return COMMAND_PERMANENT;
	}
	if (!write_defaults(s))
		return COMMAND_TEMPORARY;
	if (values_read(&v, s->folder, &f) && f.count == 0)
		code = complete(s, &v);
	if (code == COMMAND_OK && !s->is_demo)
		printf("%s is set up. Next: kereru%s%s user add ADDRESS, then "
		       "run s6-svscan %s/scan\n",
			s->hostname,
			strcmp(s->folder, COMMAND_FOLDER) == 0 ? "" : " -c ",
			strcmp(s->folder, COMMAND_FOLDER) == 0 ? "" : s->folder,
			values_text(&v, "state"));
	values_free(&v);
	return code;
}

int
command_setup(
	struct command_context const *x, int argc, char const *const *argv)
{
	struct setup s = {.folder = x->folder};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--demo") == 0) {
			s.is_demo = true;
		} else if (strcmp(argv[i], "--state") == 0 && i + 1 < argc) {
			s.state = argv[++i];
		} else if (*argv[i] != '-' && s.hostname == NULL) {
			s.hostname = argv[i];
		} else {
			s.hostname = NULL;
			s.is_demo = false;
			break;
		}
	}
	if (s.is_demo) {
		s.hostname = DEMO_HOST;
		if (s.state == NULL)
			s.state = DEMO_STATE;
		if (!x->folder_was_given)
			s.folder = DEMO_STATE "/etc";
	}
	if (s.hostname == NULL) {
		fprintf(stderr,
			"usage: kereru [-c DIR] setup HOSTNAME [--state DIR]\n"
			"       kereru setup --demo\n");
		return COMMAND_PERMANENT;
	}
	find_programs(&s);
	return set_up(&s);
}
