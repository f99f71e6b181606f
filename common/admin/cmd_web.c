/* `kereru web`: what belongs on the web server of each domain. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/asciiname.h"
#include "common/admin/command.h"
#include "common/admin/records.h"
#include "common/admin/webconfig.h"
#include "common/admin/webfile.h"
#include "common/admin/wkd.h"

static char const usage[] =
	"usage: kereru [-c DIR] web [--keys FILE] FOLDER [DOMAIN]\n"
	"  Writes FOLDER/DOMAIN for each domain, and FOLDER/README. FILE has\n"
	"  OpenPGP public keys as `gpg --export` writes them.\n";

static char const readme[] =
	"DOMAIN is the root of https://DOMAIN and of "
	"https://autoconfig.DOMAIN, autodiscover.DOMAIN, mta-sts.DOMAIN and "
	"openpgpkey.DOMAIN (or copy its files there).\n"
	"mta-sts and autodiscover need a certificate of their names; "
	"autodiscover/autodiscover.xml must be given out for POST as for GET "
	"(nginx: error_page 405 =200 $uri).\n"
	"mail.mobileconfig is a link for people with Apple's devices, type "
	"application/x-apple-aspen-config. After a change of settings, names "
	"or keys: kereru web again.\n";

struct web {
	struct config config;
	struct wkd wkd;
	bool has_keys;
};

static bool
write_below(
	int domain_fd, char const *folder, char const *name, stralloc const *sa)
{
	int fd = webfile_folder(domain_fd, folder);
	bool ok = fd >= 0 && webfile_write(fd, name, sa->s, sa->len);

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
write_configs(struct config const *c, int fd, char const *domain)
{
	static struct {
		bool (*make)(struct config const *, char const *, stralloc *);
		char const *folder, *name;
	} const files[] = {
		{webconfig_thunderbird, "mail", "config-v1.1.xml"},
		{webconfig_thunderbird, ".well-known/autoconfig/mail",
			"config-v1.1.xml"},
		{webconfig_outlook, "autodiscover", "autodiscover.xml"},
		{webconfig_apple, "", "mail.mobileconfig"},
	};
	stralloc sa = STRALLOC_ZERO;
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof files / sizeof *files; i++) {
		sa.len = 0;
		ok = files[i].make(c, domain, &sa) &&
		     write_below(fd, files[i].folder, files[i].name, &sa);
	}
	stralloc_free(&sa);
	return ok;
}

/* Without TLS there is nothing to demand. */
static bool
write_policy(struct config const *c, int fd)
{
	stralloc sa = STRALLOC_ZERO;
	char id[RECORDS_STS_ID_SIZE];
	bool ok = *values_text(&c->values, "tls-certificates") == '\0' ||
		  (records_sts_policy(c, &sa, id) &&
			  write_below(fd, ".well-known", "mta-sts.txt", &sa));

	stralloc_free(&sa);
	return ok;
}

/* Where a domain's own name answers, and where openpgpkey.DOMAIN does. */
static bool
write_keys(struct web const *w, int fd, struct config_domain const *d,
	char const *domain)
{
	int direct = webfile_folder(fd, ".well-known/openpgpkey");
	int own = direct >= 0 ? webfile_folder(direct, domain) : -1;
	bool ok = own >= 0 && wkd_publish(&w->wkd, direct, d->name.s) &&
		  wkd_publish(&w->wkd, own, d->name.s);

	if (own >= 0)
		close(own);
	if (direct >= 0)
		close(direct);
	return ok;
}

static bool
write_domain(struct web const *w, int root, struct config_domain const *d)
{
	char domain[DNS_NAME_SIZE];
	int fd;
	bool ok;

	if (!asciiname(d->name.s, d->name.len, domain) || *domain == '.')
		return true;
	fd = webfile_folder(root, domain);
	ok = fd >= 0 && write_configs(&w->config, fd, domain) &&
	     write_policy(&w->config, fd) &&
	     (!w->has_keys || write_keys(w, fd, d, domain));
	if (fd >= 0)
		close(fd);
	return ok;
}

static int
write_all(struct web const *w, char const *folder, char const *only)
{
	struct config const *c = &w->config;
	int root = webfile_root(folder);
	bool ok = root >= 0 &&
		  webfile_write(root, "README", readme, sizeof readme - 1);

	for (size_t i = 0; ok && i < c->domains.count; i++) {
		struct config_domain const *d = &c->domains.list[i];
		if (only != NULL ? strcasecmp(only, d->name.s) == 0
				 : !d->is_backup &&
					   !records_is_for_bounces(c, d))
			ok = write_domain(w, root, d);
	}
	if (!ok)
		fprintf(stderr, "kereru: cannot write below %s: %s\n", folder,
			strerror(errno));
	if (root >= 0)
		close(root);
	return ok ? COMMAND_OK : COMMAND_TEMPORARY;
}

static int
read_keys(struct web *w, char const *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && wkd_read(&w->wkd, fd);

	if (!ok)
		fprintf(stderr, "kereru: %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	w->has_keys = ok;
	return ok ? wkd_find(&w->wkd, &w->config) : COMMAND_TEMPORARY;
}

static bool
is_local(struct config const *c, char const *domain)
{
	for (size_t i = 0; i < c->domains.count; i++)
		if (strcasecmp(domain, c->domains.list[i].name.s) == 0 &&
			!c->domains.list[i].is_backup)
			return true;
	fprintf(stderr, "kereru: %s is no local domain here\n", domain);
	return false;
}

int
command_web(struct command_context const *x, int argc, char const *const *argv)
{
	struct web w = {.config = {.folder = x->folder}};
	struct faults f = {.is_quiet = true};
	char const *keys = NULL, *folder, *only;
	int i = 1, code = COMMAND_PERMANENT;

	if (i + 1 < argc && strcmp(argv[i], "--keys") == 0) {
		keys = argv[i + 1];
		i += 2;
	}
	if (argc - i < 1 || argc - i > 2 || *argv[i] == '-') {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	folder = argv[i];
	only = argv[i + 1];
	if (config_read(&w.config, x->folder, &f) && f.count == 0 &&
		(only == NULL || is_local(&w.config, only)))
		code = keys != NULL ? read_keys(&w, keys) : COMMAND_OK;
	if (code == COMMAND_OK)
		code = write_all(&w, folder, only);
	wkd_free(&w.wkd);
	config_free(&w.config);
	return code;
}
