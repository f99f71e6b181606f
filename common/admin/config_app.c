/* The passwords of programs: `ADDRESS NAME SERVICES SELECTOR HASH`. */
#include <string.h>
#include "common/admin/config.h"
#include "common/admin/password.h"
#include "common/apppass.h"

static bool
is_selector(char const *s, size_t len)
{
	return len == APPPASS_SELECTOR_LEN &&
	       strspn(s, APPPASS_ALPHABET) == len;
}

static void
check_twice(
	struct config const *c, struct faults *f, struct config_app const *new)
{
	for (size_t i = 0; i < c->apps.count; i++) {
		struct config_app const *a = &c->apps.list[i];

		if (strcmp(a->address, new->address) == 0 &&
			(strcmp(a->label, new->label) == 0 ||
				strcmp(a->selector, new->selector) == 0))
			fault(f, c->apps_text.path, new->line,
				"%s has %s on line %u already", new->address,
				new->label, a->line);
	}
}

bool
config_read_apps(struct config *c, struct faults *f)
{
	struct text *t = &c->apps_text;
	char *line, *field[5], *more;
	char services[APPPASS_SERVICES_SIZE];
	size_t len, field_len[5], more_len, at;

	while (config_line(t, f, &line, &len)) {
		struct config_app *a, new;
		size_t n = 0;

		while (n < 5 &&
			text_field(&line, &len, &field[n], &field_len[n]))
			n++;
		if (n < 5 || text_field(&line, &len, &more, &more_len) ||
			!apppass_is_name(field[1], field_len[1]) ||
			!apppass_services(field[2], services) ||
			strcmp(field[2], services) != 0 ||
			!is_selector(field[3], field_len[3]) ||
			!password_is_hash(field[4])) {
			fault(f, t->path, t->line,
				"this is no line that `kereru user "
				"app-password` makes");
			continue;
		}
		if (!config_address(t, f, field[0], &field_len[0], &at))
			continue;
		if (config_user(c, field[0], field_len[0]) == NULL)
			fault(f, t->path, t->line, "%s is no user (see %s)",
				field[0], c->users_text.path);
		new = (struct config_app){.address = field[0],
			.label = field[1],
			.services = field[2],
			.selector = field[3],
			.hash = field[4],
			.line = t->line};
		check_twice(c, f, &new);
		if ((a = CONFIG_ADD(&c->apps)) == NULL)
			return false;
		*a = new;
	}
	return true;
}
