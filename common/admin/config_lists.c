/* Which mailboxes are mailing lists. */
#include <stdio.h>
#include <string.h>
#include "common/addr.h"
#include "common/admin/config.h"
#include "local/list/listrole.h"

size_t
config_list_address(char const *list, size_t i, char *out, size_t max)
{
	char const *const at = strrchr(list, '@');
	int const n =
		at != NULL
			? snprintf(out, max, "%.*s%s%s", (int)(at - list), list,
				  listrole_suffix((enum listrole)i), at)
			: 0;

	return n > 0 && (size_t)n < max ? (size_t)n : 0;
}

/* The further addresses must be nobody's. */
static void
check_addresses(struct config const *c, struct faults *f, char const *list)
{
	char key[ADDR_KEY_MAX];

	for (size_t i = 1; i <= CONFIG_LIST_ADDRESSES; i++) {
		size_t const len =
			config_list_address(list, i, key, sizeof key);

		if (len == 0)
			fault(f, c->lists_text.path, c->lists_text.line,
				"%s is too long for a list", list);
		else if (config_user(c, key, len) != NULL ||
			 config_alias(c, key, len) != NULL)
			fault(f, c->lists_text.path, c->lists_text.line,
				"%s belongs to the list %s: it can be no user "
				"and no alias",
				key, list);
	}
}

bool
config_read_lists(struct config *c, struct faults *f)
{
	struct text *t = &c->lists_text;
	char *line, *name, *more;
	size_t len, name_len, more_len, at;

	while (config_line(t, f, &line, &len)) {
		struct name *added;

		if (!text_field(&line, &len, &name, &name_len) ||
			!config_address(t, f, name, &name_len, &at))
			continue;
		if (text_field(&line, &len, &more, &more_len))
			fault(f, t->path, t->line, "a line is `ADDRESS`");
		if (config_user(c, name, name_len) == NULL)
			fault(f, t->path, t->line, "%s is no user (see %s)",
				name, c->users_text.path);
		check_addresses(c, f, name);
		if ((added = CONFIG_ADD(&c->lists)) == NULL)
			return false;
		*added = (struct name){name, name_len, t->line};
	}
	name_sort(c->lists.list, c->lists.count, sizeof *c->lists.list);
	name_check_twice(c->lists.list, c->lists.count, sizeof *c->lists.list,
		t->path, f);
	return true;
}

bool
config_is_list(struct config const *c, char const *mailbox)
{
	return name_find(c->lists.list, c->lists.count, sizeof *c->lists.list,
		       mailbox, strlen(mailbox)) != NULL;
}
