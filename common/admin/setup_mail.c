/* The steps of `kereru setup` that are about mail: domains, keys, a mailbox. */
#include <stdio.h>
#include <string.h>
#include "common/admin/command.h"
#include "common/admin/config.h"
#include "common/admin/dkim_keys.h"
#include "common/admin/domain.h"
#include "common/admin/setup.h"
#include "common/admin/user.h"

bool
setup_has_user(char const *folder, char const *key)
{
	struct config c = {.folder = folder};
	struct faults f = {.is_quiet = true, .is_silent = true};
	bool found = config_read(&c, folder, &f) &&
		     config_user(&c, key, strlen(key)) != NULL;

	config_free(&c);
	return found;
}

static bool
is_local(struct config const *c, char const *domain)
{
	struct config_domain const *d =
		config_domain(c, domain, strlen(domain));

	return d != NULL && !d->is_backup;
}

bool
setup_mailbox_fits(struct setup const *s)
{
	struct config c = {.folder = s->folder};
	struct faults f = {.is_quiet = true, .is_silent = true};
	char const *at = strrchr(s->mailbox, '@');
	bool fits = at == NULL || strcmp(at + 1, s->domain) == 0 ||
		    strcasecmp(at + 1, s->hostname) == 0;

	/* What can't be read has no such domain. */
	if (!fits && config_read(&c, s->folder, &f))
		fits = is_local(&c, at + 1);
	config_free(&c);
	if (!fits)
		fprintf(stderr,
			"kereru: %s is not local here: say it with --domain\n",
			at + 1);
	return fits;
}

int
setup_domains(struct setup const *s)
{
	struct config c = {.folder = s->folder};
	struct faults f = {.is_quiet = true, .is_silent = true};
	bool has_domain;

	if (!config_read(&c, s->folder, &f) && !s->is_dry) {
		config_free(&c);
		return COMMAND_TEMPORARY;
	}
	has_domain = *s->domain == '\0' || is_local(&c, s->domain);
	config_free(&c);
	if (has_domain || !setup_doing(s, "take mail for %s", s->domain))
		return COMMAND_OK;
	return domain_add(s->folder, s->domain, false);
}

static int
make_keys(struct setup const *s, char const *domain)
{
	/* A name that is not ASCII gets none: DKIM knows A-labels alone. */
	if (!addr_is_domain(domain, strlen(domain), 0) ||
		!setup_doing(s, "make keys for DKIM (RSA and Ed25519) for %s",
			domain))
		return COMMAND_OK;
	return dkim_keys_make_both(s->folder, domain);
}

int
setup_keys(struct setup const *s)
{
	struct config c = {.folder = s->folder};
	struct faults f = {.is_quiet = true, .is_silent = s->is_dry};
	int code = COMMAND_OK;
	bool is_read = config_read(&c, s->folder, &f);

	if (s->no_dkim) {
		config_free(&c);
		return COMMAND_OK;
	}
	if (!s->is_dry && (!is_read || f.count > 0))
		code = COMMAND_PERMANENT;
	for (size_t i = 0; code == COMMAND_OK && i < c.domains.count; i++) {
		struct config_domain const *d = &c.domains.list[i];
		if (!d->is_backup && !dkim_keys_has(&c, d->name.s))
			code = make_keys(s, d->name.s);
	}
	/* Those that a dry run has not written. */
	if (s->is_dry && !is_local(&c, s->hostname))
		code = make_keys(s, s->hostname);
	if (s->is_dry && *s->domain != '\0' && !is_local(&c, s->domain) &&
		strcasecmp(s->domain, s->hostname) != 0)
		code = make_keys(s, s->domain);
	config_free(&c);
	return code;
}

int
setup_mailbox(struct setup const *s)
{
	if (*s->mailbox == '\0' || setup_has_user(s->folder, s->mailbox) ||
		!setup_doing(s, "add the mailbox %s", s->mailbox) ||
		!s->has_password)
		return COMMAND_OK;
	return user_add(s->folder, s->mailbox, s->password, s->password_len);
}
