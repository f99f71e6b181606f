/* A host made, or completed: accounts, folders, files, keys, services. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/admin/command.h"
#include "common/admin/compile.h"
#include "common/admin/config.h"
#include "common/admin/edit.h"
#include "common/admin/records_print.h"
#include "common/admin/setup.h"
#include "common/admin/user.h"

#define DEMO_STATE "/var/lib/kereru-demo"
#define DEMO_HOST "kereru.test"
#define DEMO_PASSWORD "kereru"

static char const usage[] =
	"usage: kereru [-c DIR] setup HOSTNAME [--domain DOMAIN]\n"
	"                             [--mailbox ADDRESS] [--password-stdin]\n"
	"                             [--address ADDRESS]... [--no-dkim]\n"
	"                             [--state DIR] [--dry-run]\n"
	"       kereru setup --demo\n";

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

static int
add_demo_users(struct setup const *s)
{
	static char const *const users[] = {
		"alice@" DEMO_HOST, "bob@" DEMO_HOST};

	for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
		int code =
			setup_has_user(s->folder, users[i])
				? COMMAND_OK
				: user_add(s->folder, users[i], DEMO_PASSWORD,
					  strlen(DEMO_PASSWORD));
		if (code != COMMAND_OK)
			return code;
	}
	return COMMAND_OK;
}

/* What was said on the command line and stands otherwise in the settings. */
static bool
contradicts(struct setup const *s, struct values const *v)
{
	char const *key = "public-addresses";
	stralloc said = STRALLOC_ZERO, normal = STRALLOC_ZERO;
	char const *why;
	bool ok = true;

	if (strcasecmp(values_text(v, "hostname"), s->hostname) != 0) {
		fprintf(stderr,
			"%s:%u: hostname is %s, not %s: change it there\n",
			v->text.path, values_line(v, "hostname"),
			values_text(v, "hostname"), s->hostname);
		return true;
	}
	for (size_t i = 0; ok && i < s->address_count; i++)
		ok = stralloc_cats(&said, s->addresses[i]) &&
		     stralloc_append(&said, ' ');
	if (said.len > 0)
		said.len--;
	ok = ok && stralloc_append(&said, '\0') &&
	     setting_normal(setting_find(key), said.s, &normal, &why);
	if (ok && s->address_count > 0 &&
		strcmp(normal.s, values_text(v, key)) != 0) {
		fprintf(stderr, "%s:%u: %s is \"%s\": change it there\n",
			v->text.path, values_line(v, key), key,
			values_text(v, key));
		ok = false;
	}
	stralloc_free(&said);
	stralloc_free(&normal);
	return !ok;
}

static int
make_services(struct setup const *s, struct values const *v)
{
	if (access(s->share, F_OK) < 0) {
		fprintf(stderr,
			"kereru: %s is not there, so no services were "
			"made (make install)\n",
			s->share);
		return COMMAND_OK;
	}
	return setup_services(s, v) ? COMMAND_OK : COMMAND_TEMPORARY;
}

/* With the settings known. */
static int
complete(struct setup const *s, struct values const *v)
{
	int code;

	if (!setup_accounts(s, v) || !setup_folders(s, v) ||
		!setup_certificates(s, v) || !setup_sendmail(s, v))
		return COMMAND_TEMPORARY;
	if (s->is_demo)
		code = add_demo_users(s);
	else if ((code = setup_domains(s)) == COMMAND_OK &&
		 (code = setup_keys(s)) == COMMAND_OK)
		code = setup_mailbox(s);
	if (code == COMMAND_OK && !s->is_dry)
		code = compile_tables(s->folder);
	return code == COMMAND_OK ? make_services(s, v) : code;
}

static int
tell_next(struct setup const *s, struct values const *v)
{
	bool is_default = strcmp(s->folder, COMMAND_FOLDER) == 0;
	int code;

	if (s->is_dry) {
		puts("; nothing was changed; what has to be published in the "
		     "DNS is printed when there are keys");
		return COMMAND_OK;
	}
	printf("; %s is set up. What has to be published in the DNS:\n;\n",
		s->hostname);
	code = records_show(stdout, s->folder, NULL, false);
	printf("\n; `kereru%s%s records` prints this again. Next: %srun "
	       "s6-svscan %s/scan\n",
		is_default ? "" : " -c ", is_default ? "" : s->folder,
		*s->mailbox != '\0' ? "" : "kereru user add ADDRESS; then ",
		values_text(v, "state"));
	return code;
}

static int
set_up(struct setup const *s)
{
	struct values v = VALUES_ZERO;
	int code;

	if (!setup_files(s))
		return COMMAND_TEMPORARY;
	code = setup_values(s, &v);
	if (code == COMMAND_OK)
		code = complete(s, &v);
	if (code == COMMAND_OK && !s->is_demo)
		code = tell_next(s, &v);
	values_free(&v);
	return code;
}

/* NULL: it takes none, or there is none. */
static char const *
value_of(char const *option, int argc, char const *const *argv, int *i)
{
	if (strcmp(argv[*i], option) != 0 || *i + 1 >= argc)
		return NULL;
	return argv[++*i];
}

