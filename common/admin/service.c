/* The s6 scan directory of a host. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include "common/admin/folder.h"
#include "common/admin/publish.h"
#include "common/admin/service.h"
#include "common/admin/text.h"

/* Those without an account begin as root. */
static struct service {
	char const *name, *account;
} const services[] = {{"auth", "auth"}, {"check", "check"},
	{"policy", "policy"}, {"sts", "sts"}, {"gather", NULL}, {"smtp", NULL},
	{"submit", NULL}, {"pop3", NULL}, {"imap", NULL}, {"sieve", NULL},
	{"queue", NULL}};

static struct {
	char const *folder, *name;
	mode_t mode;
} const files[] = {
	{"", "run", 0755},
	{"", "finish", 0755},
	{"", "notification-fd", 0644},
	{"", "timeout-kill", 0644},
	{"/log", "run", 0755},
	{"/log", "notification-fd", 0644},
};

static bool
write_file(struct publish *p, char const *name, char const *s, size_t len,
	mode_t mode)
{
	int fd = publish_open(p, name);

	if (fd < 0)
		return false;
	if (allwrite(fd, s, len) < len) {
		close(fd);
		return false;
	}
	return publish_close(fd, 0, 0, mode);
}

/* All files of one folder (`` or `/log`) of one service. */
static bool
copy_folder(
	char const *from, char const *to, char const *folder, char const *env)
{
	char source[512], target[512];
	struct publish p;
	bool ok;

	snprintf(source, sizeof source, "%s%s", from, folder);
	snprintf(target, sizeof target, "%s%s", to, folder);
	ok = folder_make(target, 0, 0, 0755) && publish_begin(&p, target);
	if (!ok)
		return false;
	for (size_t i = 0; ok && i < sizeof files / sizeof *files; i++) {
		struct text t;
		if (strcmp(files[i].folder, folder) != 0)
			continue;
		ok = text_read(&t, source, files[i].name) && t.exists &&
		     write_file(&p, files[i].name, t.s, t.len, files[i].mode);
		if (!ok)
			fprintf(stderr, "kereru: cannot copy %s to %s: %s\n",
				t.path != NULL ? t.path : source, target,
				strerror(errno));
		text_free(&t);
	}
	if (ok && env != NULL)
		ok = write_file(&p, "env", env, strlen(env), 0644);
	ok = ok && publish_commit(&p);
	publish_end(&p);
	return ok;
}

/* Settings allow no character in a path that a shell would take for another. */
static char *
environment(struct values const *v, struct service const *service,
	struct account const *log)
{
	char const *state = values_text(v, "state");
	struct account own = {0};
	char *text;

	if (service->account != NULL &&
		!values_account(v, service->account, &own))
		return NULL;
	return asprintf(&text,
		       "# Made by `kereru setup`; read by run and log/run.\n"
		       "LIBEXEC='%s'\n"
		       "TABLES='%s/tables'\n"
		       "LOG='%s/log/%s'\n"
		       "LOG_UID=%u\n"
		       "LOG_GID=%u\n"
		       "OWN_UID=%u\n"
		       "OWN_GID=%u\n",
		       values_text(v, "libexec"), state, state, service->name,
		       (unsigned)log->uid, (unsigned)log->gid,
		       (unsigned)own.uid, (unsigned)own.gid) < 0
		       ? NULL
		       : text;
}

static bool
install_one(struct values const *v, char const *share,
	struct service const *service, struct account const *log)
{
	char *env = environment(v, service, log), *from = NULL, *to = NULL;
	char path[512];
	bool ok;

	if (asprintf(&from, "%s/service/%s", share, service->name) < 0)
		from = NULL;
	if (asprintf(&to, "%s/scan/%s", values_text(v, "state"),
		    service->name) < 0)
		to = NULL;
	ok = env != NULL && from != NULL && to != NULL;
	if (ok) {
		snprintf(path, sizeof path, "%s/log/%s",
			values_text(v, "state"), service->name);
		ok = folder_make(path, log->uid, log->gid, 0700) &&
		     copy_folder(from, to, "/log", NULL) &&
		     copy_folder(from, to, "", env);
	}
	free(env);
	free(from);
	free(to);
	return ok;
}

bool
service_install(struct values const *v, char const *share)
{
	struct account log;

	if (!values_account(v, "log", &log))
		return false;
	for (size_t i = 0; i < sizeof services / sizeof *services; i++)
		if (!install_one(v, share, &services[i], &log))
			return false;
	return true;
}

char const *
service_name(size_t i)
{
	return i < sizeof services / sizeof *services ? services[i].name : NULL;
}