static bool
read_options(struct setup *s, int argc, char const *const *argv,
	char const **domain_r, char const **mailbox_r)
{
	for (int i = 1; i < argc; i++) {
		char const *value;
		if (strcmp(argv[i], "--demo") == 0)
			s->is_demo = true;
		else if (strcmp(argv[i], "--dry-run") == 0)
			s->is_dry = true;
		else if (strcmp(argv[i], "--no-dkim") == 0)
			s->no_dkim = true;
		else if (strcmp(argv[i], "--password-stdin") == 0)
			s->password_from_stdin = true;
		else if ((value = value_of("--state", argc, argv, &i)))
			s->state = value;
		else if ((value = value_of("--domain", argc, argv, &i)))
			*domain_r = value;
		else if ((value = value_of("--mailbox", argc, argv, &i)))
			*mailbox_r = value;
		else if (s->address_count < SETUP_ADDRESSES_MAX &&
			 (value = value_of("--address", argc, argv, &i)))
			s->addresses[s->address_count++] = value;
		else if (*argv[i] != '-' && s->hostname == NULL)
			s->hostname = argv[i];
		else
			return false;
	}
	return s->is_demo ? s->hostname == NULL && *domain_r == NULL &&
				    *mailbox_r == NULL && !s->is_dry
			  : s->hostname != NULL;
}

static bool
take_domain(char const *name, char out[ADDR_DOMAIN_MAX + 1])
{
	size_t len = strlen(name);

	if (len > 1 && name[len - 1] == '.')
		len--;
	if (len > ADDR_DOMAIN_MAX ||
		!addr_is_domain(name, len, ADDR_ALLOW_UTF8) || *name == '[') {
		fprintf(stderr, "kereru: %s is no domain\n", name);
		return false;
	}
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32
								 : name[i]);
	out[len] = '\0';
	return true;
}

/* A name alone is one of the domain, or of the host. */
static bool
take_mailbox(struct setup *s, char const *mailbox)
{
	char full[2 * ADDR_DOMAIN_MAX + 100];

	snprintf(full, sizeof full, "%s%s%s", mailbox,
		strchr(mailbox, '@') != NULL ? "" : "@",
		strchr(mailbox, '@') != NULL ? ""
		: *s->domain != '\0'	     ? s->domain
					     : s->hostname);
	return edit_address(full, s->mailbox, sizeof s->mailbox);
}

/* That a wrong name is told before anything is made of it. */
static bool
check_words(struct setup *s, char const *domain, char const *mailbox)
{
	char name[ADDR_DOMAIN_MAX + 1];
	char const *why;
	stralloc sa = STRALLOC_ZERO;
	bool ok = take_domain(s->hostname, name) &&
		  (domain == NULL || take_domain(domain, s->domain)) &&
		  (mailbox == NULL || take_mailbox(s, mailbox));

	for (size_t i = 0; ok && i < s->address_count; i++) {
		sa.len = 0;
		ok = setting_normal(setting_find("public-addresses"),
			     s->addresses[i], &sa, &why) &&
		     sa.len > 1 && strchr(sa.s, ' ') == NULL;
		if (!ok)
			fprintf(stderr, "kereru: %s is no address\n",
				s->addresses[i]);
	}
	stralloc_free(&sa);
	return ok;
}

/* Nothing is made, and nobody is asked, for what can't be. */
static int
look_first(struct setup const *s)
{
	struct values v = VALUES_ZERO;
	char path[700];
	int code = COMMAND_OK;

	snprintf(path, sizeof path, "%s/settings", s->folder);
	if (access(path, F_OK) == 0) {
		code = setup_values(s, &v);
		if (code == COMMAND_OK && contradicts(s, &v))
			code = COMMAND_PERMANENT;
		values_free(&v);
	}
	return code == COMMAND_OK && !setup_mailbox_fits(s) ? COMMAND_PERMANENT
							    : code;
}

static bool
ask_password(struct setup *s)
{
	if (*s->mailbox == '\0' || s->is_dry ||
		setup_has_user(s->folder, s->mailbox))
		return true;
	fprintf(stderr, "Password of %s\n", s->mailbox);
	s->has_password = password_ask(s->password, &s->password_len,
		s->password_from_stdin || !isatty(0));
	return s->has_password;
}

int
command_setup(
	struct command_context const *x, int argc, char const *const *argv)
{
	struct setup s = {.folder = x->folder};
	char const *domain = NULL, *mailbox = NULL;
	int code;

	if (!read_options(&s, argc, argv, &domain, &mailbox)) {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	if (s.is_demo) {
		s.hostname = DEMO_HOST;
		if (s.state == NULL)
			s.state = DEMO_STATE;
		if (!x->folder_was_given)
			s.folder = DEMO_STATE "/etc";
	}
	find_programs(&s);
	if (!check_words(&s, domain, mailbox))
		return COMMAND_PERMANENT;
	if (geteuid() != 0) {
		fprintf(stderr, "kereru: setup has to be run by root\n");
		return COMMAND_PERMANENT;
	}
	code = look_first(&s);
	if (code == COMMAND_OK)
		code = ask_password(&s) ? set_up(&s) : COMMAND_PERMANENT;
	sodium_memzero(s.password, sizeof s.password);
	return code == COMMAND_OK && fflush(stdout) != 0 ? COMMAND_TEMPORARY
							 : code;
}
